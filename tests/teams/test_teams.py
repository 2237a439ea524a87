"""Registering teams by hand: within the registration, the quota, the own departments."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.audit import AuditRecord
from concours.base.db import session
from concours.base.errors import Closed, Conflict, Invalid
from concours.events.models import Event, PhaseKind, Quota
from concours.events.phases import phase_of
from concours.identity.models import Account, Department, Grant, Invitation, Role
from concours.teams import verbs
from concours.teams.models import Member, Team
from tests.clips.builders import clip
from tests.conftest import both_databases
from tests.factories import Make

ClientAs = Callable[..., FlaskClient]


def create(event: Event, actor: Account, department: Department, now: datetime, **values: str) -> Team:
    told = {"name": "一队"} | values
    team = verbs.create_team(event, actor=actor, now=now, department_id=department.id, **told)
    session().commit()
    return team


@both_databases
def test_a_coordinator_registers_a_team_with_a_new_captain(make: Make, now: datetime) -> None:
    event, department = make.event(), make.department()
    coordinator = make.with_role(event, Role.COORDINATOR, department)
    team = create(event, coordinator, department, now, captain_number="１００１", captain_name="王𠮷")
    session().refresh(team)
    captain = session().scalars(sa.select(Account).where(Account.username == "1001")).one()
    assert (team.captain_id, team.member_count) == (captain.id, 1)
    assert (captain.name, captain.department_id, captain.password_hash) == ("王𠮷", department.id, None)
    assert session().scalars(sa.select(Grant.role).where(Grant.account_id == captain.id)).all() == ["member"]
    assert session().scalars(sa.select(AuditRecord.verb).where(AuditRecord.verb.like("teams.%"))).all() == [
        "teams.create"
    ]


def test_the_form_for_one_person_tells_no_name_of_another_department(
    make: Make, client_as: ClientAs, now: datetime
) -> None:
    event, department = make.event(), make.department()
    stranger = make.account(department_id=make.department().id, name="王献之")
    admin = make.account(name="谢安", is_admin=True)
    coordinator = make.with_role(event, Role.COORDINATOR, department)
    team = create(event, coordinator, department, now)
    for somebody in (stranger, admin):
        answer = client_as(coordinator).post(
            f"/events/{event.slug}/teams/{team.id}/members",
            data={"staff_number": somebody.username, "name": "谁"},
        )
        assert answer.status_code == 422
        assert somebody.name not in answer.text
        assert "belongs to another department" in answer.text


def test_another_department_is_not_in_the_form_and_not_possible(make: Make, now: datetime) -> None:
    event, mine, other = make.event(), make.department(), make.department()
    coordinator = make.with_role(event, Role.COORDINATOR, mine)
    with pytest.raises(Invalid) as refused:
        create(event, coordinator, other, now)
    assert [p.field for p in refused.value.problems] == ["department"]


def test_the_quota_of_the_department_comes_before_that_of_the_event(make: Make, now: datetime) -> None:
    event = make.event(settings={"max_teams_per_department": 1})
    organiser = make.with_role(event, Role.ORGANISER)
    small, large = make.department(), make.department()
    session().add(Quota(event_id=event.id, department_id=large.id, max_teams=2))
    session().commit()
    create(event, organiser, small, now, name="甲")
    create(event, organiser, large, now, name="乙")
    create(event, organiser, large, now, name="丙")
    for department in (small, large):
        with pytest.raises(Invalid) as refused:
            create(event, organiser, department, now, name="丁")
        assert "teams it may have" in str(refused.value.problems[0].message)
        session().rollback()


@pytest.mark.parametrize("name", ["", "   ", "队" * 81, "甲"])
def test_a_name_is_needed_short_and_free(make: Make, now: datetime, name: str) -> None:
    event, department = make.event(), make.department()
    organiser = make.with_role(event, Role.ORGANISER)
    make.team(event, department, name="甲")
    with pytest.raises(Invalid) as refused:
        create(event, organiser, department, now, name=name)
    assert [p.field for p in refused.value.problems] == ["name"]


def test_a_captain_who_cannot_be_is_said_beside_the_field_and_no_team_is_made(make: Make, now: datetime) -> None:
    event, department = make.event(), make.department()
    organiser = make.with_role(event, Role.ORGANISER)
    taken = make.member(make.team(event, department))
    for number, name, field in [
        (taken.staff_number, taken.name, "captain_number"),
        ("10 01", "王", "captain_number"),
        ("77777", "", "captain_name"),
        (make.account(name="王五").username, "李四", "captain_name"),
    ]:
        with pytest.raises(Invalid) as refused:
            create(event, organiser, department, now, name="新", captain_number=number, captain_name=name)
        assert [p.field for p in refused.value.problems] == [field]
        session().rollback()
    assert session().scalar(sa.select(sa.func.count(Team.id)).where(Team.name == "新")) == 0


def test_registration_opens_and_closes_to_the_second(make: Make, now: datetime) -> None:
    event, department = make.event(), make.department()
    organiser = make.with_role(event, Role.ORGANISER)
    phase = phase_of(event, PhaseKind.REGISTRATION)
    assert phase is not None
    second = timedelta(seconds=1)
    for moment in (phase.opens_at - second, phase.closes_at):
        with pytest.raises(Closed):
            create(event, organiser, department, moment, name="x")
    for moment, name in [(phase.opens_at, "first"), (phase.closes_at - second, "last")]:
        assert create(event, organiser, department, moment, name=name).id


def test_a_form_opened_before_the_end_and_sent_after_it_says_so(make: Make, client_as: ClientAs, now: datetime) -> None:
    event, department = make.event(), make.department()
    browser = client_as(make.with_role(event, Role.COORDINATOR, department))
    phase = phase_of(event, PhaseKind.REGISTRATION)
    assert phase is not None
    phase.closes_at = now + timedelta(hours=1)
    session().commit()
    url = f"/events/{event.slug}/teams/new"
    assert browser.get(url).status_code == 200
    with time_machine.travel(phase.closes_at, tick=False):
        answer = browser.post(url, data={"name": "一队", "department": department.id})
    assert answer.status_code == 403
    assert "closed on" in answer.text


def test_a_refused_form_comes_back_with_what_was_typed(make: Make, client_as: ClientAs) -> None:
    event, department = make.event(), make.department()
    browser = client_as(make.with_role(event, Role.COORDINATOR, department))
    told = {"name": "队" * 81 + "<b>", "department": department.id, "captain_name": "王𠮷😀"}
    answer = browser.post(f"/events/{event.slug}/teams/new", data=told)
    assert answer.status_code == 422
    assert "王𠮷😀" in answer.text
    assert "队" * 81 + "&lt;b&gt;" in answer.text
    assert "At most 80 characters" in answer.text


def test_a_team_is_changed_and_its_captain_is_one_of_its_members(make: Make, now: datetime) -> None:
    event, department = make.event(), make.department()
    organiser = make.with_role(event, Role.ORGANISER)
    category = make.category(event)
    session().refresh(event, ["categories"])
    team, stranger = make.team(event, department), make.account()
    member = make.member(team)
    change = {"actor": organiser, "now": now, "name": "新名", "category_id": category.id}
    verbs.edit_team(team, event, **change, captain_number=member.staff_number)
    assert (team.name, team.category_id, team.captain_id) == ("新名", category.id, member.account_id)
    with pytest.raises(Invalid):
        verbs.edit_team(team, event, **change, captain_number=stranger.username)
    with pytest.raises(Invalid):
        verbs.edit_team(team, event, **{**change, "category_id": make.category(make.event()).id})


def test_only_an_empty_team_goes(make: Make, now: datetime) -> None:
    event, department = make.event(), make.department()
    organiser = make.with_role(event, Role.ORGANISER)
    team = make.team(event, department)
    member = make.member(team)
    with pytest.raises(Conflict, match="has 1 members"):
        verbs.remove_team(team, event, actor=organiser, now=now)
    verbs.remove_member(team, event, member.id, actor=organiser, now=now)
    verbs.remove_team(team, event, actor=organiser, now=now)
    session().commit()
    assert session().get(Team, team.id) is None
    assert session().get(Account, member.account_id) is not None


@both_databases
def test_who_sent_clips_stays_in_the_team(make: Make, now: datetime) -> None:
    event = make.event()
    organiser = make.with_role(event, Role.ORGANISER)
    team = make.team(event, make.department())
    member = make.member(team)
    clip(make, member)
    with pytest.raises(Conflict, match="has sent clips"):
        verbs.remove_member(team, event, member.id, actor=organiser, now=now)
    session().rollback()
    assert session().get(Member, member.id) is not None


def test_taking_the_captain_out_leaves_the_team_without_one(make: Make, now: datetime) -> None:
    event = make.event()
    organiser = make.with_role(event, Role.ORGANISER)
    team = make.team(event, make.department())
    captain, other = make.member(team), make.member(team)
    team.captain_id = captain.account_id
    session().commit()
    verbs.remove_member(team, event, captain.id, actor=organiser, now=now)
    session().commit()
    assert (team.captain_id, team.member_count) == (None, 1)
    grants = session().scalars(sa.select(Grant.account_id).where(Grant.role == Role.MEMBER)).all()
    assert grants == [other.account_id]


def test_the_team_page_tells_the_coordinator_who_has_come_in(make: Make, client_as: ClientAs, now: datetime) -> None:
    event, department = make.event(), make.department()
    team = make.team(event, department)
    active, invited, waiting = make.member(team), make.member(team), make.member(team)
    active.account.password_hash = "x"
    active.account.phone = "13800001111"
    session().add(
        Invitation(
            secret_hash="0" * 64, account_id=invited.account_id, created_at=now, expires_at=now + timedelta(days=1)
        )
    )
    session().commit()
    coordinator = make.with_role(event, Role.COORDINATOR, department)
    page = client_as(coordinator).get(f"/events/{event.slug}/teams/{team.id}").text
    for words in ("Has signed in", "Invited", "Not invited yet", "13800001111"):
        assert page.count(words) >= 1, words
    seen_by_member = client_as(waiting.account).get(f"/events/{event.slug}/teams/{team.id}").text
    assert active.name in seen_by_member
    for words in ("Has signed in", "13800001111", "Take out", "Add a member"):
        assert words not in seen_by_member


def test_lists_ask_as_much_of_the_database_for_thirty_as_for_one(
    make: Make, client_as: ClientAs, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    event, department = make.event(), make.department()
    category = make.category(event)
    team = make.team(event, department, category_id=category.id)
    member = make.member(team)
    team.captain_id = member.account_id
    session().commit()
    browser = client_as(make.with_role(event, Role.COORDINATOR, department))
    urls = [f"/events/{event.slug}/teams", f"/events/{event.slug}/teams/{team.id}", f"/events/{event.slug}/teams/new"]
    before = [count_queries(lambda url=url: browser.get(url)) for url in urls]
    for _ in range(29):
        more = make.team(event, department, category_id=category.id)
        more.captain_id = make.member(more).account_id
        make.member(team)
    session().commit()
    assert [count_queries(lambda url=url: browser.get(url)) for url in urls] == before


def test_teams_are_paged_by_key_filtered_and_searched(make: Make, client_as: ClientAs) -> None:
    event, one, two = make.event(), make.department(name="办公厅"), make.department(name="人事司")
    for n in range(60):
        make.team(event, one if n % 2 else two, name=f"{'甲' if n % 2 else '乙'}{n:02d}%")
    browser = client_as(make.with_role(event, Role.ORGANISER))
    base = f"/events/{event.slug}/teams"
    first = browser.get(base).text
    assert ("乙00%" in first, "甲59%" in first) == (True, False)
    onward = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert "甲59%" in browser.get(onward).text
    filtered = browser.get(f"{base}?department={two.id}").text
    assert ("乙00%" in filtered, "甲01%" in filtered) == (True, False)
    assert "甲59%" in browser.get(f"{base}?q=59%25").text
    assert "No team matches" in browser.get(f"{base}?q=_9%25").text
    for odd in ("after=x", "after=99999999999999999999999", "department=-1", "department=9e9", "q=" + "长" * 500):
        assert browser.get(f"{base}?{odd}").status_code == 200


@pytest.mark.parametrize(
    "told",
    [
        {"staff_number": "😀", "name": "𠮷" * 500},
        {"staff_number": "1" * 500, "name": "x"},
        {"staff_number": "\u202e1", "name": "\u202eabc"},
        {"name": "x"},
        {},
    ],
)
def test_nothing_typed_into_the_member_form_is_a_fault_of_ours(
    make: Make, client_as: ClientAs, told: dict[str, str]
) -> None:
    event, department = make.event(), make.department()
    team = make.team(event, department)
    answer = client_as(make.with_role(event, Role.ORGANISER)).post(
        f"/events/{event.slug}/teams/{team.id}/members", data=told
    )
    assert answer.status_code == 422
    session().refresh(team)
    assert team.member_count == 0


@both_databases
def test_of_many_teams_registered_at_once_the_quota_lets_through_what_it_says(
    app: APIFlask, make: Make, now: datetime
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    event, department = make.event(settings={"max_teams_per_department": 3}), make.department()
    organiser = make.with_role(event, Role.ORGANISER)

    def register(n: int) -> bool:
        with app.app_context():
            own_event, actor = session().get_one(Event, event.id), session().get_one(Account, organiser.id)
            try:
                verbs.create_team(own_event, actor=actor, now=now, name=f"队{n}", department_id=department.id)
                session().commit()
            except Invalid:
                session().rollback()
                return False
            return True

    session().commit()
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(register, range(16)))
    assert sum(won) == 3
    session().rollback()
    assert session().scalar(sa.select(sa.func.count(Team.id)).where(Team.event_id == event.id)) == 3
