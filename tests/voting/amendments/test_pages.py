"""Two people, a preview before each step, words for everybody: the pages on which votes are voided."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.audit import AuditRecord
from concours.base.db import db, session
from concours.identity.models import Account, Grant, Role
from concours.voting import rules
from concours.voting.amendments.models import Decision, DecisionVote
from concours.voting.models import Vote
from concours.voting.receipts import id_of
from tests.factories import Make
from tests.voting.amendments.build import Council, settle, totals
from tests.voting.build import PollMaker, PollWorld, at_work
from tests.voting.logs import record

ClientAs = Callable[[Account], FlaskClient]


def receipt_of(world: PollWorld, leaf: int) -> str:
    """The receipt's number of the vote of that leaf."""
    row = session().execute(sa.select(Vote.journal_id, Vote.commitment).where(Vote.leaf == leaf)).one()
    session().commit()
    return id_of(row.journal_id, bytes(row.commitment))


def desk(world: PollWorld, path: str = "") -> str:
    return f"/events/{world.event.slug}/voting/{world.id}/decisions{path}"


def public(world: PollWorld) -> str:
    return f"/events/{world.event.slug}/polls/{world.poll.slug}/decisions"


def text(client: FlaskClient, address: str) -> str:
    found = client.get(address).get_data(as_text=True)
    session().commit()
    return found


def count(model: type) -> int:
    session().commit()
    found = session().scalar(sa.select(sa.func.count()).select_from(model)) or 0
    session().commit()
    return found


@pytest.fixture
def world(a_poll: PollMaker) -> PollWorld:
    return a_poll()


def test_from_a_receipt_to_the_ledger(
    app: APIFlask, world: PollWorld, make: Make, client_as: ClientAs, client: FlaskClient
) -> None:
    hand = at_work(app)
    record(world, hand, 30)
    council = Council(make, world)
    first, second = client_as(council.first), client_as(council.second)
    receipt = receipt_of(world, 7)
    typed = {"kind": "void", "by": "receipts", "receipts": receipt, "reason": "同一设备批量刷票", "note": "见日志"}
    looked = first.post(desk(world, "/new"), data={**typed, "act": "preview"})
    session().commit()
    page = looked.get_data(as_text=True)
    assert looked.status_code == 200
    assert "1 vote is covered" in page
    assert receipt in page  # nothing typed is lost
    assert count(Decision) == count(DecisionVote) == 0  # a look is no proposal
    assert first.post(desk(world, "/new"), data={**typed, "act": "propose"}).status_code == 303
    session().commit()
    assert "needs a second person" in first.post(desk(world, "/1/confirm")).get_data(as_text=True)
    session().commit()
    assert "What it would do now" in text(second, desk(world, "/1"))
    assert "同一设备批量刷票" not in text(client, public(world))
    assert second.post(desk(world, "/1/confirm")).status_code == 303
    settle(hand)
    assert sum(totals(world).values()) == 29
    page = text(client, public(world))
    assert "同一设备批量刷票" in page
    assert "见日志" not in page
    assert council.first.name not in page
    assert "leaf 30 of the ledger" in page
    page = text(client, f"/events/{world.event.slug}/polls/{world.poll.slug}/receipts/{receipt}")
    assert "was recorded and later voided" in page
    assert "同一设备批量刷票" in page
    verbs = list(
        session().scalars(
            sa.select(AuditRecord.verb).where(AuditRecord.verb.like("%decision")).order_by(AuditRecord.id)
        )
    )
    assert verbs == ["voting.propose_decision", "voting.confirm_decision"]
    session().commit()
    again = second.post(desk(world, "/1/confirm"))
    assert again.status_code in (303, 409)
    assert first.post(desk(world, "/1/reverse"), data={"reason": "查明无误"}).status_code == 303
    session().commit()
    assert "/1/reverse" in text(first, desk(world, "/1"))
    session().commit()
    assert second.post(desk(world, "/2/confirm")).status_code == 303
    settle(hand)
    assert sum(totals(world).values()) == 30
    page = text(first, desk(world, "/1"))
    assert "have been judged otherwise since" in page
    assert "/1/reverse" not in page
    session().commit()
    page = text(client, f"/events/{world.event.slug}/polls/{world.poll.slug}/receipts/{receipt}")
    assert "was recorded and later voided" not in page
    assert "查明无误" in page


