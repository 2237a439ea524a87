"""Two accounts are two people only where neither was just made by the other, nor both by a third."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.audit import AuditRecord
from concours.base.db import session
from concours.base.errors import Forbidden
from concours.identity import accounts, grants, invitations
from concours.identity.models import Account, Grant, Invitation, Role
from concours.voting.amendments import decisions, second
from concours.voting.amendments.models import CONFIRMED, PROPOSED, VOID, Decision
from tests.factories import Make
from tests.voting.amendments.build import Council
from tests.voting.build import PollMaker, PollWorld, at_work
from tests.voting.logs import record

ClientAs = Callable[[Account], FlaskClient]
HOUR = timedelta(hours=1)
PASSWORD = "一句很长的口令 2021"


class Hall:
    """A poll with votes whose first organiser may make accounts; times count from the proposal."""

    def __init__(self, make: Make, world: PollWorld) -> None:
        self.world, self.at = world, datetime.now(UTC).replace(microsecond=0)
        self.first = make.with_role(world.event, Role.ORGANISER)
        self.elder = make.with_role(world.event, Role.AUDITOR)
        session().execute(sa.update(Grant).values(granted_at=self.at - 100 * HOUR))
        session().execute(sa.update(Account).values(created_at=self.at - 100 * HOUR))
        session().commit()

    def account(self, name: str, when: timedelta, by: Account | None = None) -> Account:
        """A new account, made by somebody (the first organiser)."""
        found = accounts.create_account(
            by or self.first, username=name, name=name, now=self.at + when, department=None, password=PASSWORD
        )
        session().commit()
        return found

    def role(self, account: Account, when: timedelta, by: Account | None = None) -> Account:
        """Gives it the auditor's role."""
        actor = by or self.first
        grants.give(account, self.world.event.id, Role.AUDITOR, actor=actor, now=self.at + when)
        session().commit()
        return account

    def propose(self, by: Account | None = None) -> Decision:
        """A proposal."""
        found = decisions.propose(self.world.poll, [0], VOID, "刷票", None, by or self.first, self.at)
        session().commit()
        return found

    def refused(self, decision: Decision, account: Account, when: timedelta) -> bool:
        """Whether the account may not confirm it so long after the proposal."""
        no: Forbidden | None = None
        try:
            decisions.confirm(decision, self.world.poll, actor=account, now=self.at + when)
        except Forbidden as refused:
            no = refused
        assert decision.status == (CONFIRMED if no is None else PROPOSED)
        session().rollback()
        assert no is None or (no.code == "second_person_too_new" and "longer standing" in str(no.hint))
        return no is not None


@pytest.fixture
def hall(app: APIFlask, a_poll: PollMaker, make: Make) -> Hall:
    world = a_poll()
    hand = at_work(app)
    record(world, hand, 3)
    return Hall(make, world)


def test_an_account_made_for_it_confirms_nothing_for_a_day(hall: Hall) -> None:
    decision = hall.propose()
    own = hall.role(hall.account("zweite", HOUR), HOUR)
    assert hall.refused(decision, own, 2 * HOUR)
    assert hall.refused(decision, own, 24 * HOUR)
    assert not hall.refused(decision, own, 25 * HOUR)  # whoever is alone is not stuck for ever
    assert not hall.refused(decision, hall.elder, HOUR)


def test_a_role_given_shortly_before_the_proposal_is_as_new(hall: Hall) -> None:
    known = hall.account("bekannt", -90 * HOUR)
    hall.role(known, -23 * HOUR)
    settled = hall.role(hall.account("alt", -90 * HOUR), -25 * HOUR)
    decision = hall.propose()
    assert hall.refused(decision, known, 2 * HOUR)
    assert hall.refused(decision, known, 23 * HOUR)
    assert not hall.refused(decision, known, 24 * HOUR)
    assert not hall.refused(decision, settled, HOUR)


