"""Nobody is given away: people vote by every way there is, are refused, mistype; then nothing that the vote path keeps
or tells holds an address, a name, a number or an account. And the look can fail: what is planted is found."""

import base64
import hashlib
import hmac
import json
import os
import pickle
import signal
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
import redis
import sqlalchemy as sa

import concours_verify
from concours.base.db import Model
from concours.cli.replay import polls
from concours.voting import keys, secrets, voters
from concours.voting.evidence.models import DONE, EvidenceRun
from concours.voting.models import Vote
from tests.drills import private_people as people
from tests.drills.postgres import Postgres
from tests.drills.private_people import People
from tests.drills.stack import Stack, until
from tests.drills.traces import in_files, in_redis, in_sql
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

REWRITTEN_WITHIN_S = 20.0  # Redis' files, in the background

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
        "LOG_LEVEL": "DEBUG",
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


def tables_of_the_room() -> set[str]:
    """The tables of the vote path, and of all that stands behind it."""
    mine = (
        mapper.class_ for mapper in Model.registry.mappers if mapper.class_.__module__.startswith("concours.voting")
    )
    return {str(model.__tablename__) for model in mine}


def count(stack: Stack, asked: "sa.Select[tuple[int]]") -> int:
    """A number out of the platform's database."""
    engine = sa.create_engine(database_of(stack))
    with engine.connect() as connection:
        found = int(connection.execute(asked).scalar_one())
    engine.dispose()
    return found


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
        assert traces.within(in_redis(client)) == {}
    finally:
        os.kill(sequencer, signal.SIGCONT)
    scene.vote(scene.candidates[1])
    scene.are_refused()
    scene.mistype()
    until(lambda: polls.reconcile(stage, slug, scene.poll)["ledger"] >= 2 * len(scene.tokens), 30, "all is recorded")
    networks = sa.select(sa.func.count(Vote.network.distinct())).where(Vote.poll_id == scene.poll)
    assert count(stack, networks) == len(people.ADDRESSES), "the addresses came as far as the vote"
    scene.look_again()
    assert {"already_voted", "rate_limited", "wrong_code", "wrong_password", "invalid", "voter_required"} <= set(
        scene.answers
    ), scene.answers
    evidence = f"/events/{slug}/voting/{scene.poll}/evidence"
    stage.admin.submit(stage.admin.get(evidence), "/evidence")
    until(
        lambda: count(stack, sa.select(sa.func.count()).where(EvidenceRun.status == DONE)),
        60,
        "the votes are looked at",
    )
    polls.close(stage, slug, scene.poll)
    until(lambda: stack.get(f"/log/{scene.poll}/closing")[0] == 200, 90, "the poll is closed")

    assert traces.within(kept_by(stack)) == {}
    assert traces.within(in_files(log_of(stack, scene.poll, tmp_path / "log"))) == {}
    in_tables = {place.split(".")[0] for place in traces.within(in_sql(database_of(stack)))}
    ours = tables_of_the_room()
    assert {Vote.__tablename__, EvidenceRun.__tablename__, "decision", "vote_code"} <= ours
    assert not in_tables & ours
    assert in_tables == set(WITH_PEOPLE), "people are where the documentation says, and found there"

    the_key_ends(stack, scene)

    planted = plant(stack)
    found = traces.within([*kept_by(stack), *in_sql(database_of(stack))])
    for place in planted:
        assert any(place in name for name in found), f"{place} is looked through"


