"""Who does what in an event: roles one by one and by the list, and invitation links for the right people only."""

import csv
import io
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.base.db import session
from concours.base.errors import Forbidden
from concours.events.models import Event
from concours.identity import accounts, invitations
from concours.identity.models import Account, Department, Grant, Invitation, Role
from concours.identity.passwords import hash_password
from tests.conftest import both_databases
from tests.factories import Make

Browser = Callable[[Account], FlaskClient]
KEPT = hash_password("a cup of green tea")


@pytest.fixture
def event(make: Make) -> Event:
    made: Event = make.event()
    return made


@pytest.fixture
def office(make: Make) -> Department:
    made: Department = make.department(code="D01", name="办公厅")
    make.department(code="D02", name="财务司")
    return made


@pytest.fixture
def desk(make: Make, client_as: Browser, event: Event) -> FlaskClient:
    return client_as(make.with_role(event, Role.ORGANISER))


def held(event: Event) -> set[tuple[str, str, str | None]]:
    return {
        (g.account.username, g.role, g.department.code if g.department else None)
        for g in session().query(Grant).filter(Grant.event_id == event.id, Grant.role != Role.ORGANISER)
    }


LIST = "工号,姓名,部门,角色\nD01-001,王芳,办公厅,联络员\nJ-1,李明,,评委\nJ-1,李明,,监督员\n"


@both_databases
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_list_gives_accounts_roles_and_links_in_one_go(
    app: APIFlask, desk: FlaskClient, event: Event, office: Department, encoding: str
) -> None:
    file = (io.BytesIO(LIST.encode(encoding)), "people.csv")
    answer = desk.post(f"/events/{event.slug}/people/import", data={"file": file, "format": "csv"})
    assert answer.status_code == 201
    assert answer.mimetype == "text/csv"
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row[:3] for row in rows[1:]] == [["D01-001", "王芳", "办公厅"], ["J-1", "李明", ""]] or [
        row[:3] for row in rows[1:]
    ] == [["J-1", "李明", ""], ["D01-001", "王芳", "办公厅"]]
    assert held(event) == {
        ("D01-001", "coordinator", "D01"),
        ("J-1", "judge", None),
        ("J-1", "auditor", None),
    }
    link = next(row[3] for row in rows if row[0] == "J-1")
    person = app.test_client()
    path = "/" + link.split("/", 3)[3]
    form = {"password": "seven grey herons", "password_again": "seven grey herons"}
    assert person.post(path, data=form).status_code == 303
    assert person.get("/me").status_code == 200
    assert app.test_client().post(path, data=form).status_code == 404, "a link works once"


def test_the_same_list_again_changes_nothing(desk: FlaskClient, event: Event, office: Department) -> None:
    for _ in range(2):
        answer = desk.post(f"/events/{event.slug}/people/import", data={"rows": LIST})
        assert answer.status_code == 201
    assert "0 accounts made." in answer.text
    assert "0 roles given." in answer.text
    assert len(held(event)) == 3
    assert session().query(Invitation).count() == 2, "a fresh link replaces the earlier one"


@both_databases
def test_one_wrong_line_and_nothing_is_imported(
    desk: FlaskClient, event: Event, make: Make, office: Department
) -> None:
    make.account(username="D02-001", name="赵强")
    make.account(username="D02-002", name="钱进", is_active=False)
    rows = "\n".join(
        [
            "D01-001,王芳,办公厅,联络员",
            "D01-002,孙丽,,联络员",
            "D01-003,周杰,无此部门,评委",
            "D01-004,吴敏,办公厅,裁判长",
            "D01-005,,办公厅,评委",
            "D01 006,郑爽,办公厅,评委",
            "D02-001,李四,财务司,评委",
            "D02-002,钱进,财务司,评委",
            "D01-001,王芳,办公厅,联络员",
            "D01-001,王方,办公厅,评委",
        ]
    )
    answer = desk.post(f"/events/{event.slug}/people/import", data={"rows": rows})
    assert answer.status_code == 422
    for sentence in (
        "Nothing was imported: 9 lines need correcting.",
        "Line 2: A coordinator needs a department.",
        "Line 3: There is no department “无此部门”.",
        "Line 4: The role is missing or unknown",
        "Line 5: The name is missing.",
        "Line 6: The staff number cannot be used",
        "Line 7: The staff number belongs to 赵强.",
        "Line 8: This account rests.",
        "Line 9: The same as line 1.",
        "Line 10: The same staff number stands above with another name.",
    ):
        assert sentence in answer.text
    assert "D01-001,王芳,办公厅,联络员" in answer.text, "what was pasted is still there"
    assert held(event) == set()
    assert session().query(Account).filter_by(username="D01-001").count() == 0