def test_another_ones_grant_is_no_tie_but_an_account_in_between_is(hall: Hall) -> None:
    decision = hall.propose()
    others = hall.role(hall.account("fremd", HOUR, hall.elder), HOUR, hall.elder)
    assert not hall.refused(decision, others, 2 * HOUR)
    between = hall.role(hall.account("mitte", HOUR), HOUR)
    last = hall.role(hall.account("ende", 2 * HOUR, between), 2 * HOUR, between)
    assert hall.refused(decision, last, 3 * HOUR)


def test_the_proposer_may_be_the_made_one_and_both_may_be_a_thirds(hall: Hall) -> None:
    one, two = (hall.role(hall.account(name, -HOUR), -HOUR) for name in ("eins", "zwei"))
    decision = hall.propose(one)
    assert hall.refused(decision, hall.first, HOUR)
    assert hall.refused(decision, two, HOUR)
    assert not hall.refused(decision, hall.elder, HOUR)


def test_accounts_made_by_a_list_and_taken_over_by_a_link_are_found(hall: Hall) -> None:
    people = [accounts.Person(f"liste{n}", f"名{n}") for n in range(3)]
    listed = accounts.create_many(hall.first, people, now=hall.at + HOUR)[1]
    hall.role(listed, HOUR, hall.elder)
    decision = hall.propose()
    assert hall.refused(decision, listed, 2 * HOUR)
    secret = invitations.invite(hall.elder, actor=hall.first, now=hall.at - 90 * HOUR)
    session().commit()
    assert not hall.refused(decision, hall.elder, HOUR)  # a link that nobody has used opened nothing
    invitations.accept(secret, PASSWORD, PASSWORD, now=hall.at + HOUR)
    session().commit()
    assert session().scalar(sa.select(Invitation.used_at)) is not None
    assert hall.refused(decision, hall.elder, 2 * HOUR)


def test_the_page_and_the_record_tell_since_when_and_by_whom(hall: Hall, client_as: ClientAs) -> None:
    hall.role(hall.account("陈新", -90 * HOUR), -30 * HOUR)
    settled = session().scalars(sa.select(Account).where(Account.username == "陈新".lower())).one()
    fresh = hall.role(hall.account("neu", -90 * HOUR), -HOUR)
    decision = hall.propose()
    address = f"/events/{hall.world.event.slug}/voting/{hall.world.id}/decisions/{decision.number}"
    page = client_as(fresh).get(address).get_data(as_text=True)
    session().commit()
    assert "too recently to be two people" in page
    assert f'action="{address}/confirm"' not in page
    answer = client_as(fresh).post(f"{address}/confirm")
    session().rollback()
    assert answer.status_code == 403
    assert "longer standing" in answer.get_data(as_text=True)
    page = client_as(settled).get(address).get_data(as_text=True)
    session().commit()
    assert f'action="{address}/confirm"' in page
    assert f"by {hall.first.name}" in page
    session().commit()
    assert client_as(settled).post(f"{address}/confirm").status_code == 303
    session().commit()
    detail = session().scalars(sa.select(AuditRecord.detail).where(AuditRecord.verb == "voting.confirm_decision")).one()
    assert detail["second"]["role"] == "auditor"
    assert detail["second"]["by"] == hall.first.name
    since = datetime.fromisoformat(detail["second"]["since"])
    assert since == hall.at - 30 * HOUR
    session().execute(sa.delete(Grant).where(Grant.account_id == settled.id))  # what was then stays told
    session().commit()
    page = client_as(hall.first).get(address).get_data(as_text=True)
    assert "Second person’s role" in page
    assert "Auditor since" in page


def test_roles_of_unknown_origin_are_told_without_a_giver(hall: Hall, make: Make) -> None:
    council = Council(make, hall.world)
    assert second.standing_of(council.second, hall.world.event.id).by == ""
    admin = make.admin()
    assert second.standing_of(admin, hall.world.event.id).role == Role.ADMIN