@pytest.mark.parametrize(
    "held",
    [
        "203.0.113.177", "3405803953", b"\xcb\x00\x71\xb1", b"\xb1\x71\x00\xcb", "cb0071b1", "ywBxsQ==",
        "2001:db8:7731:f00d::/64", "2001:0db8:7731:f00d:a1b2:c3d4:e5f6:1789", b"\x20\x01\x0d\xb8\x77\x31\xf0\x0d",
        "7340519222", b"\xcf" + (7_340_519_222).to_bytes(8), (7_340_519_222).to_bytes(8, "little"),
        json.dumps({"who": "欧阳澜漪"}), "欧阳澜漪", quote("欧阳澜漪"), base64.b64encode(b"x lanyi7731@mail.example"),
        hashlib.sha256(b"203.0.113.177").hexdigest()[:20], hashlib.md5(b"lanyi.ouyang7731").digest(),
        zlib.compress(pickle.dumps(("a job", 7_340_519_222))), zlib.compress(zlib.compress(b"+8613966317742")),
    ],
)  # fmt: skip
def test_every_spelling_is_known(held: str | bytes) -> None:
    data = held if isinstance(held, bytes) else held.encode()
    assert people.traces().within([("there", b"before " + data + b" behind" if data[:1] != b"\x78" else data)])
    assert not people.traces().within([("there", hashlib.shake_256(data).digest(100_000))])


@dataclass
class Thief:
    """Who has all that the machine has: database, Redis, and the secrets on its disk; and knows an account's number."""

    stack: Stack
    scene: People

    def slug(self) -> str:
        """The poll's, which its keys are bound to."""
        return str(self.scene.stage.admin.json(f"/api/v1/polls/{self.scene.poll}")["slug"])

    def keys(self) -> dict[bytes, bytes]:
        """Every poll key that comes out of anything in the database or Redis: wrapped -> key."""
        secret, slug = (self.stack.instance / "secret_key").read_text().strip(), self.slug()
        client = redis.Redis.from_url(self.stack.redis_url())
        found = {}
        for _, data in (*in_sql(database_of(self.stack)), *in_redis(client)):
            if secrets.KEY_BYTES < len(data) < 4 * secrets.KEY_BYTES:
                with suppress(secrets.WrongSecret, ValueError):
                    found[data] = secrets.unwrap_key(secret, slug, data)
        client.close()
        return found

    def tags(self) -> set[bytes]:
        """The pseudonyms in the poll's ledger."""
        engine = sa.create_engine(database_of(self.stack))
        with engine.connect() as connection:
            rows = connection.execute(sa.select(Vote.tag).where(Vote.poll_id == self.scene.poll))
            found = {bytes(tag) for tag in rows.scalars()}
        engine.dispose()
        return found

    def votes_of(self, account: int) -> int:
        """How many pseudonyms of the ledger can be shown to be the account's."""
        poll, tags = self.scene.poll, set()
        for key in self.keys().values():
            voter = hmac.digest(key, b"account\x00%d" % account, "sha256")[: voters.ID_BYTES]
            tags.add(secrets.tag_of(key, poll, voter))
        return len(tags & self.tags())


def the_key_ends(stack: Stack, scene: People) -> None:
    """Before the poll's key is destroyed a thief of everything knows who voted; afterwards the same thief does not."""
    thief = Thief(stack, scene)
    assert [thief.votes_of(people.FIRST_ACCOUNT), thief.votes_of(people.FIRST_ACCOUNT + 99)] == [1, 0]
    [(wrapped, key)] = thief.keys().items()
    tags = thief.tags()
    done = stack.command("poll", "destroy-key", thief.slug(), "--sure", thief.slug(), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "poll": thief.slug(), "destroyed": True, "redis_forgot": True, "overwritten": True
    }  # fmt: skip
    assert thief.keys() == {}
    assert thief.votes_of(people.FIRST_ACCOUNT) == 0
    assert thief.tags() == tags, "the ledger stays"
    hidden = {one for secret in (key, wrapped) for one in (secret, secret.hex().encode(), base64.b64encode(secret))}

    def left() -> set[str]:
        """The files that still hold the key, and those of Redis that hold a voter."""
        found = set()
        for place, data in in_files(stack.instance, stack.log):
            if any(one in data for one in hidden):
                found.add(f"the key in {place}")
            if "appendonly" in place and any(tag in data or keys.short(tag).encode() in data for tag in tags):
                found.add(f"a voter in {place}")
        return found

    end = time.monotonic() + REWRITTEN_WITHIN_S
    while left() and time.monotonic() < end:
        time.sleep(0.2)
    assert left() == set()


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