@pytest.mark.parametrize(
    "rows",
    ["", "   \n\n", "\x01\x02", "工号,姓名", '"', "x" * 600, "a\tb\tc\n" * 2001, ",,,", "=cmd|calc,名,办公厅,评委"],
)
def test_no_list_whatever_is_a_fault(desk: FlaskClient, event: Event, office: Department, rows: str) -> None:
    answer = desk.post(f"/events/{event.slug}/people/import", data={"rows": rows, "role": "judge"})
    assert answer.status_code in {413, 422}
    assert held(event) == set()


def test_a_file_that_is_no_table_is_refused(desk: FlaskClient, event: Event) -> None:
    answer = desk.post(
        f"/events/{event.slug}/people/import", data={"file": (io.BytesIO(bytes(range(128, 256)) * 9), "x.csv")}
    )
    assert answer.status_code == 422


def test_two_hundred_people_take_the_lookups_of_two(
    desk: FlaskClient, event: Event, office: Department, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    url = f"/events/{event.slug}/people/import"

    def rows(first: int, count: int) -> str:
        return "\n".join(f"A{n},张{n},办公厅,评委" for n in range(first, first + count))

    few = count_queries(lambda: desk.post(url, data={"rows": rows(0, 2)}))
    many = count_queries(lambda: desk.post(url, data={"rows": rows(1000, 200)}))
    assert many - few <= 198 * 3, "each line adds its role and its record, ends older links, and looks nothing up"


def test_a_role_is_given_to_one_person_and_taken_back(
    desk: FlaskClient, event: Event, make: Make, office: Department
) -> None:
    make.account(username="J-9", name="冯评")
    url = f"/events/{event.slug}/people"
    assert desk.post(url, data={"username": "j-9", "role": "judge"}).status_code == 303
    assert desk.post(url, data={"username": "J-9", "role": "judge"}).status_code == 303
    assert held(event) == {("J-9", "judge", None)}
    for wrong in (
        {"username": "J-0", "role": "judge"},
        {"username": "J-9", "role": "emperor"},
        {"username": "J-9", "role": "admin"},
        {"username": "J-9", "role": "member"},
        {"username": "J-9", "role": "coordinator"},
        {"username": "J-9", "role": "coordinator", "department": "无"},
    ):
        assert desk.post(url, data=wrong).status_code == 422, wrong
    grant = session().query(Grant).filter_by(role="judge").one()
    assert desk.post(f"{url}/{grant.id}/take").status_code == 303
    assert held(event) == set()
    assert desk.post(f"{url}/{grant.id}/take").status_code == 404


def test_the_last_organiser_stays(desk: FlaskClient, event: Event) -> None:
    grant = session().query(Grant).filter_by(role="organiser").one()
    answer = desk.post(f"/events/{event.slug}/people/{grant.id}/take")
    assert answer.status_code == 409
    assert "keeps at least one organiser" in answer.text


def test_a_role_of_another_event_cannot_be_taken(desk: FlaskClient, event: Event, make: Make) -> None:
    other = make.event()
    make.with_role(other, Role.JUDGE)
    grant = session().query(Grant).filter_by(event_id=other.id).one()
    assert desk.post(f"/events/{event.slug}/people/{grant.id}/take").status_code == 404


@both_databases
def test_a_coordinator_sees_and_invites_the_members_of_their_departments_alone(
    make: Make, client_as: Browser, event: Event, office: Department
) -> None:
    other = make.department()
    mine, theirs = make.member(make.team(event, office)).account, make.member(make.team(event, other)).account
    judge = make.with_role(event, Role.JUDGE, office)
    signed_up = make.member(make.team(event, office)).account
    signed_up.password_hash = KEPT
    session().commit()
    browser = client_as(make.with_role(event, Role.COORDINATOR, office))
    page = browser.get(f"/events/{event.slug}/invitations").text
    assert mine.username in page
    for hidden in (theirs, judge, signed_up):
        assert f">{hidden.username}<" not in page
    url = f"/events/{event.slug}/invitations/links"
    links = browser.post(url)
    assert links.status_code == 201
    assert f'data-invitation="{mine.username}"' in links.text
    assert session().query(Invitation).count() == 1
    for number in (theirs.id, judge.id, signed_up.id, 10**9):
        assert browser.post(url, data={"account": number}).status_code == 404
    assert session().query(Invitation).count() == 1


def test_an_organiser_cannot_become_somebody_of_another_event(
    make: Make, desk: FlaskClient, event: Event, now: datetime
) -> None:
    elsewhere = make.event()
    for account in (
        make.with_role(elsewhere, Role.JUDGE),
        make.with_role(elsewhere, Role.ORGANISER),
        make.account(is_admin=True),
        make.account(can_create_events=True),
    ):
        make.grant(account, event, Role.JUDGE)
        answer = desk.post(f"/events/{event.slug}/invitations/links", data={"account": account.id})
        assert answer.status_code == 404
    assert session().query(Invitation).count() == 0
    with pytest.raises(Forbidden):
        invitations.reset(make.account(), actor=make.with_role(event, Role.ORGANISER), now=now)


def test_a_link_ends_after_fourteen_days_or_when_a_newer_one_is_made(
    app: APIFlask, client: FlaskClient, make: Make, now: datetime
) -> None:
    account = make.account()
    first = invitations.invite(account, actor=None, now=now)
    second = invitations.invite(account, actor=None, now=now)
    session().commit()
    assert client.get(f"/invitations/{first}").status_code == 404
    assert account.name in client.get(f"/invitations/{second}").text
    with time_machine.travel(now + timedelta(days=14), tick=False):
        gone = client.get(f"/invitations/{second}")
        assert gone.status_code == 404
        assert "ask whoever sent you the link" in gone.text


def test_a_weak_password_leaves_the_link_as_it_was(client: FlaskClient, make: Make, now: datetime) -> None:
    secret = invitations.invite(make.account(), actor=None, now=now)
    session().commit()
    url = f"/invitations/{secret}"
    assert client.post(url, data={"password": "1234567890", "password_again": "1234567890"}).status_code == 422
    assert client.post(url, data={"password": "seven grey herons", "password_again": "eight"}).status_code == 422
    assert client.get(url).status_code == 200


def test_a_lost_password_is_replaced_by_a_link_of_the_administrator(
    app: APIFlask, make: Make, client_as: Browser, client: FlaskClient
) -> None:
    person = make.account(username="D01-007", password_hash=KEPT)
    phone = client_as(person)
    page = client_as(make.admin()).post(f"/admin/accounts/{person.id}/link")
    link = page.text.split("data-invitation>")[1].split("<")[0]
    assert phone.get("/me").status_code == 200, "the old password works until the link is used"
    form = {"password": "seven grey herons", "password_again": "seven grey herons"}
    assert client.post("/" + link.split("/", 3)[3], data=form).status_code == 303
    assert phone.get("/me").status_code == 302
    assert (
        app.test_client().post("/sign-in", data={"username": "D01-007", "password": form["password"]}).status_code
        == 303
    )


@pytest.mark.parametrize("page", ["people", "invitations", "audit", "desk"])
def test_thirty_people_take_the_queries_of_one(
    make: Make,
    desk: FlaskClient,
    event: Event,
    office: Department,
    count_queries: Callable[[Callable[[], object]], int],
    page: str,
) -> None:
    make.with_role(event, Role.JUDGE, office)
    url = f"/events/{event.slug}/{page}"
    session().commit()
    one = count_queries(lambda: desk.get(url))
    for _ in range(29):
        make.with_role(event, Role.JUDGE, make.department())
    session().commit()
    assert count_queries(lambda: desk.get(url)) == one


def test_thirty_events_take_the_queries_of_one_on_my_page(
    make: Make, client_as: Browser, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    person = make.account()
    make.grant(person, make.event(), Role.JUDGE)
    browser = client_as(person)
    session().commit()
    one = count_queries(lambda: browser.get("/me"))
    for _ in range(29):
        make.grant(person, make.event(), Role.ORGANISER)
    session().commit()
    assert count_queries(lambda: browser.get("/me")) == one
    assert browser.get("/me").text.count("<article") == 30


def test_thirty_accounts_and_departments_take_the_queries_of_one(
    make: Make, client_as: Browser, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    admin = client_as(make.admin())
    make.account(department_id=make.department().id)
    for url in ("/admin/accounts", "/admin/departments"):
        session().commit()
        one = count_queries(lambda url=url: admin.get(url))  # type: ignore[misc]
        for _ in range(29):
            make.account(department_id=make.department().id)
        session().commit()
        assert count_queries(lambda url=url: admin.get(url)) == one  # type: ignore[misc]


def test_people_are_paged_by_number(make: Make, desk: FlaskClient, event: Event) -> None:
    for n in range(130):
        make.grant(make.account(username=f"J{n:04}"), event, Role.JUDGE)
    seen: list[str] = []
    url: str | None = f"/events/{event.slug}/people?role=judge"
    while url:
        page = desk.get(url).text
        seen += [part.split("<")[0] for part in page.split('class="form-text">J')[1:]]
        following = [part for part in page.split('href="') if 'rel="next"' in part.split(">")[0]]
        url = following[0].split('"')[0].replace("&amp;", "&") if following else None
    assert seen == [f"{n:04}" for n in range(130)]


def test_accounts_are_searched_by_name_and_number(make: Make, client_as: Browser) -> None:
    make.account(username="D01-1234", name="欧阳娜娜")
    make.account(username="D01-9999", name="百分%号")
    admin = client_as(make.admin())
    assert "欧阳娜娜" in admin.get("/admin/accounts?q=阳娜").text
    assert "欧阳娜娜" in admin.get("/admin/accounts?q=d01-12").text
    assert "欧阳娜娜" not in admin.get("/admin/accounts?q=%25").text
    assert "Nobody found" in admin.get("/admin/accounts?q=𠮷").text
    assert accounts.search("x" * 500) == []
