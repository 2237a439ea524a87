"""Invitation codes: one code is one voter, guessing is slow, and what is kept cannot be read back."""

import csv
import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from concours.audit import AuditRecord
from concours.base.db import db, session
from concours.base.errors import Conflict
from concours.identity.models import Account, Role
from concours.voting import entrance, keys
from concours.voting.booth import booth
from concours.voting.ladder import codes
from concours.voting.ladder.models import CodeBatch, VoteCode
from concours.voting.ladder.ways import CODE, DEVICE, Way, only
from concours.voting.models import Vote
from tests.conftest import both_databases
from tests.factories import Make
from tests.voting.build import PollMaker, PollWorld, a_batch, codes_in, nonce

ClientAs = Callable[[Account], FlaskClient]


def enter(client: FlaskClient, world: PollWorld, code: str, **more: Any) -> Any:
    """Enters a code by the API."""
    answer = client.post(f"/api/v1/polls/{world.id}/voters", json={"code": code}, **more)
    session().rollback()
    return answer


def fresh(batch: CodeBatch) -> CodeBatch:
    """The batch as SQL has it now."""
    session().rollback()
    return session().get_one(CodeBatch, batch.id, populate_existing=True)


@given(st.binary(min_size=32, max_size=32))
def test_codes_are_plain_characters_that_check_themselves(seed: bytes) -> None:
    made = list(codes.codes_of(seed, 20))
    assert len(set(made)) == 20
    for code in made:
        assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{11}", code)
        assert codes.read(codes.printed(code).lower().replace("0", "o").replace("1", "l")) == code


@given(st.integers(0, 10), st.integers(1, 31))
def test_a_wrong_character_is_found_without_asking(place: int, off: int) -> None:
    code = next(codes.codes_of(b"s" * 32, 1))
    wrong = codes.ALPHABET[(codes.ALPHABET.index(code[place]) + off) % 32]
    with pytest.raises(codes.Mistyped):
        codes.read(code[:place] + wrong + code[place + 1 :])


