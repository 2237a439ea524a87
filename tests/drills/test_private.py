"""Nobody is given away: people vote by every way there is, are refused, mistype; then nothing that the vote path keeps
or tells holds an address, a name, a number or an account. And the look can fail: what is planted is found."""

import os
import pickle
import signal
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa

import concours_verify
from concours.base.db import Model
from concours.cli.replay import polls
from concours.voting import keys
from concours.voting.evidence import models as _evidence
from concours.voting.models import Vote
from tests.drills import private_people as people
from tests.drills.postgres import Postgres
from tests.drills.private_people import People
from tests.drills.stack import Stack, until
from tests.drills.traces import Traces, in_files, in_redis, in_sql
from tests.drills.votes import stage_of
from tests.voting.ladder.identity_provider import CLIENT, SECRET, IdentityProvider
from tests.voting.ladder.test_phone import Gateway

WITH_PEOPLE = {
    "account": "the accounts themselves",
    "sign_in_session": "who is signed in",
    "sign_in_attempt": "the SHA-256 of a name as typed at the sign-in",
    "audit_record": "who did what, of organisers and of sign-ins",
}
"""The only tables in which a voter may be found. None is the vote path's."""

pytestmark = pytest.mark.drill


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway for messages, on loopback."""
    made = Gateway()
    yield made
    made.server.shutdown()


@pytest.fixture
def provider() -> Iterator[IdentityProvider]:
    """An identity provider, on loopback."""
    made = IdentityProvider()
    made.person = people.SUBJECT
    yield made
    made.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def stack(
    request: pytest.FixtureRequest, tmp_path: Path, gateway: Gateway, provider: IdentityProvider
) -> Iterator[Stack]:
    """A platform behind a trusted proxy, that tells all it has to tell."""
    environ = {
        "TRUSTED_PROXIES": "127.0.0.1",
        "OUTBOUND_ALLOW": "127.0.0.0/8",
        "SMS_SENDER": f"webhook:{gateway.url}",
        "SMS_WEBHOOK_SECRET": "s" * 16,
        "OIDC_ISSUER": provider.issuer,
        "OIDC_CLIENT_ID": CLIENT,
        "OIDC_CLIENT_SECRET": SECRET,
        "VOTE_PATIENCE_MS": "200",
    }
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        environ["DATABASE_URL"] = server.url
    with Stack(tmp_path / "data", **environ) as platform:
        yield platform.start()


def database_of(stack: Stack) -> str:
    """The address of the platform's database, for SQLAlchemy."""
    given = stack.environ.get("DATABASE_URL", f"sqlite:///{stack.instance / 'concours.sqlite3'}")
    return given.replace("postgresql://", "postgresql+psycopg://")