def test_a_voters_votes_and_a_candidates_hour(app: APIFlask, world: PollWorld, make: Make, client_as: ClientAs) -> None:
    hand = at_work(app)
    record(world, hand, 30)
    council = Council(make, world)
    first = client_as(council.first)
    moment = session().scalars(sa.select(Vote.recorded_at).where(Vote.leaf == 0)).one()
    expected = session().scalar(
        sa.select(sa.func.count()).select_from(Vote).where(Vote.candidate_id == world.candidates[0])
    )
    session().commit()
    local = rules.moment_of(rules.milliseconds(moment)) + timedelta(hours=8)
    typed = {
        "kind": "void", "by": "candidate", "candidate": str(world.candidates[0]), "reason": "凌晨异常",
        "since": (local - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%S"),
        "until": (local + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%S"), "act": "propose",
    }  # fmt: skip
    assert first.post(desk(world, "/new"), data=typed).status_code == 303
    session().commit()
    voter = {"kind": "void", "by": "voter", "voter": receipt_of(world, 3), "reason": "刷票", "act": "propose"}
    assert first.post(desk(world, "/new"), data=voter).status_code == 303
    session().commit()
    found = session().scalars(sa.select(Decision).order_by(Decision.number)).all()
    assert [(d.votes, d.voters) for d in found] == [(expected, expected), (1, 1)]
    session().commit()


STRANGE: list[dict[str, str]] = [
    {},
    {"by": "receipts"},
    {"by": "receipts", "receipts": "no receipt"},
    {"by": "receipts", "receipts": f"1-0.{'A' * 43}"},
    {"by": "receipts", "receipts": "a " * 700},
    {"by": "voter", "voter": "zz"},
    {"by": "candidate", "candidate": "9" * 40, "since": "x", "until": "2021-01-01T00:00:00"},
    {"by": "candidate", "candidate": "-1", "since": "2021-01-01T00:00:00", "until": "2020-01-01T00:00:00"},
    {"by": "elsewhere"},
]


def test_what_cannot_be_chosen_is_refused_in_words(
    app: APIFlask, world: PollWorld, make: Make, client_as: ClientAs
) -> None:
    hand = at_work(app)
    record(world, hand, 3)
    first = client_as(Council(make, world).first)
    for typed in STRANGE:
        for reason in ("刷票", "", "x" * 301, "\u202e\x07"):
            answer = first.post(desk(world, "/new"), data={"kind": "void", "act": "propose", "reason": reason, **typed})
            session().commit()
            assert answer.status_code == 422, (typed, reason)
    good = {"by": "receipts", "receipts": receipt_of(world, 0), "reason": "刷票", "act": "propose"}
    for kind in ("", "delete"):
        assert first.post(desk(world, "/new"), data={**good, "kind": kind}).status_code == 422
        session().commit()
    refused = first.post(desk(world, "/new"), data={**good, "kind": "restore"})
    session().commit()
    assert refused.status_code == 422
    assert "nothing to restore" in refused.get_data(as_text=True)
    assert count(Decision) == 0


def test_who_is_alone_is_told_how_to_invite_a_second_person(
    app: APIFlask, world: PollWorld, make: Make, client_as: ClientAs
) -> None:
    at_work(app)
    only = make.with_role(world.event, Role.ORGANISER)
    session().execute(sa.delete(Grant).where(Grant.event_id == world.event.id, Grant.account_id != only.id))
    session().commit()
    page = text(client_as(only), desk(world))
    assert "needs a second person: invite one" in page
    assert f"/events/{world.event.slug}/people" in page
    make.with_role(world.event, Role.AUDITOR)
    session().commit()
    assert "needs a second person: invite one" not in text(client_as(only), desk(world))


def test_an_auditor_declines_with_a_reason_and_the_proposer_takes_back(
    app: APIFlask, world: PollWorld, make: Make, client_as: ClientAs
) -> None:
    hand = at_work(app)
    record(world, hand, 10)
    council = Council(make, world)
    council.propose([1])
    council.propose([2])
    auditor = client_as(make.with_role(world.event, Role.AUDITOR))
    session().commit()
    assert auditor.post(desk(world, "/1/decline"), data={"answer": ""}).status_code == 422
    session().commit()
    assert auditor.post(desk(world, "/1/decline"), data={"answer": "证据不足"}).status_code == 303
    session().commit()
    assert "证据不足" in text(auditor, desk(world, "/1"))
    assert auditor.post(desk(world, "/2/withdraw")).status_code == 403
    session().commit()
    assert client_as(council.second).post(desk(world, "/2/withdraw")).status_code == 403
    session().commit()
    assert client_as(council.first).post(desk(world, "/2/withdraw")).status_code == 303
    session().commit()
    settle(hand)
    assert sum(totals(world).values()) == 10


def test_counts_of_a_hidden_poll_are_not_told(app: APIFlask, world: PollWorld, make: Make, client: FlaskClient) -> None:
    hand = at_work(app)
    record(world, hand, 40)
    council = Council(make, world)
    council.decide(range(5))
    settle(hand)
    assert "Votes before" in text(client, public(world))
    world.poll.rules = {**world.poll.rules, "shown": "hidden"}
    session().commit()
    page = text(client, public(world))
    assert "Votes before" not in page
    assert "刷票" in page


def test_pages_ask_as_often_for_thirty_as_for_one(
    app: APIFlask,
    world: PollWorld,
    make: Make,
    client_as: ClientAs,
    count_queries: Callable[[Callable[[], object]], int],
) -> None:
    hand = at_work(app)
    record(world, hand, 60)
    council = Council(make, world)
    first = client_as(council.first)
    asked = []
    for leaves in (range(1), range(10, 29)):
        for leaf in leaves:
            council.decide([leaf])
        settle(hand)
        for address in (desk(world), public(world)):
            text(first, address)
            asked.append(count_queries(partial(text, first, address)))
    assert asked[:2] == asked[2:]


def test_sql_itself_refuses_one_person_for_both_parts(app: APIFlask, world: PollWorld, make: Make) -> None:
    hand = at_work(app)
    record(world, hand, 3)
    council = Council(make, world)
    decision = council.propose([1])
    for status in ("confirmed", "recorded", "declined"):
        with pytest.raises(sa.exc.IntegrityError):
            session().execute(sa.update(Decision).values(status=status, decided_by_id=decision.proposed_by_id))
        session().rollback()
    with pytest.raises(sa.exc.IntegrityError):
        session().execute(sa.update(Decision).values(status="confirmed"))
    session().rollback()


def test_a_look_at_what_changes_writes_nothing_and_costs_the_same_for_few_and_many(
    app: APIFlask, world: PollWorld, make: Make, client_as: ClientAs
) -> None:
    hand = at_work(app)
    record(world, hand, 300)
    council = Council(make, world)
    council.decide([0, 1])
    settle(hand)
    first = client_as(council.first)
    first.get(desk(world, "/new"))
    session().commit()
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    asked, pages = [], []
    for receipts in ([5], [5], list(range(200))):  # the first one warms what is cached
        typed = {"kind": "void", "by": "receipts", "reason": "刷票", "act": "preview"}
        typed["receipts"] = " ".join(receipt_of(world, leaf) for leaf in receipts)
        statements.clear()
        sa.event.listen(db.engine, "before_cursor_execute", note)
        try:
            answer = first.post(desk(world, "/new"), data=typed)
            session().rollback()
        finally:
            sa.event.remove(db.engine, "before_cursor_execute", note)
        assert answer.status_code == 200
        pages.append(answer.get_data(as_text=True))
        asked.append([statement for statement in statements if statement not in ("BEGIN", "BEGIN IMMEDIATE")])
    written = [s for s in asked[2] if not s.lstrip().upper().startswith(("SELECT", "WITH"))]
    assert written == []
    assert len(asked[1]) == len(asked[2])
    assert "1 vote is covered, given by 1 voter." in pages[1]
    assert "200 votes are covered, given by 200 voters. For 2 of them nothing changes" in pages[2]
