"""The log over HTTP: what tlog-tiles says, hashes while the poll is open, leaves after its close, cosignatures."""

import base64
import gzip
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from apiflask import APIFlask
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask.testing import FlaskClient

from concours.base.db import session
from concours.voting.booth import booth
from concours.voting.log import merkle, notes, publication, tiles, witnesses
from concours.voting.log.keeper import Keeper
from concours.voting.log.notes import COSIGNATURE, Verifier
from concours.voting.sequencer import Sequencer
from tests.conftest import both_databases
from tests.factories import Make
from tests.voting.build import PollMaker, PollWorld, Voter, at_work, sequencing, until_loaded
from tests.voting.logs import keep, keeper_of, record

Counter = Callable[[Callable[[], Any]], int]


def later(seconds: float = 11) -> time_machine.travel:
    return time_machine.travel(datetime.now().astimezone() + timedelta(seconds=seconds), tick=True)


def a_log(app: APIFlask, a_poll: PollMaker, count: int, **how: Any) -> tuple[PollWorld, Sequencer, Keeper, list[bytes]]:
    """A poll with so many votes, all under a checkpoint."""
    world = a_poll(**how)
    hand = at_work(app)
    keeper = keeper_of(hand)
    leaves = record(world, hand, count)
    keep(keeper)
    with later():
        keep(keeper)
    return world, hand, keeper, leaves


@pytest.mark.parametrize(
    ("number", "width", "path"),
    [(0, 256, "000"), (67, 112, "067.p/112"), (1_234_067, 256, "x001/x234/067"), (1_000, 1, "x001/000.p/1")],
)
def test_a_tiles_path_is_that_of_the_specification(number: int, width: int, path: str) -> None:
    assert publication.path_of(number, width) == path
    assert publication.read_path(path) == (number, width)


