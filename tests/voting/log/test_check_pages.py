"""Whoever pastes a receipt reads what it proves; what was changed in it is said, and nothing breaks the page."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.base.db import db, session
from concours.identity.models import Account, Role
from concours.voting.models import PollLog, Vote, Witness
from tests.factories import Make
from tests.voting.build import PollMaker, PollWorld, Voter, at_work, sequencing, until_loaded
from tests.voting.logs import keep, keeper_of, record

Come = Callable[[PollWorld], Voter]
ClientAs = Callable[[Account], FlaskClient]
WITNESS = "witness.example/w1+df1c0a35+BIE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU"


@pytest.fixture
def world(a_poll: PollMaker) -> PollWorld:
    return a_poll()


def voted(app: APIFlask, world: PollWorld, a_voter: Come) -> dict[str, Any]:
    """A receipt; its vote is under a checkpoint."""
    with sequencing(app):
        until_loaded(world)
        receipt: dict[str, Any] = a_voter(world).vote(world.candidates[0]).get_json()["receipt"]
    hand = at_work(app)
    record(world, hand, 5)
    keeper = keeper_of(hand)
    with time_machine.travel(datetime.now().astimezone() + timedelta(seconds=15), tick=True):
        keep(keeper)
        keep(keeper)
    return receipt


def pasted(client: FlaskClient, world: PollWorld, text: str) -> tuple[int, list[str], str]:
    """Status, the states of the claims, and the page."""
    answer = client.post(f"/events/{world.event.slug}/polls/{world.poll.slug}/check", data={"receipt": text})
    session().commit()
    page = answer.get_data(as_text=True)
    return answer.status_code, re.findall(r"vote-claim-(\w+)", page), page


def test_a_whole_receipt_shows_the_most(app: APIFlask, world: PollWorld, a_voter: Come, client: FlaskClient) -> None:
    receipt = voted(app, world, a_voter)
    status, claims, page = pasted(client, world, json.dumps(receipt))
    assert (status, claims) == (200, ["good", "good", "good", "good", "open", "wait"])
    assert "the poll cannot deny this vote" in page
    assert "It is among the 6 entries" in page
    assert "No witness outside this site" in page
    assert f"python concours_verify.py receipt receipt.json --log http://localhost/log/{world.poll.slug} --key" in page
    whole = json.dumps({"receipt": receipt, "left": {}})
    assert pasted(client, world, whole)[1] == claims


def test_a_number_or_a_link_shows_what_the_ledger_has(
    app: APIFlask, world: PollWorld, a_voter: Come, client: FlaskClient
) -> None:
    receipt = voted(app, world, a_voter)
    link = f"http://localhost/events/{world.event.slug}/polls/{world.poll.slug}/receipts/{receipt['id']}"
    for text in (receipt["id"], f"  {link}\n", f"{link[:-20]}\n {link[-20:]}"):
        status, claims, _ = pasted(client, world, text)
        assert (status, claims) == (200, ["open", "good", "good", "open", "wait"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"candidate": 999}, "The signature does not hold"),
        ({"leaf": 3}, "another vote under this number than the receipt says.<"),
        ({"day": "2020-01-01"}, "The signature does not hold"),
        ({"signature": "AAAA"}, "The signature does not hold"),
        ({"recorded_at": "yesterday"}, "The signature does not hold"),
        ({"nonce": "00" * 16}, "Tag and nonce do not belong"),
        ({"id": f"1-0.{'A' * 43}"}, "The signature does not hold"),
    ],
)
def test_a_changed_receipt_is_refuted(
    change: dict[str, Any], told: str, app: APIFlask, world: PollWorld, a_voter: Come, client: FlaskClient
) -> None:
    receipt = voted(app, world, a_voter)
    status, claims, page = pasted(client, world, json.dumps({**receipt, **change}))
    assert status == 200
    assert "bad" in claims
    assert told in page


STRANGE = [
    "", " ", "x", "{", "{}", "[]", "{" * 5_000, "null", '{"id": 7}', '{"id": "1-0.A"}', '{"receipt": []}', "9" * 9_000,
    '{"id": "\\ud800"}', '{"receipt": {"id": null}}', "<script>alert(1)</script>", '{"id": 1e999}',
]  # fmt: skip


def test_two_receipts_put_together_accuse_nobody(
    app: APIFlask, world: PollWorld, a_voter: Come, client: FlaskClient
) -> None:
    """The number of one vote over the signed rest of another: a picture of it must not say that the ledger lies."""
    one, two = voted(app, world, a_voter), voted(app, world, a_voter)
    status, claims, page = pasted(client, world, json.dumps({**two, "id": one["id"]}))
    assert (status, claims[0]) == (200, "bad")
    assert "The signature does not hold" in page
    assert "Keep the receipt" not in page


def test_a_vote_that_is_gone_from_the_ledger_is_said_to_be_a_fault(
    app: APIFlask, world: PollWorld, a_voter: Come, client: FlaskClient
) -> None:
    receipt = voted(app, world, a_voter)
    with db.engine.begin() as connection:
        connection.execute(sa.delete(Vote).where(Vote.commitment == bytes.fromhex(receipt["commitment"])))
    status, claims, page = pasted(client, world, json.dumps(receipt))
    assert (status, claims[0], "bad" in claims) == (200, "good", True)
    assert "The ledger does not have this vote, though the receipt says so. Keep the receipt." in page


def test_what_is_no_receipt_is_refused_in_words(app: APIFlask, world: PollWorld, client: FlaskClient) -> None:
    at_work(app)
    for text in STRANGE:
        status, claims, page = pasted(client, world, text)
        assert (status, claims) == (422, []), text[:40]
        assert "<script>alert" not in page
    other = json.dumps({"id": f"1-0.{'A' * 43}", "poll": world.id + 1})
    assert "This receipt is of another poll" in pasted(client, world, other)[2]


NAMES = ("candidate", "day", "leaf", "recorded_at", "signature", "tag", "nonce", "commitment")
VALUES: tuple[Any, ...] = (None, [], {}, -1, 1e308, "x", "１", True, "9" * 400)


def test_strange_fields_break_nothing(app: APIFlask, world: PollWorld, client: FlaskClient) -> None:
    at_work(app)
    paper = {
        "id": f"1-0.{'A' * 43}", "status": "recorded", "candidate": 1, "day": "2021-07-08", "leaf": 1, "tag": "00",
        "commitment": "00", "recorded_at": "2021-07-08T00:00:00.000Z", "signature": "", "nonce": "00",
    }  # fmt: skip
    for name in NAMES:
        for value in VALUES:
            status, claims, _ = pasted(client, world, json.dumps({**paper, name: value}))
            assert (status, "bad" in claims) == (200, True), (name, value)


def test_the_organiser_sees_the_log_and_gives_it_witnesses_and_a_new_key(
    app: APIFlask, world: PollWorld, make: Make, client_as: ClientAs, a_voter: Come
) -> None:
    voted(app, world, a_voter)
    organiser = client_as(make.with_role(world.event, Role.ORGANISER))
    here = f"/events/{world.event.slug}/voting/{world.id}/ledger"
    assert "Entries under the newest checkpoint" in organiser.get(here).get_data(as_text=True)
    session().commit()
    refused = organiser.post(f"{here}/witnesses", data={"key": "x+y+z"})
    session().commit()
    assert refused.status_code == 422
    assert "x+y+z" in refused.get_data(as_text=True)
    assert organiser.post(f"{here}/witnesses", data={"key": WITNESS}).status_code == 303
    assert organiser.post(f"{here}/witnesses", data={"key": WITNESS}).status_code == 422
    assert organiser.post(f"{here}/rotate").status_code == 303
    with db.engine.connect() as connection:
        assert connection.execute(sa.select(Witness.name)).scalars().all() == ["witness.example/w1"]
        assert connection.execute(sa.select(PollLog.rotate)).scalars().all() == [True]


def test_the_organiser_reads_what_blocks_the_close(
    app: APIFlask, world: PollWorld, make: Make, client_as: ClientAs, a_voter: Come
) -> None:
    voted(app, world, a_voter)
    line = {"candidate": world.candidates[0], "receipts": 6, "ledger": 6, "tally": 6, "redis": 7}
    with db.engine.begin() as connection:
        connection.execute(sa.update(PollLog).values(trouble=[line, {"leaf": 2}, {"leaves": 6, "ledger": 5}]))
    auditor = client_as(make.with_role(world.event, Role.AUDITOR))
    page = auditor.get(f"/events/{world.event.slug}/voting/{world.id}/ledger").get_data(as_text=True)
    assert "The poll cannot be closed: counts differ" in page
    assert "Vote number 3 was changed after it was recorded" in page
    assert "Add witness" not in page


def test_the_program_that_the_page_names_is_given_and_the_receipt_can_be_saved(
    app: APIFlask, world: PollWorld, a_voter: Come, client: FlaskClient, tmp_path: Path
) -> None:
    receipt = voted(app, world, a_voter)
    here = f"/events/{world.event.slug}/polls/{world.poll.slug}"
    assert f'href="{here}/check/concours_verify.py"' in client.get(f"{here}/check").get_data(as_text=True)
    session().commit()
    shown = client.get(f"{here}/receipts/{receipt['id']}").get_data(as_text=True)
    session().commit()
    saved = re.search(r'href="([^"]+)"\s+download="receipt.json"', shown)
    assert saved
    found = client.get(saved[1])
    session().commit()
    assert found.get_json()["leaf_hash"] == receipt["leaf_hash"]
    given = client.get(f"{here}/check/concours_verify.py")
    session().commit()
    assert given.headers["Content-Disposition"] == "attachment; filename=concours_verify.py"
    (tmp_path / "concours_verify.py").write_bytes(given.get_data())
    # Alone, in a folder without the application, it runs.
    alone = [sys.executable, "-I", "concours_verify.py", "--help"]
    ran = subprocess.run(alone, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0
    assert "receipt" in ran.stdout