def make_accounts(stack: Stack) -> None:
    """The voters' accounts, with numbers like no others, and all that an account may hold."""
    engine = sa.create_engine(database_of(stack))
    with engine.begin() as connection:
        tables = sa.MetaData()
        tables.reflect(connection, only=["account"])
        account = tables.tables["account"]
        row = dict(connection.execute(sa.select(account).limit(1)).one()._mapping)
        last = people.FIRST_ACCOUNT - 1
        connection.execute(sa.insert(account).values(**{**row, "id": last, "username": "the last before"}))
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("select setval(pg_get_serial_sequence('account', 'id'), :last)"), {"last": last})
    for number, (username, name) in enumerate(people.ACCOUNTS.items(), start=people.FIRST_ACCOUNT):
        made = stack.command(
            "account", "create", username, "--role", "member", "--display-name", name, "--password-stdin",
            stdin=people.PASSWORD,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        place = number - people.FIRST_ACCOUNT
        with engine.begin() as connection:
            changed = connection.execute(
                sa.update(account)
                .where(account.c.id == number, account.c.username == username)
                .values(email=people.EMAILS[place], phone=people.ACCOUNT_PHONES[place])
            )
            assert changed.rowcount == 1
    engine.dispose()


def given_away(traces: Traces, held: Iterable[tuple[str, bytes]]) -> dict[str, set[str]]:
    """Where whom is found."""
    found: dict[str, set[str]] = defaultdict(set)
    for place, data in held:
        for who in traces.within(data):
            found[place].add(who)
    return dict(found)


def tables_of_the_room() -> set[str]:
    """The tables of the vote path, and of all that stands behind it."""
    mine = (
        mapper.class_ for mapper in Model.registry.mappers if mapper.class_.__module__.startswith("concours.voting")
    )
    return {str(model.__tablename__) for model in mine}


def networks_of(stack: Stack, poll: int) -> int:
    """How many networks the recorded votes of the poll came from."""
    engine = sa.create_engine(database_of(stack))
    with engine.connect() as connection:
        found = connection.execute(sa.select(sa.func.count(Vote.network.distinct())).where(Vote.poll_id == poll))
        count = int(found.scalar_one())
    engine.dispose()
    return count


def log_of(stack: Stack, poll: int, folder: Path) -> Path:
    """The whole public log of a closed poll, as anybody fetches it."""
    assert concours_verify.main(["fetch", str(folder), "--log", f"{stack.url}/log/{poll}", "--json"]) == 0
    return folder


def kept_by(stack: Stack) -> Iterator[tuple[str, bytes]]:
    """What all processes keep and tell beside SQL: Redis, every file of the instance, the log lines, the figures."""
    client = redis.Redis.from_url(stack.redis_url())
    yield from in_redis(client)
    client.close()
    yield from in_files(stack.instance, stack.log, without=["concours.sqlite3"])
    status, figures = stack.get("/metrics")
    assert status == 200, figures
    yield "/metrics", figures.encode()


def test_nothing_of_a_vote_gives_anybody_away(
    stack: Stack, gateway: Gateway, provider: IdentityProvider, tmp_path: Path
) -> None:
    stage, slug = stage_of(stack, 0)
    make_accounts(stack)
    scene = People(stack, stage, slug, gateway, provider)
    scene.set_up()
    traces = people.traces(scene.codes)
    scene.come_in()
    sequencer = stack.pids()["sequencer"]
    os.kill(sequencer, signal.SIGSTOP)
    try:
        scene.vote(scene.candidates[0])
        client = redis.Redis.from_url(stack.redis_url())
        assert client.xlen(keys.journal(scene.poll)) >= len(scene.tokens), "the journal holds what waits"
        assert given_away(traces, in_redis(client)) == {}
    finally:
        os.kill(sequencer, signal.SIGCONT)
    scene.vote(scene.candidates[1])
    scene.are_refused()
    scene.mistype()
    until(lambda: polls.reconcile(stage, slug, scene.poll)["ledger"] >= 2 * len(scene.tokens), 30, "all is recorded")
    assert networks_of(stack, scene.poll) == len(people.ADDRESSES), "the addresses came as far as the vote"
    scene.look_again()
    assert {"already_voted", "rate_limited", "wrong_code", "wrong_password", "invalid", "voter_required"} <= set(
        scene.answers
    ), scene.answers
    looked = stack.command("poll", "evidence", stage.admin.json(f"/api/v1/polls/{scene.poll}")["slug"])
    assert looked.returncode == 0, looked.stderr
    polls.close(stage, slug, scene.poll)
    until(lambda: stack.get(f"/log/{scene.poll}/closing")[0] == 200, 90, "the poll is closed")

    assert given_away(traces, kept_by(stack)) == {}
    assert given_away(traces, in_files(log_of(stack, scene.poll, tmp_path / "log"))) == {}
    in_tables = {place.split(".")[0] for place in given_away(traces, in_sql(database_of(stack)))}
    ours = tables_of_the_room()
    assert {Vote.__tablename__, _evidence.EvidenceGroup.__tablename__, "decision", "vote_code"} <= ours
    assert not in_tables & ours
    assert in_tables <= set(WITH_PEOPLE), in_tables
    assert "account" in in_tables, "the look finds people where they are"

    planted = plant(stack)
    found = given_away(traces, [*kept_by(stack), *in_sql(database_of(stack))])
    for place in planted:
        assert any(place in name for name in found), f"{place} is looked through"


def plant(stack: Stack) -> list[str]:
    """Puts a person into each kind of place; returns the places."""
    client = redis.Redis.from_url(stack.redis_url())
    account = str(people.FIRST_ACCOUNT)
    client.set("planted:text", people.V4[0])
    client.hset("planted:hash", "a", zlib.compress(pickle.dumps({"args": (people.FIRST_ACCOUNT,)})))
    client.xadd("planted:stream", {"n": account})
    client.sadd("planted:set", people.EMAILS[0])
    client.rpush("planted:list", b"\x00\x01" + bytes([203, 0, 113, 177]))
    client.zadd("planted:zset", {"x": people.FIRST_ACCOUNT})
    client.set(f"limit:{people.V6}", 1)
    client.close()
    (stack.instance / "planted.log").write_text(f"vote of {people.SUBJECT}")
    with stack.log.open("a") as log:
        log.write(f"refused: {next(iter(people.PHONES))}\n")
    engine = sa.create_engine(database_of(stack))
    with engine.begin() as connection:
        connection.execute(
            sa.text("update vote set network = :held where leaf = 0"), {"held": bytes([203, 0, 113, 177])}
        )
        connection.execute(
            sa.text("update poll set introduction = :held"), {"held": next(iter(people.ACCOUNTS.values()))}
        )
    engine.dispose()
    return [
        *(f"planted:{kind}" for kind in ("text", "hash", "stream", "set", "list", "zset")),
        "a name in Redis",
        ".aof, a word",
        "planted.log",
        stack.log.name,
        "vote.network",
        "poll.introduction",
    ]
