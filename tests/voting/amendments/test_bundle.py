"""The auditor's bundle opens for the auditor alone, shows that the rules were kept, and every change of it is found."""

import hashlib
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pyrage
import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.base.db import db, session
from concours.base.errors import Invalid
from concours.identity.models import Account, Role
from concours.voting import ledger, secrets
from concours.voting.amendments import bundle, sealing
from concours.voting.models import Vote
from tests.factories import Make
from tests.verifying import Ran, run
from tests.voting.amendments.build import Council, settle
from tests.voting.amendments.test_correction import due, over, save
from tests.voting.build import PollMaker, at_work
from tests.voting.logs import OPENED, entries, keep, keeper_of

__all__ = ["run"]  # a fixture
ClientAs = Callable[[Account], FlaskClient]


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 3 * 65_536])
def test_any_age_program_opens_what_is_sealed(size: int) -> None:
    identity = pyrage.x25519.Identity.generate()
    plain = hashlib.shake_128(b"plain").digest(size)
    recipient = sealing.read_recipient(str(identity.to_public()))
    sealed = b"".join(sealing.seal(recipient, [plain[:10], plain[10:]]))
    assert pyrage.decrypt(sealed, [identity]) == plain
    with pytest.raises(pyrage.DecryptError):
        pyrage.decrypt(sealed, [pyrage.x25519.Identity.generate()])


@pytest.mark.parametrize("text", ["", "age1", "age1" + "q" * 58, "x" * 99, "AGE1a", "１", "age1éé"])
def test_what_is_no_key_is_refused_in_words(text: str) -> None:
    with pytest.raises(Invalid):
        sealing.read_recipient(text)


def test_a_mistyped_key_is_noticed() -> None:
    good = str(pyrage.x25519.Identity.generate().to_public())
    for at in range(4, len(good)):
        with pytest.raises(Invalid):
            sealing.read_recipient(good[:at] + ("q" if good[at] != "q" else "p") + good[at + 1 :])


def test_sealing_holds_no_more_than_a_chunk_in_memory() -> None:
    recipient = sealing.read_recipient(str(pyrage.x25519.Identity.generate().to_public()))

    def parts() -> Iterator[bytes]:
        for _ in range(300):
            yield bytes(100_000)

    tracemalloc.start()
    total = sum(len(part) for part in sealing.seal(recipient, parts()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total > 30_000_000
    assert peak < 2_000_000


def test_from_the_auditors_key_to_the_verdict(
    app: APIFlask,
    a_poll: PollMaker,
    make: Make,
    client: FlaskClient,
    client_as: ClientAs,
    tmp_path: Path,
    run: Callable[..., Ran],
) -> None:
    world, hand, keeper = over(app, a_poll, 400)
    world.poll.rules = {**world.poll.rules, "per_day": 1, "total": 2}
    session().commit()
    Council(make, world).decide(range(0, 50))
    settle(hand)
    due(keeper)
    save(client, world, tmp_path / "log")
    secret, path = tmp_path / "auditor.key", tmp_path / "bundle.age"
    public = run("uniqueness", "--new-key", secret).told["key"]
    auditor = client_as(make.with_role(world.event, Role.AUDITOR))
    session().commit()
    address = f"/events/{world.event.slug}/voting/{world.id}/closed"
    assert auditor.post(f"{address}/bundle", data={"recipient": "age1"}).status_code == 422
    session().commit()
    taken = auditor.post(f"{address}/bundle", data={"recipient": public})
    assert (taken.status_code, taken.mimetype) == (200, "application/octet-stream")
    path.write_bytes(taken.get_data())
    session().commit()
    check = ("uniqueness", path, "--secret", secret, "--log", tmp_path / "log")
    found = run(*check)
    assert found.status == 0, found.said
    assert (found.told["votes"], found.told["voters"], found.told["most"]) == (400, 400, {"per_day": 1, "total": 1})
    sealed = path.read_bytes()
    for at in (30, 120, 260, len(sealed) // 2, len(sealed) - 1):
        path.write_bytes(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :])
        assert run(*check).status != 0, at
    path.write_bytes(sealed[: len(sealed) // 2])
    assert run(*check).status == 1
    identity = pyrage.x25519.Identity.from_str(secret.read_text().splitlines()[1])
    lines = pyrage.decrypt(sealed, [identity]).splitlines(keepends=True)
    one, two = lines[1].split(), lines[2].split()
    stolen = b" ".join([two[0], one[1], one[2]]) + b"\n"
    recipient = pyrage.x25519.Recipient.from_str(public)
    for changed, word in (
        ([lines[0], lines[1], stolen, *lines[3:]], "do not make its commitment"),
        ([*lines[:7], *lines[8:]], "no line for the vote"),
        ([*lines, lines[-1]], "more lines than the log has votes"),
        (lines[:-1], "no line for the vote"),
        ([lines[0].replace(b'"per_day": 1', b'"per_day": 0'), *lines[1:]], ""),
    ):
        path.write_bytes(pyrage.encrypt(b"".join(changed), [recipient]))
        found = run(*check)
        assert (found.status, word in found.said) == (1 if word else 0, True), found.said


def test_a_voter_with_too_many_votes_is_found(
    app: APIFlask, a_poll: PollMaker, make: Make, client: FlaskClient, tmp_path: Path, run: Callable[..., Ran]
) -> None:
    world = a_poll(opens_at=OPENED, closes_at=a_poll.now - timedelta(hours=1))
    hand = at_work(app)
    made = entries(world.candidates, 0, 3)
    tag = made[1].tag
    commitment = secrets.commitment_of(tag, made[2].nonce)
    twice = made[2]._replace(tag=tag, commitment=commitment, slot=2, repeat=2, ordinal=2, nth=2)
    with db.engine.begin() as connection:
        ledger.record(connection, world.id, [*made[:2], twice], after="0-0", fence=hand.fence or 0, now=a_poll.now)
    hand.forget()
    hand.tend()
    keep(keeper_of(hand))
    world.poll.rules = {**world.poll.rules, "per_day": 1}
    session().commit()
    save(client, world, tmp_path / "log")
    secret, path = tmp_path / "key", tmp_path / "bundle"
    public = run("uniqueness", "--new-key", secret).told["key"]
    with db.engine.connect() as connection:
        head = bundle.head_of(connection, world.poll, a_poll.now)
    session().commit()
    path.write_bytes(b"".join(sealing.seal(sealing.read_recipient(public), bundle.lines(db.engine, head))))
    found = run("uniqueness", path, "--secret", secret, "--log", tmp_path / "log")
    assert found.status == 1, found.said
    assert "the rules are BROKEN: per_day 1 times" in found.said
    assert session().scalar(sa.select(sa.func.count()).select_from(Vote)) == 3
    session().commit()
