"""The ways into a poll: kind -> weight, and for accounts whom it is open to.

A voter who comes in by one way is another voter than one who comes in by a second: their ids never meet. The weight
of a way (of a code: of its batch) is what each vote counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from concours.base.messages import Message, msg

if TYPE_CHECKING:
    from concours.voting.models import Poll

ACCOUNT, DEVICE, CODE, PHONE, OIDC = "account", "device", "code", "phone", "oidc"
KINDS = (ACCOUNT, DEVICE, CODE, PHONE, OIDC)
"""In the order in which a visitor is offered them: from what asks least of most people to what asks most."""
HEAVIEST = 1_000

NEVER, ON_EVIDENCE, ALWAYS = "never", "evidence", "always"
CHALLENGES = (NEVER, ON_EVIDENCE, ALWAYS)


@dataclass(frozen=True, slots=True)
class Way:
    """One way in: what a vote counts that comes by it (1 to HEAVIEST). Of accounts: the roles in the event of which
    one is needed, and the departments (numbers); empty is everybody."""

    weight: int = 1
    roles: tuple[str, ...] = ()
    departments: tuple[int, ...] = ()

    @property
    def is_narrow(self) -> bool:
        """Whether not every account may come in."""
        return bool(self.roles or self.departments)


Ways = Mapping[str, Way]


def read(kept: Mapping[str, Any]) -> dict[str, Way]:
    """The ways as kept with the poll, in the order of KINDS."""
    return {
        kind: Way(
            int(kept[kind].get("weight", 1)),
            tuple(kept[kind].get("roles", ())),
            tuple(int(number) for number in kept[kind].get("departments", ())),
        )
        for kind in KINDS
        if kind in kept
    }


def weighted(ways: Ways) -> bool:
    """Whether a way's votes count more than one; of codes their batches say it."""
    return any(way.weight != 1 for way in ways.values())


def only(kind: str, weight: int = 1) -> dict[str, Way]:
    """A poll with one way in."""
    return {kind: Way(weight)}


def kept(ways: Ways) -> dict[str, dict[str, Any]]:
    """For the poll's column."""
    found: dict[str, dict[str, Any]] = {}
    for kind, way in ways.items():
        found[kind] = {"weight": way.weight}
        if way.roles:
            found[kind]["roles"] = list(way.roles)
        if way.departments:
            found[kind]["departments"] = list(way.departments)
    return found


def who_of(kept_ways: Mapping[str, Any]) -> str:
    """The ways in one word, as the JSON API has always said it: the first of them, `account` only where it is alone."""
    others = [kind for kind in KINDS if kind in kept_ways and kind != ACCOUNT]
    return DEVICE if DEVICE in others else others[0] if others else ACCOUNT


_WORDS: dict[str, Message] = {
    ACCOUNT: msg("You vote with your account."),
    DEVICE: msg("You vote without signing in; this browser is remembered as one voter."),
    CODE: msg("You vote with an invitation code; each code is one voter, and its card says what its votes count."),
    PHONE: msg("You vote with your mobile number, confirmed by a message; each number is one voter."),
    OIDC: msg("You vote after signing in at your organisation; each person there is one voter."),
}
_NARROW = msg("Those of this event whom the organiser chose vote with their account.")


def of_poll(poll: "Poll") -> list[Message]:
    """Who votes in a poll, as sentences for voters."""
    return in_words(read(poll.ways), poll.challenge)


def in_words(ways: Ways, challenge: str = NEVER) -> list[Message]:
    """The ways as sentences for voters; weights are said where one is not 1."""
    weights = weighted(ways)
    several = msg("Please use one of these ways, the first that fits you.")
    said: list[Message] = [several] if len(ways) > 1 else []
    for kind, way in ways.items():
        sentence = _NARROW if kind == ACCOUNT and way.is_narrow else _WORDS[kind]
        if weights and kind != CODE:
            sentence = msg("%(way)s Each vote counts %(weight)s.", way=sentence, weight=way.weight)
        said.append(sentence)
    if len(ways) == 1 and DEVICE not in ways and not weights:
        said.append(msg("Everyone has the same number of votes."))
    if challenge == ALWAYS:
        said.append(msg("New voters wait a moment while their device solves a small puzzle; it slows programs down."))
    elif challenge == ON_EVIDENCE:
        said.append(msg("When very many new voters come at once, their devices solve a small puzzle first."))
    return said
