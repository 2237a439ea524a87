"""Where a vote stands, and where a voter stands."""

import time
from collections.abc import Sequence
from typing import Any

from redis.exceptions import RedisError

from concours.base.db import reading
from concours.base.errors import NotFound
from concours.base.messages import msg
from concours.voting import journal, keys, ledger, receipts, refusals, secrets
from concours.voting.amendments import voided
from concours.voting.cast import Booth
from concours.voting.log import publication
from concours.voting.receipts import Standing
from concours.voting.rules import MOST_PICKS, Facts
from concours.voting.voters import Voter


def of_receipt(booth: Booth, facts: Facts, receipt_id: str) -> dict[str, Any]:
    """The receipt as it stands now: `recorded`, `provisional`, `refused` (with `reason`) or `unknown`.

    A recorded one has its `inclusion` proof in the newest checkpoint, or None where that is older than the vote; the
    `decisions` that were made about it, the last one first; and whether it `counts`.
    An id that was given out and is unknown now was admitted by a Redis that lost its data before the vote was
    recorded: it does not count; or the ledger has lost it, which a signed receipt proves. Raises NotFound for what is
    no receipt's id, Unavailable when Redis is away.
    """
    read = receipts.read_id(receipt_id)
    if read is None:
        raise NotFound(msg("This is not the number of a receipt."), hint=msg("Copy the whole link and try again."))
    journal_id, commitment = read
    with reading(), booth.engine.connect() as connection:
        found = ledger.find(connection, facts.id, commitment)
        reason = None if found else ledger.refused_as(connection, facts.id, journal_id)
        proof = publication.inclusion(connection, facts.id, found.leaf or 0) if found else None
        judged = voided.judgements(connection, facts.id, found.leaf or 0) if found else []
        done = None if found else ledger.progress(connection, facts.id).journal_id
    if found is not None:
        said = {"inclusion": proof, "decisions": judged, "counts": voided.counts(judged)}
        return {**receipts.describe(facts, found), **said}
    if reason is None and journal.is_behind(journal_id, done or "0-0"):  # the journal keeps some that are done with
        try:
            ballot = journal.find(booth.client, facts.id, journal_id)
        except RedisError as away:
            raise refusals.redis_away() from away
        entry = next((vote for vote in ballot if vote.commitment == commitment), None)
        if entry is not None:
            return receipts.describe(facts, Standing(journal_id, entry.candidate, entry.day, commitment, entry.weight))
    return _not_there(facts, receipt_id, commitment, reason)


def of_ballot(booth: Booth, facts: Facts, receipt_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The receipts of one ballot as they stand now, like `of_receipt` without proofs and decisions, whether each
    `counts`; the same few questions for one as for fifty. Raises NotFound for what is no ballot's, Unavailable."""
    read = [receipts.read_id(each) for each in receipt_ids[: MOST_PICKS + 1]]
    known = {each[1]: each[0] for each in read if each is not None}
    if not 0 < len(known) == len(read) <= MOST_PICKS or len({journal.place_of(each) for each in known.values()}) > 1:
        raise NotFound(msg("These are not the receipts of one ballot."), hint=msg("Copy the whole link and try again."))
    first = next(iter(known.values()))
    with reading(), booth.engine.connect() as connection:
        recorded = ledger.find_all(connection, facts.id, list(known))
        void = voided.void_among(connection, facts.id, [vote.leaf or 0 for vote in recorded.values()])
        missing = len(recorded) < len(known)
        reason = ledger.refused_at(connection, facts.id, list(known.values())) if missing else None
        done = ledger.progress(connection, facts.id).journal_id if missing else first
    there = dict(recorded)
    if missing and reason is None and journal.is_behind(first, done):
        try:
            ballot = journal.find(booth.client, facts.id, first)
        except RedisError as away:
            raise refusals.redis_away() from away
        for vote in ballot:
            there.setdefault(
                vote.commitment, Standing(vote.journal_id, vote.candidate, vote.day, vote.commitment, vote.weight)
            )
    found = []
    for receipt_id, commitment in zip(receipt_ids, known, strict=True):
        standing = there.get(commitment)
        if standing is None:
            found.append({**_not_there(facts, receipt_id, commitment, reason), "counts": False})
        else:
            found.append({**receipts.describe(facts, standing), "counts": standing.leaf not in void})
    return found


def _not_there(facts: Facts, receipt_id: str, commitment: bytes, reason: str | None) -> dict[str, Any]:
    return {
        "id": receipt_id,
        "poll": facts.id,
        "candidate": None,
        "day": None,
        "weight": None,
        "status": "unknown" if reason is None else "refused",
        "reason": reason,
        "leaf": None,
        "leaf_hash": None,
        "commitment": commitment.hex(),
        "recorded_at": None,
        "signature": None,
    }


def of_voter(booth: Booth, facts: Facts, voter: Voter) -> dict[str, Any]:
    """What the voter has used and has left today, and the votes given today per candidate. Raises Unavailable."""
    tag = secrets.tag_of(facts.key, facts.id, voter.id)
    day = booth.day(facts, int(time.time() * 1000))
    try:
        kept: Any = booth.client.hgetall(keys.voter(facts.id, tag))
    except RedisError as away:
        raise refusals.redis_away() from away
    today = str(day.ordinal)
    used = _count(kept.get(b"n"), today)
    rules = facts.rules
    given, full = {}, []
    for name, value in kept.items():
        if name[:1] != b"c":
            continue
        candidate, count = name[1:].decode(), _count(value, today)
        if count:
            given[candidate] = count
        in_all = int(value.rpartition(b":")[2])
        if (rules.per_candidate_day and count >= rules.per_candidate_day) or (
            rules.per_candidate_total and in_all >= rules.per_candidate_total
        ):
            full.append(int(candidate))
    return {
        "used_today": used,
        "left_today": max(0, rules.per_day - used) if rules.per_day else None,
        "left_total": max(0, rules.total - int(kept.get(b"t", 0))) if rules.total else None,
        "today": given,
        "full": full,
    }


def _count(value: bytes | None, day: str) -> int:
    if value is None:
        return 0
    when, count = value.decode().split(":")[:2]
    return int(count) if when == day else 0
