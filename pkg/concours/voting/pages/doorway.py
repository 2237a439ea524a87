"""The ways into a poll as they stand open to the running visitor: the one they vote by, and which others there are."""

from dataclasses import dataclass

from flask import url_for

from concours.base.messages import Message, msg
from concours.identity.access import signed_in
from concours.voting import entrance
from concours.voting.ladder import accounts, ways
from concours.voting.ladder.ways import ACCOUNT, CODE, DEVICE, OIDC, PHONE
from concours.voting.models import Poll


@dataclass(frozen=True, slots=True)
class Offer:
    """A way that the visitor could take: a sentence, what the button says, where it leads, what a vote counts then
    (None: as the card says)."""

    kind: str
    sentence: Message
    button: Message
    url: str
    weight: int | None


@dataclass(frozen=True, slots=True)
class Doorway:
    """`kind`: by which way the visitor votes (empty: none yet); `weight`: what each vote counts; `offers`: the others,
    the easiest first; `first_step`: where one goes who has none (empty: nowhere); `weighted`: whether it is said."""

    kind: str
    weight: int
    offers: tuple[Offer, ...]
    first_step: str
    weighted: bool

    @property
    def proven(self) -> bool:
        """Whether the browser remembers a way that can be left again."""
        return self.kind in entrance.PROVEN


_SENTENCES: dict[str, tuple[Message, Message]] = {
    ACCOUNT: (msg("With your account"), msg("Sign in to vote")),
    CODE: (msg("With an invitation code"), msg("Enter a code")),
    PHONE: (msg("With your mobile number"), msg("Use a number")),
    OIDC: (msg("With %(provider)s"), msg("Sign in there")),
}


def of_poll(poll: Poll) -> Doorway:
    """The doorway of the poll for the running request."""
    there = ways.read(poll.ways)
    weighted = any(way.weight != 1 for way in there.values())
    before = entrance.remembered(poll.id, there)
    account = signed_in()
    kind, weight = "", 1
    if before is not None:
        kind, weight = before.kind, entrance.weight_of(before)
    elif ACCOUNT in there and account is not None and accounts.may_vote(there[ACCOUNT], account, poll.event_id):
        kind, weight = ACCOUNT, there[ACCOUNT].weight
    elif DEVICE in there:
        kind, weight = DEVICE, there[DEVICE].weight
    shown = [_offer(poll, each, way) for each, way in there.items() if _fits(each, kind, account is not None)]
    offers = tuple(sorted((offer for offer in shown if offer is not None), key=lambda offer: offer.kind == ACCOUNT))
    first = ""
    if not kind:
        alone = offers[0].url if len(offers) == 1 else ""
        first = alone or url_for("voting_ladder.enter", poll_slug=poll.slug)
    return Doorway(kind, weight, offers, first, weighted or weight != 1)


def _fits(kind: str, taken: str, is_signed_in: bool) -> bool:
    if kind in {taken, DEVICE} or (kind == ACCOUNT and is_signed_in):
        return False
    return kind != OIDC or entrance.provider() is not None


def _offer(poll: Poll, kind: str, way: ways.Way) -> Offer | None:
    sentence, button = _SENTENCES[kind]
    here = url_for("voting.poll", poll_slug=poll.slug)
    weight: int | None = way.weight
    if kind == ACCOUNT:
        url = url_for("identity.sign_in", next=here)
    elif kind == CODE:
        url, weight = url_for("voting_ladder.code", poll_slug=poll.slug), None
    elif kind == PHONE:
        url = url_for("voting_ladder.phone", poll_slug=poll.slug)
    else:
        provider = entrance.provider()
        sentence = Message(sentence.text, {"provider": provider.name if provider is not None else ""})
        url = url_for("voting_ladder.sign_in", poll_slug=poll.slug)
    return Offer(kind, sentence, button, url, weight)
