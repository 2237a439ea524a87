"""Ten thousand attempts in the same moment: one where one is allowed, the quota where there is a quota. And the test
can fail: without the ledger's unique keys, and with a Redis that forgot, it does."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
import redis
import sqlalchemy as sa

from concours.cli.replay import polls
from concours.cli.replay.ballots import Voters
from concours.voting import keys
from tests.drills.stack import Stack, until
from tests.drills.votes import poll_of_teams

ATTEMPTS = 10_000
LINES = 500  # connections; each sends its share at once, without waiting for answers
AGAIN_S = 0.5  # before what was told 503 is sent again, with the same nonce
ROUNDS = 60

pytestmark = [pytest.mark.drill, pytest.mark.long]


def request_of(stack: Stack, poll: int, token: str, candidate: int, nonce: str) -> bytes:
    """One vote as bytes on the line."""
    body = json.dumps({"candidate": candidate, "nonce": nonce})
    return (
        f"POST /api/v1/polls/{poll}/votes HTTP/1.1\r\nHost: 127.0.0.1:{stack.port}\r\nAuthorization: Voter {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


async def _answers(stack: Stack, requests: Sequence[bytes], start: asyncio.Event) -> list[int]:
    reader, writer = await asyncio.open_connection("127.0.0.1", stack.port)
    await start.wait()
    writer.write(b"".join(requests))
    statuses = []
    for _ in requests:
        head = await reader.readuntil(b"\r\n\r\n")
        statuses.append(int(head.split(b" ", 2)[1]))
        size = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(size)
    writer.close()
    return statuses


async def _all_at_once(stack: Stack, requests: Sequence[bytes]) -> list[int]:
    start = asyncio.Event()
    shares = [list(requests[number::LINES]) for number in range(LINES)]
    lines = [asyncio.create_task(_answers(stack, share, start)) for share in shares if share]
    await asyncio.sleep(1)
    start.set()
    found = await asyncio.gather(*lines)
    answers = [0] * len(requests)
    for number, statuses in enumerate(found):
        answers[number::LINES] = statuses
    return answers


def at_once(stack: Stack, poll: int, token: str, candidates: Sequence[int]) -> Counter[int]:
    """ATTEMPTS votes of one voter in the same moment, over the candidates in turn; how many got which status. What is
    told to come again (503) does, with its nonce, as the page does."""
    waiting = [
        request_of(stack, poll, token, candidates[number % len(candidates)], os.urandom(16).hex())
        for number in range(ATTEMPTS)
    ]
    found: Counter[int] = Counter()
    for _ in range(ROUNDS):
        statuses = asyncio.run(_all_at_once(stack, waiting))
        found.update(status for status in statuses if status != 503)
        waiting = [ballot for ballot, status in zip(waiting, statuses, strict=True) if status == 503]
        if not waiting:
            return found
        until(lambda: stack.get("/readyz")[0] == 200, 60, "votes are taken")
    raise AssertionError(f"{len(waiting)} attempts were told to come again {ROUNDS} times")


def recorded(stack: Stack, poll: int) -> int:
    """Votes in the ledger."""
    engine = sa.create_engine(database_of(stack))
    with engine.connect() as connection:
        count = connection.execute(sa.text("SELECT COUNT(*) FROM vote WHERE poll_id = :poll"), {"poll": poll}).scalar()
    engine.dispose()
    return int(count or 0)


def database_of(stack: Stack) -> str:
    """The platform's database."""
    return stack.environ.get("DATABASE_URL") or f"sqlite:///{stack.instance}/concours.sqlite3"


def forget_voters(stack: Stack, poll: int) -> None:
    """Redis loses what it knows of the poll's voters, and nobody has noticed."""
    client = redis.Redis.from_url(stack.redis_url())
    names = list(client.scan_iter(match=keys.every_voter(poll)))
    assert names
    client.delete(*names)
    client.close()


def drop_keys(stack: Stack) -> None:
    """The ledger loses its unique keys: those of the votes, and that of their slots."""
    engine = sa.create_engine(database_of(stack))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            for table, name in connection.execute(
                sa.text(
                    "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype IN ('u', 'p')"
                    " AND conrelid IN ('vote'::regclass, 'vote_slot'::regclass)"
                )
            ).all():
                connection.execute(sa.text(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"'))
        else:
            for table, first in (("vote", "id INTEGER PRIMARY KEY, "), ("vote_slot", "")):
                columns = [column["name"] for column in sa.inspect(connection).get_columns(table)]
                listed = ", ".join(f'"{name}"' for name in columns if name != "id")
                connection.execute(sa.text(f"CREATE TABLE bare ({first}{listed})"))
                connection.execute(sa.text(f"INSERT INTO bare ({listed}) SELECT {listed} FROM {table}"))
                connection.execute(sa.text(f"DROP TABLE {table}"))
                connection.execute(sa.text(f"ALTER TABLE bare RENAME TO {table}"))
    engine.dispose()


def check_once(stack: Stack, poll: int, voter: str, candidate: int) -> None:
    """Whatever happened before, the voter has one vote for the candidate after ATTEMPTS more."""
    before = recorded(stack, poll)
    found = at_once(stack, poll, voter, [candidate])
    assert set(found) <= {201, 202, 409}, found
    until(lambda: _drained(stack, poll), 60, "the journal is recorded")
    assert recorded(stack, poll) == max(before, 1), found


def _drained(stack: Stack, poll: int) -> bool:
    client: Any = redis.Redis.from_url(stack.redis_url())
    mark = (client.hget(keys.state(poll), "mark") or b"").decode()
    last = client.xrevrange(keys.journal(poll), count=1)
    client.close()
    return not last or tuple(map(int, last[0][0].decode().split("-"))) <= tuple(map(int, mark.split("-")[:2]))


def test_ten_thousand_at_once_count_once_and_a_quota_is_a_quota(stack: Stack) -> None:
    stage, slug, poll, candidates = poll_of_teams(stack, 1)
    voters = Voters(stack.url, poll)
    same, eager = voters.newcomer(), voters.newcomer()
    found = at_once(stack, poll, same, [candidates[0]])
    assert found == {201: 1, 409: ATTEMPTS - 1}
    found = at_once(stack, poll, eager, candidates)
    assert found[201] == polls.PER_DAY
    assert found[409] + found[429] == ATTEMPTS - polls.PER_DAY
    assert recorded(stack, poll) == 1 + polls.PER_DAY
    assert polls.reconcile(stage, slug, poll)["difference"] == 0
    forget_voters(stack, poll)
    check_once(stack, poll, same, candidates[0])  # Redis lets one in, the ledger does not


def test_without_the_ledgers_keys_and_with_a_forgetful_redis_the_check_fails(stack: Stack) -> None:
    _stage, _slug, poll, candidates = poll_of_teams(stack, 1)
    voter = Voters(stack.url, poll).newcomer()
    check_once(stack, poll, voter, candidates[0])
    drop_keys(stack)
    forget_voters(stack, poll)
    with pytest.raises(AssertionError):
        check_once(stack, poll, voter, candidates[0])
    assert recorded(stack, poll) == 2