@pytest.mark.parametrize("typed", ["", "   ", "７" * 500, "ABCDE", "💡" * 11, "PY65-DAW4-NVCC"])
def test_what_is_no_code_is_said_to_be_mistyped(typed: str, a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll(ways=only(CODE))
    if typed.strip():
        refused = enter(client, world, typed[:200])
        assert (refused.status_code, refused.get_json()["code"]) in ((422, "mistyped_code"), (422, "invalid"))
    page = client.post(f"/events/{world.event.slug}/polls/{world.poll.slug}/code", data={"code": typed})
    assert page.status_code == 422


@both_databases
def test_a_code_is_one_voter_on_every_device_with_its_batchs_weight(
    sequencer: Any, app: APIFlask, a_poll: PollMaker
) -> None:
    world = a_poll(ways={CODE: Way(), DEVICE: Way()}, per_day=2, per_candidate_day=1)
    batch = a_batch(world, weight=5)
    code = codes_in(world, batch)[0]
    phone, laptop = app.test_client(), app.test_client()
    tokens = [enter(browser, world, code).get_json() for browser in (phone, laptop)]
    assert [told["weight"] for told in tokens] == [5, 5]
    votes = [
        phone.post(
            f"/api/v1/polls/{world.id}/votes",
            json={"candidate": world.candidates[number], "nonce": nonce()},
            headers={"Authorization": f"Voter {told['voter']}"},
        )
        for number, told in ((0, tokens[0]), (0, tokens[1]), (1, tokens[1]), (2, tokens[0]))
    ]
    assert [vote.status_code for vote in votes] == [201, 409, 201, 429]
    assert votes[0].get_json()["receipt"]["weight"] == 5
    assert (fresh(batch).used, fresh(batch).count) == (1, 3)


def test_the_same_code_at_once_is_used_once(app: APIFlask, a_poll: PollMaker) -> None:
    world = a_poll(ways=only(CODE))
    batch = a_batch(world)
    code = codes_in(world, batch)[1]
    session().commit()

    def come(_: int) -> str:
        with app.app_context():
            told = app.test_client().post(f"/api/v1/polls/{world.id}/voters", json={"code": code})
            return str(told.get_json()["voter"].split(".")[2])

    with ThreadPoolExecutor(12) as crowd:
        voters = list(crowd.map(come, range(36)))
    assert len(set(voters)) == 1
    assert fresh(batch).used == 1


def test_nothing_that_is_kept_can_be_read_back(app: APIFlask, a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll(ways=only(CODE))
    batch = a_batch(world)
    made = codes_in(world, batch)
    enter(client, world, made[0])
    with db.engine.connect() as connection:
        rows = [repr(tuple(row)) for table in db.metadata.tables.values() for row in connection.execute(table.select())]
    here = booth().client
    held = [repr(here.dump(name)) + repr(name) for name in here.scan_iter(match=f"{{p:{world.id}}}*")]
    for code in made:
        for form in (code, codes.printed(code)):
            assert not any(form in text for text in rows + held)
    assert all("used_at" not in column.name for column in VoteCode.__table__.columns)


def test_wrong_codes_are_slowed_by_network_and_right_ones_are_not(
    app: APIFlask, a_poll: PollMaker, client: FlaskClient
) -> None:
    world = a_poll(ways=only(CODE))
    batch = a_batch(world, count=60)
    right = codes_in(world, batch)
    wrong = list(codes.codes_of(b"w" * 32, entrance.WRONG_CODES_A_MINUTE + 1))
    department = {"environ_base": {"REMOTE_ADDR": "198.51.100.7"}}
    for code in right[:40]:  # a department with its cards behind one address
        assert enter(app.test_client(), world, code, **department).status_code == 201
    for code in wrong[:-1]:
        refused = enter(client, world, code, **department)
        assert (refused.status_code, refused.get_json()["code"]) == (403, "wrong_code")
    slowed = enter(client, world, right[50], **department)
    assert (slowed.status_code, slowed.get_json()["code"]) == (429, "rate_limited")
    assert 0 < int(slowed.headers["Retry-After"]) <= 120
    assert enter(client, world, right[50], environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 201
    assert not any(b"198.51" in name for name in booth().client.scan_iter(match=f"{{p:{world.id}}}*"))


def test_expired_and_revoked_codes_let_nobody_in_and_used_ones_stay(
    a_poll: PollMaker, make: Make, client: FlaskClient, client_as: ClientAs, now: datetime
) -> None:
    world = a_poll(ways=only(CODE))
    batch = a_batch(world, count=4)
    used, lost, unused, _ = codes_in(world, batch)
    organiser = client_as(make.with_role(world.event, Role.ORGANISER))
    session().commit()
    desk = f"/events/{world.event.slug}/voting/{world.id}/codes"
    assert enter(client, world, used).status_code == 201
    assert organiser.post(f"{desk}/revoke-one", data={"code": codes.printed(lost).lower()}).status_code == 303
    assert organiser.post(f"{desk}/revoke-one", data={"code": used}).status_code == 422
    assert enter(client, world, lost).get_json()["code"] == "wrong_code"
    assert organiser.post(f"{desk}/{batch.id}/revoke").status_code == 303
    assert enter(client, world, unused).get_json()["code"] == "wrong_code"
    assert enter(client, world, used).status_code == 201
    found = fresh(batch)
    assert (found.used, found.revoked, found.revoked_at is not None) == (1, 1, True)
    said = set(session().scalars(sa.select(AuditRecord.verb)))
    assert {"voting.make_codes", "voting.revoke_code", "voting.revoke_codes"} <= said
    session().rollback()

    other = a_batch(world, expires_at=now + timedelta(days=1))
    late = codes_in(world, other)[0]
    session().execute(sa.update(CodeBatch).where(CodeBatch.id == other.id).values(expires_at=now - timedelta(days=1)))
    session().commit()
    assert enter(client, world, late).get_json()["code"] == "wrong_code"


def test_a_batch_is_made_printed_downloaded_and_forgotten(
    a_poll: PollMaker, make: Make, client_as: ClientAs, app: APIFlask
) -> None:
    world = a_poll(ways=only(CODE), title="=网络人气奖")
    organiser = client_as(make.with_role(world.event, Role.ORGANISER))
    organiser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    session().commit()
    desk = f"/events/{world.event.slug}/voting/{world.id}/codes"
    for wrong in (
        {"name": ""},
        {"count": "20001"},
        {"count": "0"},
        {"weight": "1001"},
        {"expires_at": "2001-01-01T00:00"},
    ):
        refused = organiser.post(desk, data={"name": "=退休", "count": "12", "weight": "2", **wrong})
        assert refused.status_code == 422
        assert next(iter(wrong)) in refused.text
    assert organiser.post(desk, data={"name": "=退休", "count": "212", "weight": "2"}).status_code == 303
    batch = session().scalars(sa.select(CodeBatch)).one()
    session().rollback()
    page = organiser.get(f"{desk}/{batch.id}/cards")
    made = codes_in(world, batch)
    session().rollback()
    assert page.text.count("cards-card") == 200
    assert codes.printed(made[0]) in page.text
    assert page.text.count("cards-sheet") == 20
    assert "no-store" in page.headers["Cache-Control"]
    assert organiser.get(f"{desk}/{batch.id}/cards?part=2").text.count("cards-card") == 12
    assert organiser.get(f"{desk}/{batch.id}/cards?part=3").status_code == 404
    table = organiser.get(f"{desk}/{batch.id}/table.csv")
    rows = list(csv.reader(io.StringIO(table.data.decode("utf-8-sig"))))
    assert [row[2] for row in rows[1:]] == [codes.printed(code) for code in made]
    assert {row[1] for row in rows[1:]} == {"'=退休"}  # no formula
    assert rows[1][3].endswith(f"/code#{made[0]}")
    assert organiser.post(f"{desk}/{batch.id}/forget").status_code == 303
    assert organiser.get(f"{desk}/{batch.id}/cards").status_code == 404
    assert organiser.get(f"{desk}/{batch.id}/table.csv").status_code == 404
    assert enter(app.test_client(), world, made[7]).status_code == 201


def test_the_codes_can_be_read_for_an_hour(a_poll: PollMaker) -> None:
    world = a_poll(ways=only(CODE))
    batch = a_batch(world)
    left = booth().client.ttl(keys.handout(world.id, batch.id))
    assert 3590 < left <= 3600


def test_a_browser_without_script_comes_in_and_votes(sequencer: Any, a_poll: PollMaker, client: FlaskClient) -> None:
    world = a_poll(ways={CODE: Way(), DEVICE: Way()}, per_day=1)
    code = codes_in(world, a_batch(world, weight=4))[0]
    here = f"/events/{world.event.slug}/polls/{world.poll.slug}"
    answer = client.post(f"{here}/code", data={"code": codes.printed(code)})
    assert (answer.status_code, answer.location) == (303, here)
    page = client.get(here, headers={"Accept-Language": "en"}).text
    assert "You vote with your invitation code." in page
    assert "Each vote counts 4." in page
    assert client.post(f"{here}/candidates/{world.candidates[0]}/vote", data={"nonce": nonce()}).status_code == 303
    session().rollback()
    assert session().scalars(sa.select(Vote.weight)).all() == [4]
    session().rollback()
    client.post(f"{here}/leave")
    assert "You vote as this browser." in client.get(here, headers={"Accept-Language": "en"}).text


def test_a_poll_that_is_over_gets_no_codes(a_poll: PollMaker, now: datetime) -> None:
    world = a_poll(ways=only(CODE))
    world.poll.opens_at, world.poll.closes_at = now - timedelta(days=2), now - timedelta(days=1)
    session().commit()
    with pytest.raises(Conflict):
        a_batch(world)


def test_twenty_thousand_codes_are_made_in_one_go(a_poll: PollMaker) -> None:
    world = a_poll(ways=only(CODE))
    batch = a_batch(world, count=20_000)
    kept = session().scalar(sa.select(sa.func.count(VoteCode.id)).where(VoteCode.batch_id == batch.id))
    assert kept == 20_000


def test_the_desk_asks_as_much_for_one_batch_as_for_thirty(
    a_poll: PollMaker, make: Make, client_as: ClientAs, count_queries: Callable[[Callable[[], Any]], int]
) -> None:
    world = a_poll(ways=only(CODE))
    organiser = client_as(make.with_role(world.event, Role.ORGANISER))
    session().commit()
    a_batch(world, count=1)
    desk = f"/events/{world.event.slug}/voting/{world.id}/codes"
    organiser.get(desk)
    one = count_queries(lambda: organiser.get(desk))
    for _ in range(29):
        a_batch(world, count=1)
    organiser.get(desk)
    assert count_queries(lambda: organiser.get(desk)) == one
