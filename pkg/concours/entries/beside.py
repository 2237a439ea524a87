"""What other rooms say to an author about an entry, shown on the entry's page. A room registers itself at the start.

beside(msg("From the jury"), remarks.for_author)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from concours.base.messages import Message
from concours.entries.models import Entry


@dataclass(frozen=True)
class Beside:
    """Paragraphs under one heading."""

    heading: Message
    texts: Sequence[str]


_sources: dict[str, tuple[Message, Callable[[Entry], Sequence[str]]]] = {}


def beside(heading: Message, texts: Callable[[Entry], Sequence[str]]) -> None:
    """Registers `texts(entry)`; none means that the heading is not shown. Registered twice it is the same."""
    _sources[str(heading)] = (heading, texts)


def beside_of(entry: Entry) -> list[Beside]:
    """What is said about the entry, by heading."""
    found = ((heading, texts(entry)) for heading, texts in _sources.values())
    return [Beside(heading, texts) for heading, texts in found if texts]
