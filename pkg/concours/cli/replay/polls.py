"""The public vote: an organiser sets up polls, thousands of voters vote, some of them too often; polls close."""

import csv
import io
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from concours.base.clock import now
from concours.cli.replay.ballots import NOBODY, Voters
from concours.cli.replay.browser import Refused
from concours.cli.replay.stage import Stage

PER_DAY = 5
TROUBLE_EVERY = 20  # one voter in twenty tries what is not allowed
CROWD = 40  # attempts from one network in the small poll
CROWD_LIMIT = 25  # that poll's limit per network and minute


@dataclass(frozen=True)
class Turn:
    """One voter: whom they vote for, in order, and whether they try what is not allowed."""

    candidates: tuple[int, ...]
    troubles: bool


def set_up(stage: Stage, slug: str, title: str, group: str, **limits: int) -> tuple[int, list[int]]:
    """The organiser makes and publishes a poll that is open now; returns its number and candidates."""
    zone, moment = ZoneInfo(stage.zone()), now()
    page = stage.admin.get(f"/events/{slug}/voting/new")
    fields = {
        "title": title,
        "opens_at": (moment - timedelta(minutes=1)).astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S"),
        "closes_at": (moment + stage.lasting).astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S"),
        "per_day": str(PER_DAY),
        "per_candidate_day": "1",
        "total": "0",
        "network_per_minute": "0",
        "voter_per_minute": "0",
        "new_devices_per_minute": "0",
        "challenge": "never",  # all of the model case's voters come from one address here
        **{name: str(value) for name, value in limits.items()},
    }
    made = stage.admin.submit(page, fields=fields, having="title")
    found = re.search(r"/voting/(\d+)", made.url)
    if found is None:
        raise LookupError(f"a new poll should open its page; it opened {made.url}")
    poll = int(found.group(1))
    overview = stage.admin.submit(made, f"/voting/{poll}/candidates", {"group": group})
    stage.admin.submit(overview, f"/voting/{poll}/publish")
    facts = stage.admin.json(f"/api/v1/polls/{poll}")
    return poll, [candidate["id"] for candidate in facts["candidates"]]


def make_codes(stage: Stage, slug: str, poll: int, group: str, count: int, weight: int) -> list[str]:
    """The organiser makes invitation codes for a group of voters, and downloads them; as they stand on the cards."""
    address = f"/events/{slug}/voting/{poll}/codes"
    made = stage.admin.submit(
        stage.admin.get(address), "/codes", {"name": group, "count": str(count), "weight": str(weight)}
    )
    found = re.search(r"/codes/(\d+)/table\.csv", made.html)
    if found is None:
        raise LookupError(f"a new batch of codes should offer its table: {made.url}")
    table = stage.admin.http.get(f"{address}/{found.group(1)}/table.csv")
    rows = csv.DictReader(io.StringIO(table.content.decode("utf-8-sig")))
    return [row["Invitation code"] for row in rows]  # the replay's browsers read English


def close(stage: Stage, slug: str, poll: int) -> None:
    """The organiser moves the poll's end to this moment."""
    page = stage.admin.get(f"/events/{slug}/voting/{poll}/edit")
    moment = now().astimezone(ZoneInfo(stage.zone())).strftime("%Y-%m-%dT%H:%M:%S")
    stage.admin.submit(page, fields={"closes_at": moment}, having="title")


def turns(stage: Stage, candidates: Sequence[int]) -> list[Turn]:
    """Who votes for whom: favourites get more, as in life. Together exactly the plan's votes."""
    per_voter = min(PER_DAY, len(candidates))
    voters = ceil(stage.plan.votes / per_voter)
    rng = stage.rng(7)
    weights = 1 / (1 + rng.permutation(len(candidates))) ** 0.7
    keys = rng.random((voters, len(candidates))) ** (
        1 / weights
    )  # Efraimidis and Spirakis (2006): weighted, no repeats
    chosen = keys.argsort(axis=1)[:, ::-1][:, :per_voter]
    found = []
    for voter in range(voters):
        count = min(per_voter, stage.plan.votes - voter * per_voter)
        picks = tuple(candidates[index] for index in chosen[voter][:count])
        found.append(Turn(picks, count == PER_DAY and voter % TROUBLE_EVERY == 0))
    return found


def take_turn(voters: Voters, turn: Turn, others: Sequence[int]) -> Counter[str]:
    """Plays one voter; returns what should have been refused, by reason."""
    token = voters.newcomer()
    expected: Counter[str] = Counter()
    for place, candidate in enumerate(turn.candidates):
        nonce = os.urandom(16).hex()
        voters.vote(token, candidate, nonce=nonce)
        if turn.troubles and place == 0:
            voters.vote(token, candidate, nonce=nonce)  # the same request once more: the same answer
            voters.vote(token, candidate, expect="already_voted")
            voters.vote(token, NOBODY, expect="not_eligible")
            expected += Counter({"already_voted": 1, "not_eligible": 1})
    if turn.troubles:
        rest = [one for one in others if one not in turn.candidates]
        voters.vote(token, rest[0] if rest else turn.candidates[0], expect="quota_used")
        expected["quota_used"] += 1
    return expected


