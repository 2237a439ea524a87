"""Why a vote is not counted, in words: each reason of lua/admit.lua and of the ledger's keys becomes one refusal.

The code is stable for programs. `rate_limited` and `quota_used` say in Retry-After when it may be tried again.
"""

from collections.abc import Callable

from concours.base.clock import in_zone
from concours.base.errors import Closed, Conflict, DomainError, Forbidden, Invalid, NotFound, RateLimited, Unavailable
from concours.base.messages import Message, msg, nmsg
from concours.voting.rules import Facts, moment_of

RELOAD_S = 1


def no_such_poll() -> NotFound:
    """The poll is not there, or not published (404)."""
    return NotFound(
        msg("There is no such poll."), hint=msg("The polls that are open now are on the page of their event.")
    )


def preparing() -> Unavailable:
    """The poll's state is being rebuilt from the ledger (503)."""
    return Unavailable(
        msg("The poll is being made ready and takes votes again in a moment."),
        hint=msg("Your vote was not counted yet. Please press the button again; it cannot count twice."),
        code="poll_preparing",
        retry_after=RELOAD_S,
    )


def redis_away() -> Unavailable:
    """Votes cannot be taken at the moment (503); a repetition with the same nonce is safe."""
    return Unavailable(
        msg("Votes cannot be taken for a moment."),
        hint=msg("Please press the button again in a few seconds; your vote cannot count twice."),
        code="voting_unavailable",
        retry_after=2,
    )


def not_kept() -> Unavailable:
    """The vote was admitted, but its journal was lost before it could be recorded (503): it does not count."""
    return Unavailable(
        msg("Your vote could not be recorded. It was not counted."),
        hint=msg("Please press the button again; your vote cannot count twice."),
        code="vote_not_recorded",
        retry_after=RELOAD_S,
    )


def nonce_reused() -> Conflict:
    """The client sent the nonce of another vote (409)."""
    return Conflict(
        msg("This request repeats the number of another vote. Reload the page and vote again."), code="nonce_reused"
    )


def refusal(reason: str, values: list[int], facts: Facts) -> DomainError:
    """The refusal for a `reason` of the script or the ledger; `values` are the numbers the script gave with it."""
    return _MADE[reason]([*values, 0, 0], facts)


def _not_open(values: list[int], facts: Facts) -> DomainError:
    return Closed(
        msg("This poll opens on %(time)s (%(zone)s).", **_when(values[0], facts)),
        hint=msg("Please come back then."),
        code="poll_not_open",
    )


def _closed(values: list[int], facts: Facts) -> DomainError:
    return Closed(
        msg("This poll closed on %(time)s (%(zone)s).", **_when(values[0] or facts.closes, facts)),
        hint=msg("Votes that were counted before stand; thank you for looking."),
        code="poll_closed",
    )


def _not_eligible(_: list[int], __: Facts) -> DomainError:
    return Forbidden(
        msg("This candidate takes no votes (any more)."),
        hint=msg("Reload the page to see who can be voted for; you have lost no vote."),
        code="not_eligible",
    )


def _busy_network(values: list[int], _: Facts) -> DomainError:
    return RateLimited(
        _soon(msg("Very many votes are coming from your network right now."), values[0]),
        hint=msg("You have lost no vote. On mobile data it works at once."),
        retry_after=values[0],
    )


def _busy_voter(values: list[int], _: Facts) -> DomainError:
    return RateLimited(
        _soon(msg("That was very fast."), values[0]), hint=msg("You have lost no vote."), retry_after=values[0]
    )


def _day_used(values: list[int], facts: Facts) -> DomainError:
    seconds, used = values[:2]
    left = facts.rules.per_day - used
    if used and left > 0:
        return RateLimited(
            nmsg(
                "You have %(count)s vote left today, and this ballot needs more.",
                "You have %(count)s votes left today, and this ballot needs more.",
                left,
            ),
            hint=msg("Nothing of it was counted. Choose fewer, or send it tomorrow (%(zone)s).", zone=facts.zone)
            if left >= facts.rules.min_picks
            else msg("You have new votes tomorrow, from midnight (%(zone)s).", zone=facts.zone),
            code="quota_used",
            retry_after=max(1, seconds),
        )
    return RateLimited(
        msg("Your votes for today are used."),
        hint=msg("You have new votes tomorrow, from midnight (%(zone)s).", zone=facts.zone),
        code="quota_used",
        retry_after=max(1, seconds),
    )


def _all_used(values: list[int], facts: Facts) -> DomainError:
    seconds, used = values[:2]
    left = facts.rules.total - used
    if used and left > 0:
        return RateLimited(
            nmsg(
                "You have %(count)s vote left in this poll, and this ballot needs more.",
                "You have %(count)s votes left in this poll, and this ballot needs more.",
                left,
            ),
            hint=msg("Nothing of it was counted. Choose fewer.")
            if left >= facts.rules.min_picks
            else msg("Nothing of it was counted: a ballot needs more choices than you have votes left."),
            code="quota_used",
            retry_after=max(1, seconds),
        )
    return RateLimited(
        msg("All your votes in this poll are used."),
        hint=msg("Thank you for voting."),
        code="quota_used",
        retry_after=max(1, seconds),
    )


def _wrong_picks(values: list[int], facts: Facts) -> DomainError:
    least, most = facts.rules.min_picks, facts.rules.max_picks
    if least == most:
        wanted = nmsg(
            "A ballot of this poll has %(count)s choice.", "A ballot of this poll has %(count)s choices.", most
        )
    else:
        wanted = msg("A ballot of this poll has from %(least)s to %(most)s choices.", least=least, most=most)
    chosen = nmsg("You chose %(count)s.", "You chose %(count)s.", values[0])
    return Invalid(msg("%(wanted)s %(chosen)s", wanted=wanted, chosen=chosen), code="wrong_picks")


def _already_voted(_: list[int], facts: Facts) -> DomainError:
    if facts.rules.max_picks > 1:
        return Conflict(
            msg("One of these candidates has had your vote today already."),
            hint=msg("That vote stands. Nothing of this ballot was counted; choose another in its place."),
            code="already_voted",
        )
    return Conflict(
        msg("Your vote for this candidate was counted already today."),
        hint=msg("It stands. You can vote for others, or again tomorrow if the poll is still open."),
        code="already_voted",
    )


def _given_all(_: list[int], __: Facts) -> DomainError:
    return Conflict(
        msg("A candidate has already had all the votes that you can give it in this poll."),
        hint=msg("They stand. You can vote for others."),
        code="already_voted",
    )


_MADE: dict[str, Callable[[list[int], Facts], DomainError]] = {
    "already_voted": _already_voted,
    "already_voted:total": _given_all,
    "wrong_picks": _wrong_picks,
    "quota_used": _day_used,
    "quota_used:day": _day_used,
    "quota_used:total": _all_used,
    "rate_limited:network": _busy_network,
    "rate_limited:voter": _busy_voter,
    "poll_closed": _closed,
    "poll_not_open": _not_open,
    "not_eligible": _not_eligible,
}
"""Every reason there is: those that the script names (counted in Redis), and `quota_used` of the ledger's keys."""


def _when(ms: int, facts: Facts) -> dict[str, str]:
    return {"time": in_zone(moment_of(ms), facts.zone).strftime("%Y-%m-%d %H:%M:%S"), "zone": facts.zone}


def _soon(sentence: Message, seconds: int) -> Message:
    return nmsg(
        "%(sentence)s Please try again in %(count)s second.",
        "%(sentence)s Please try again in %(count)s seconds.",
        seconds,
        sentence=sentence,
    )
