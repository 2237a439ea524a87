"""Whoever holds an invitation link becomes that person: a link never outlives what it was made for."""

from collections.abc import Callable
from datetime import datetime
from functools import partial

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.base.db import session
from concours.base.errors import Conflict, NotFound
from concours.identity import accounts, grants, invitations
from concours.identity.models import Account, Grant, Role
from tests.conftest import both_databases
from tests.entries.test_parallel import at_once
from tests.factories import Make

PASSWORD = "杨柳岸晓风残月2021"


@pytest.fixture
def member(make: Make) -> Account:
    """Somebody of a roster who has never signed in."""
    return make.member(make.team(make.event(), make.department())).account


def works(secret: str, now: datetime) -> bool:
    """Whether the link still opens the form."""
    try:
        invitations.find(secret, now=now)
    except NotFound:
        return False
    return True


def test_a_coordinators_link_does_not_become_a_judges(make: Make, member: Account, now: datetime) -> None:
    secret = invitations.invite(member, actor=None, now=now)
    session().commit()
    assert works(secret, now)
    grants.give(member, make.event().id, Role.JUDGE, actor=make.admin(), now=now)
    session().commit()
    assert not works(secret, now)


def test_an_import_of_judges_makes_links_that_work(
    make: Make, member: Account, client_as: Callable[[Account], FlaskClient], now: datetime
) -> None:
    event = make.event()
    browser = client_as(make.with_role(event, Role.ORGANISER))
    answer = browser.post(
        f"/events/{event.slug}/people/import",
        data={"rows": f"fresh1,新人,,judge\n{member.username},{member.name},,judge", "format": "csv"},
    )
    assert answer.status_code == 201
    links = [line.rsplit("/", 1)[1].strip() for line in answer.text.splitlines()[1:]]
    assert len(links) == 2
    assert all(works(secret, now) for secret in links)


def test_leave_to_make_events_ends_an_older_link(make: Make, member: Account, now: datetime) -> None:
    secret = invitations.invite(member, actor=None, now=now)
    accounts.change_account(
        member, actor=make.admin(), now=now, name=member.name, department=member.department, can_create_events=True
    )
    assert not works(secret, now)


def test_a_link_cannot_change_a_password_that_was_set_another_way(member: Account, now: datetime) -> None:
    secret = invitations.invite(member, actor=None, now=now)
    accounts.set_password(member, PASSWORD, PASSWORD, now=now)
    session().commit()
    with pytest.raises(NotFound):
        invitations.accept(secret, "另一个很长的密码8642", "另一个很长的密码8642", now=now)


def test_a_weak_password_does_not_use_the_link_up(client: FlaskClient, member: Account, now: datetime) -> None:
    secret = invitations.invite(member, actor=None, now=now)
    session().commit()
    assert client.post(f"/invitations/{secret}", data={"password": "1"}).status_code == 422
    answer = client.post(f"/invitations/{secret}", data={"password": PASSWORD, "password_again": PASSWORD})
    assert answer.status_code == 303
    assert client.get(f"/invitations/{secret}").status_code == 404


@both_databases
def test_a_link_sent_twice_at_once_is_used_once(app: APIFlask, member: Account, now: datetime) -> None:
    secret = invitations.invite(member, actor=None, now=now)
    session().commit()

    def accept() -> None:
        invitations.accept(secret, PASSWORD, PASSWORD, now=now)

    refused = [answer for answer in at_once(app, [accept] * 6) if answer is not None]
    assert [type(answer) for answer in refused] == [NotFound] * 5


@both_databases
def test_two_organisers_who_take_each_others_role_leave_one(app: APIFlask, make: Make, now: datetime) -> None:
    event = make.event()
    pair = [make.with_role(event, Role.ORGANISER) for _ in range(2)]
    roles = [session().query(Grant).filter_by(account_id=account.id).one().id for account in pair]
    numbers, event_id = [account.id for account in pair], event.id
    session().commit()

    def take(number: int) -> None:
        actor = session().get_one(Account, numbers[number])
        grants.take(roles[1 - number], event_id, actor=actor, now=now)

    refused = [answer for answer in at_once(app, [partial(take, 0), partial(take, 1)]) if answer is not None]
    assert [type(answer) for answer in refused] == [Conflict]
    assert session().query(Grant).filter_by(event_id=event_id, role=Role.ORGANISER).count() == 1
