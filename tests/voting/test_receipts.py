"""Receipts can be checked by anybody, found again by their number, and lead to nobody."""

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import datetime

import pytest
from apiflask import APIFlask
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask.testing import FlaskClient

from concours.base.db import session
from concours.voting import secrets
from concours.voting.booth import booth
from concours.voting.models import Poll
from concours.voting.receipts import id_of, read_id
from tests.voting.build import PollMaker, PollWorld, Voter, nonce

pytestmark = pytest.mark.usefixtures("sequencer")
Come = Callable[[PollWorld], Voter]


def test_a_stranger_can_check_a_receipt_with_the_polls_public_key(a_poll: PollMaker, a_voter: Come) -> None:
    """Written from the description in `receipts`, with nothing of the platform's code."""
    world = a_poll()
    voter = a_voter(world)
    receipt = voter.vote(world.candidates[1]).get_json()["receipt"]
    key = voter.client.get(f"/api/v1/polls/{world.id}").get_json()["signing_key"]
    leaf = {
        "candidate": receipt["candidate"],
        "commitment": receipt["commitment"],
        "day": receipt["day"],
        "poll": receipt["poll"],
        "type": "vote",
        "v": 1,
        "weight": receipt["weight"],
    }
    data = json.dumps(leaf, sort_keys=True, separators=(",", ":")).encode()
    assert hashlib.sha256(b"\0" + data).hexdigest() == receipt["leaf_hash"]
    moment = receipt["recorded_at"].replace("Z", "+00:00")
    milliseconds = round(datetime.fromisoformat(moment).timestamp() * 1000)
    lines = [
        "concours-receipt-v1",
        f"concours/polls/{world.poll.slug}",
        receipt["leaf"],
        receipt["leaf_hash"],
        milliseconds,
    ]
    signed = "".join(f"{line}\n" for line in lines).encode()
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
    public.verify(base64.b64decode(receipt["signature"]), signed)
    with pytest.raises(InvalidSignature):
        public.verify(base64.b64decode(receipt["signature"]), signed.replace(b"v1\n", b"v1\n "))
    mine = hashlib.sha256(b"commit\0" + bytes.fromhex(receipt["tag"]) + bytes.fromhex(receipt["nonce"]))
    assert mine.hexdigest() == receipt["commitment"]


def test_who_has_the_number_sees_the_vote_but_not_whose(a_poll: PollMaker, a_voter: Come, client: FlaskClient) -> None:
    world = a_poll()
    receipt = a_voter(world).vote(world.candidates[0]).get_json()["receipt"]
    found = client.get(f"/api/v1/polls/{world.id}/receipts/{receipt['id']}").get_json()
    assert found["status"] == "recorded"
    assert "tag" not in found
    assert "nonce" not in found
    assert {name: found[name] for name in receipt.keys() - {"nonce", "tag"}} == {
        name: value for name, value in receipt.items() if name not in {"nonce", "tag"}
    }
    assert found.keys() - receipt.keys() == {"inclusion", "counts", "decisions"}
    assert (found["counts"], found["decisions"]) == (True, [])


@pytest.mark.parametrize(
    "number", ["x", "1-0", "1-0.", "1-0.AAAA", "-.A", "1-0." + "A" * 200, "１-0." + "A" * 43, "1-0." + "!" * 43]
)
def test_what_is_no_number_of_a_receipt_is_not_found(number: str, a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll()
    assert client.get(f"/api/v1/polls/{world.id}/receipts/{number}").status_code == 404
    assert client.get(f"/events/{world.event.slug}/polls/{world.poll.slug}/receipts/{number}").status_code == 404


def test_a_number_of_another_poll_is_unknown(a_poll: PollMaker, a_voter: Come, client: FlaskClient) -> None:
    world, other = a_poll(), a_poll()
    receipt = a_voter(world).vote(world.candidates[0]).get_json()["receipt"]
    assert client.get(f"/api/v1/polls/{other.id}/receipts/{receipt['id']}").get_json()["status"] == "unknown"


def test_ids_are_read_as_they_are_written() -> None:
    assert read_id(id_of("1700000000000-3", b"\xff" * 32)) == ("1700000000000-3", b"\xff" * 32)
    mine = id_of("1700000000000-3", bytes(32))
    assert mine.endswith("A")
    assert [read_id(mine[:-1] + last) for last in "BCD"] == [None] * 3  # the bits that a neighbour has to spare


def test_nothing_in_redis_or_the_ledger_names_the_voter(app: APIFlask, a_poll: PollMaker, a_voter: Come) -> None:
    world = a_poll(network_per_minute=100)
    voter = a_voter(world)
    address = "198.51.100.77"
    assert voter.vote(world.candidates[0], nonce(), environ_overrides={"REMOTE_ADDR": address}).status_code == 201
    kept = b""
    client = booth().client
    for name in client.scan_iter():
        kept += name + (client.dump(name) or b"")
    assert b"198.51" not in kept
    assert address.encode() not in kept
    voter_id = voter.token.split(".")[2].encode()
    assert voter_id not in kept


def test_a_polls_keys_open_with_their_own_secret_and_slug_alone(app: APIFlask, a_poll: PollMaker) -> None:
    world = a_poll()
    poll = session().get(Poll, world.id)
    assert poll is not None
    secret = app.config["POLL_KEY_SECRET"]
    assert len(secrets.unwrap_key(secret, poll.slug, poll.wrapped_key)) == 32
    for wrong_secret, slug, wrapped in (
        ("another secret, as long as it must be", poll.slug, poll.wrapped_key),
        (secret, "another-poll", poll.wrapped_key),
        (secret, poll.slug, poll.wrapped_signing_key),
    ):
        with pytest.raises(secrets.WrongSecret):
            secrets.unwrap_key(wrong_secret, slug, wrapped)