def vote(stage: Stage, slug: str, poll: int, candidates: Sequence[int]) -> Voters:
    """All voters vote; then the poll is reconciled, closed, and a late vote refused."""
    voters = Voters(stage.url, poll)
    expected: Counter[str] = Counter()
    plan = turns(stage, candidates)
    for refused in stage.together("votes", plan, lambda turn: take_turn(voters, turn, candidates)):
        expected += refused
    close(stage, slug, poll)
    voters.vote(voters.newcomer(), candidates[0], expect="poll_closed")
    expected["poll_closed"] += 1
    _reckon(stage, slug, voters, expected, repeats=sum(turn.troubles for turn in plan))
    return voters


def crowd(stage: Stage, slug: str) -> None:
    """A script at one address runs into a poll's limit per network (a sliding minute: what it lets through depends on
    how long the attempts take)."""
    poll, candidates = set_up(
        stage, slug, f"限速演练 {stage.run}", "accepted", network_per_minute=CROWD_LIMIT, per_day=0, per_candidate_day=0
    )
    voters = Voters(stage.url, poll)
    token = voters.newcomer()
    for _attempt in range(CROWD):
        voters.vote(token, candidates[0], expect="")
    close(stage, slug, poll)
    found, count = reconcile(stage, slug, poll), voters.count
    slowed = count.refused["rate_limited"]
    stage.reckoning.compare("a crowd at one address is slowed", 1, int(0 < slowed <= CROWD - CROWD_LIMIT))
    kept = sum(number for reason, number in found["refused"].items() if _code(reason) == "rate_limited")
    stage.reckoning.compare("votes refused: rate_limited", slowed, kept)
    stage.reckoning.compare("votes accepted under the limit", CROWD - slowed, found["ledger"])


def _reckon(stage: Stage, slug: str, voters: Voters, expected: Counter[str], *, repeats: int) -> None:
    count, reckoning, plan = voters.count, stage.reckoning, stage.plan
    found = reconcile(stage, slug, voters.poll)
    reckoning.compare("votes sent", plan.votes + repeats + expected.total(), count.sent)
    reckoning.compare("votes accepted", plan.votes, count.accepted)
    reckoning.compare("same nonce, same answer", repeats, count.repeated)
    kept = {_code(reason): 0 for reason in found["refused"]}
    for reason, number in found["refused"].items():
        kept[_code(reason)] += number
    for reason, number in sorted(expected.items()):
        reckoning.compare(f"votes refused: {reason}", number, count.refused[reason])
        reckoning.compare(f"  as the platform counted: {reason}", number, kept.get(reason, 0))
    reckoning.compare("other refusals", 0, count.refused.total() - sum(count.refused[r] for r in expected))
    reckoning.compare("receipts", plan.votes, len(count.receipts))
    reckoning.compare("leaves of receipts, each once", plan.votes, len(leaves(voters)))
    reckoning.compare("ledger rows", plan.votes, found["ledger"])
    reckoning.compare("Redis tally", plan.votes, found["redis"])
    reckoning.compare("candidates whose counts differ", 0, differing(stage, voters))
    stage.reckoning.notes["answers that came late (202)"] = count.late


def leaves(voters: Voters) -> set[int]:
    """The leaves that the receipts name."""
    return {receipt["leaf"] for receipt in voters.count.receipts.values() if receipt.get("leaf") is not None}


def differing(stage: Stage, voters: Voters) -> int:
    """How many candidates' receipts, ledger, tally and Redis count are not all the same; asks the platform anew."""
    shown: dict[int, int] = {}

    def published() -> bool:
        try:
            standings = stage.browser().json(f"/api/v1/polls/{voters.poll}/standings")
        except Refused as refused:
            if refused.status != 403:
                raise
            return False  # the poll is over, and its log is being closed
        shown.update({row["candidate"]: row["votes"] for row in standings})
        return True

    stage.until("result published", published)
    receipts = voters.count.per_candidate()
    return sum(receipts.get(number, 0) != shown.get(number, 0) for number in {*receipts, *shown})


def reconcile(stage: Stage, slug: str, poll: int) -> dict[str, Any]:
    """The platform's own reconciliation, once nothing waits in the journal any more."""
    state: dict[str, Any] = {}

    def drained() -> bool:
        state.update(stage.admin.json(f"/api/v1/events/{slug}/polls/{poll}/reconciliation"))
        return bool(state["waiting"] == 0)

    stage.until("journal drained", drained)
    stage.reckoning.compare(f"poll {poll}: difference of its three counts", 0, state["difference"])
    return state


def _code(reason: str) -> str:
    return reason.split(":", 1)[0]
