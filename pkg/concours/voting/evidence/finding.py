"""What one test found: some votes, how unlikely they are among honest people, and how many honest ones may be among
them."""

from dataclasses import dataclass, field

from concours.voting.evidence.votes import Ints

ONCE, SITTING, INTERVALS, REPEATED, COVOTING = "once", "sitting", "intervals", "repeated", "covoting"
SOLVED = "solved"


@dataclass(frozen=True)
class Finding:
    """`index`: the votes; `p`: the probability, under the test's null and after all places it looked at within its
    stream; `honest`: how many of these votes are expected to be honest ones; `facts`: figures for people."""

    kind: str
    index: Ints
    p: float
    honest: float
    facts: dict[str, float] = field(default_factory=dict)