@both_databases
def test_a_stranger_rebuilds_the_root_from_the_tiles(app: APIFlask, a_poll: PollMaker, client: FlaskClient) -> None:
    world, _, _, leaves = a_log(app, a_poll, 700)
    at = f"/log/{world.poll.slug}"
    answer = client.get(f"{at}/checkpoint")
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Cache-Control"] == "public, max-age=1"
    assert client.get(f"{at}/checkpoint", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert client.get(f"/log/{world.id}/checkpoint").data == answer.data
    keys = client.get(f"{at}/keys").get_json()
    text = notes.verify(answer.get_data(as_text=True), notes.read_verifier(keys["log_keys"][-1]["key"]))
    head = notes.read_head(text)
    assert (head.origin, head.size) == (keys["origin"], 700)
    found = {}
    for place in [(0, 0), (0, 1), (0, 2), (1, 0)]:
        width = tiles.width_at(700, place)
        tile = client.get(f"{at}/tile/{place[0]}/{publication.path_of(place[1], width)}")
        assert tile.status_code == 200
        assert tile.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert tile.headers["Content-Type"] == "application/octet-stream"
        found[place] = tile.data
    assert b"".join(found[0, n] for n in range(3)) == b"".join(merkle.leaf_hash(leaf) for leaf in leaves)
    assert merkle.root(tiles.reader(found), 0, 700) == head.root
    assert client.get(f"{at}/tile/0/000.p/10").data == found[0, 0][:320]  # as of an earlier checkpoint


NO_TILES = (
    "tile/0/002", "tile/0/002.p/189", "tile/0/003", "tile/0/003.p/1", "tile/1/000", "tile/2/000.p/1", "tile/64/000",
    "tile/00/000", "tile/x/000", "tile/0/0", "tile/0/x000/000", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/",
    "tile/0/000.p/007", "tile/0/０00", "tile/0/000/000", "tile/0/" + "x001/" * 40 + "000", "tile/9999999999999/000",
    "tile/-1/000", "tile/0/x001", "nothing",
)  # fmt: skip


def test_what_the_log_does_not_have_is_not_found(app: APIFlask, a_poll: PollMaker, client: FlaskClient) -> None:
    world, *_ = a_log(app, a_poll, 700)
    for path in NO_TILES:
        answer = client.get(f"/log/{world.poll.slug}/{path}")
        assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store"), path


def test_no_log_of_a_poll_that_is_not_public(app: APIFlask, a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll(publish=False)
    for name in (world.poll.slug, world.id, "nobody", "9" * 30, "１"):
        assert client.get(f"/log/{name}/checkpoint").status_code == 404
    young = a_poll()
    answer = client.get(f"/log/{young.id}/checkpoint")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


@both_databases
def test_the_votes_are_public_only_after_the_close(app: APIFlask, a_poll: PollMaker, client: FlaskClient) -> None:
    world, _, keeper, leaves = a_log(app, a_poll, 300, closes_at=a_poll.now + timedelta(seconds=2))
    at = f"/log/{world.poll.slug}"
    for path in ("tile/entries/000", "closing"):
        refused = client.get(f"{at}/{path}")
        assert (refused.status_code, refused.get_json()["code"]) == (403, "log_open")
    session().commit()
    until_closed(world, keeper, client)
    bundles = client.get(f"{at}/tile/entries/000").data + client.get(f"{at}/tile/entries/001.p/44").data
    assert read_bundle(bundles) == leaves
    packed = client.get(f"{at}/tile/entries/000", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert read_bundle(gzip.decompress(packed.data)) == leaves[:256]
    key = notes.read_verifier(client.get(f"{at}/keys").get_json()["log_keys"][0]["key"])
    lines = notes.verify(client.get(f"{at}/closing").get_data(as_text=True), key).splitlines()
    head = notes.read_head(notes.verify(client.get(f"{at}/checkpoint").get_data(as_text=True), key))
    assert lines[:4] == ["concours-closing/v1", key.name, "300", base64.b64encode(head.root).decode()]
    votes = {int(c): int(n) for c, n in (line.split() for line in lines[5:])}
    assert sum(votes.values()) == 300
    assert votes == {c: booth().standings(world.id).votes.get(c, 0) for c in world.candidates}


def until_closed(world: PollWorld, keeper: Keeper, client: FlaskClient) -> None:
    """Waits for the closing time by Redis' own clock, stepping the keeper."""
    until = time.monotonic() + 15
    while client.get(f"/log/{world.id}/closing").status_code != 200:
        session().commit()
        assert time.monotonic() < until, "the log was not closed"
        time.sleep(0.2)
        keep(keeper)


def read_bundle(data: bytes) -> list[bytes]:
    found = []
    while data:
        length = int.from_bytes(data[:2], "big")
        found.append(data[2 : 2 + length])
        data = data[2 + length :]
    return found


def test_a_receipt_comes_with_its_proof(
    app: APIFlask, a_poll: PollMaker, a_voter: Callable[[PollWorld], Voter], client: FlaskClient, count_queries: Counter
) -> None:
    world = a_poll()
    with sequencing(app):
        until_loaded(world)
        receipt = a_voter(world).vote(world.candidates[0]).get_json()["receipt"]
    address = f"/api/v1/polls/{world.id}/receipts/{receipt['id']}"
    hand = at_work(app)
    keeper = keeper_of(hand)
    record(world, hand, 2)
    with later(30):
        keep(keeper)
        keep(keeper)
    few = count_queries(lambda: client.get(address))
    session().commit()
    record(world, hand, 598)
    with later(60):
        keep(keeper)
        keep(keeper)
    found = client.get(address).get_json()
    proof = found["inclusion"]
    path = [base64.b64decode(hashed) for hashed in proof["hashes"]]
    head = notes.read_head(notes.split(proof["checkpoint"])[0])
    assert head.size == proof["size"] == 601
    assert merkle.root_from_inclusion(0, 601, bytes.fromhex(found["leaf_hash"]), path) == head.root
    assert base64.b64encode(head.root).decode() == proof["root"]
    assert count_queries(lambda: client.get(address)) == few


def test_a_vote_that_no_checkpoint_has_yet_has_no_proof(app: APIFlask, a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll()
    hand = at_work(app)
    keeper_of(hand).step()
    record(world, hand, 1)
    assert publication.inclusion(session().connection(), world.id, 0) is None


@both_databases
def test_a_witness_cosigns(app: APIFlask, a_poll: PollMaker, make: Make, client: FlaskClient, now: datetime) -> None:
    world, *_ = a_log(app, a_poll, 20)
    key = Ed25519PrivateKey.generate()
    witness = Verifier("witness.example/w1", COSIGNATURE, key.public_key().public_bytes_raw())
    at = f"/log/{world.poll.slug}"
    signed = client.get(f"{at}/checkpoint").get_data(as_text=True)
    text = notes.split(signed)[0]
    line = notes.cosign(text, witness.name, key, int(now.timestamp()))
    session().commit()

    def post(note: str | bytes) -> tuple[int, str]:
        answer = client.post(f"{at}/cosignatures", data=note)
        session().commit()
        return answer.status_code, (answer.get_json() or {}).get("code", "")

    assert post(signed + line) == (422, "no_witness")  # not known to the poll
    witnesses.add(world.poll, str(witness), actor=make.account(), now=now)
    session().commit()
    assert post(signed) == (422, "no_witness")
    assert post(signed + line) == (200, "")
    assert post(signed + line) == (200, "")  # once more changes nothing
    found = client.get(f"{at}/checkpoint").get_data(as_text=True)
    assert found == signed + line
    assert notes.check(text, found.splitlines()[-1], witness) == int(now.timestamp())
    assert client.get(f"{at}/keys").get_json()["witnesses"] == [str(witness)]
    other = text.replace("\n20\n", "\n21\n")
    assert post(notes.note(other, notes.cosign(other, witness.name, key, 1)))[0] == 404
    root = base64.b64encode(bytes(32)).decode()
    fork = "\n".join([*text.splitlines()[:2], root]) + "\n"
    assert post(notes.note(fork, notes.cosign(fork, witness.name, key, 1))) == (409, "forked")
    ahead = notes.cosign(text, witness.name, key, int(now.timestamp()) + 3_600)
    assert post(notes.note(text, ahead)) == (422, "no_witness")
    for junk in ("", "x", b"\xff\xfe", text, "\n\n— a b\n"):
        assert post(junk) == (422, "not_a_checkpoint")
    assert post("x" * 20_000)[0] == 413


@pytest.mark.parametrize("line", ["", "x", "a+b+c"])
def test_what_is_no_witness_is_refused(line: str, a_poll: PollMaker, make: Make, now: datetime) -> None:
    from concours.base.errors import Invalid

    world = a_poll()
    actor = make.account()
    with pytest.raises(Invalid):
        witnesses.add(world.poll, line, actor=actor, now=now)
    log_key = Verifier("a", notes.ED25519, bytes(32))
    with pytest.raises(Invalid):
        witnesses.add(world.poll, str(log_key), actor=actor, now=now)
