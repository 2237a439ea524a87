"""Departments one by one and by the list; accounts by the administrator."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.base.db import session
from concours.base.errors import Conflict, Invalid
from concours.identity import accounts, departments, tokens
from concours.identity.accounts import Person
from concours.identity.imports import ImportRefused, import_departments
from concours.identity.models import Account, Department
from tests.conftest import both_databases
from tests.factories import Make

Browser = Callable[[Account], FlaskClient]


@pytest.fixture
def admin(make: Make, client_as: Browser) -> FlaskClient:
    return client_as(make.admin())


def tree() -> list[tuple[str, int]]:
    return [(branch.department.code, branch.depth) for branch in departments.tree()]


@both_databases
def test_a_tree_is_imported_and_renamed_by_the_list(admin: FlaskClient) -> None:
    url = "/admin/departments/import"
    rows = "编号,名称,上级\nD01,办公厅\nD0101,秘书处,D01\nD02\t财务司"
    assert admin.post(url, data={"rows": rows.replace("\t", ",")}).status_code == 303
    assert tree() == [("D01", 0), ("D0101", 1), ("D02", 0)]
    assert admin.post(url, data={"rows": "D02,财务与审计司\nD03,人事司,D02"}).status_code == 303
    assert tree() == [("D01", 0), ("D0101", 1), ("D02", 0), ("D03", 1)]
    assert departments.find("财务与审计司") is not None
    page = admin.get("/admin/departments").text
    assert page.index("办公厅") < page.index("秘书处") < page.index("财务与审计司")


@both_databases
def test_one_wrong_line_and_no_department_is_imported(app: APIFlask, make: Make, now: datetime) -> None:
    make.department(code="D09", name="老部门")
    with pytest.raises(ImportRefused) as refused:
        import_departments(
            "D01,办公厅\nD01,又一个\nD 2,空格\nD03,\nD04,老部门\nD05,孤儿,D99\nD06,六,D01", actor=None, now=now
        )
    assert [p.line for p in refused.value.lines] == [2, 3, 4, 5, 6]
    session().commit()
    assert session().query(Department).count() == 1


def test_departments_are_added_and_renamed_one_by_one(admin: FlaskClient) -> None:
    form = {"code": "D01", "name": "办公厅", "parent": ""}
    assert admin.post("/admin/departments", data=form).status_code == 303
    assert admin.post("/admin/departments", data=form).status_code == 409
    unknown = admin.post("/admin/departments", data={"code": "D02", "name": "秘书处", "parent": "无"})
    assert unknown.status_code == 422
    assert 'value="秘书处"' in unknown.text
    assert admin.post("/admin/departments", data={"code": "x y", "name": ""}).status_code == 422
    number = session().query(Department).one().id
    assert admin.post(f"/admin/departments/{number}", data={"name": "办公室"}).status_code == 303
    assert admin.post(f"/admin/departments/{number}", data={"name": "长" * 121}).status_code == 422
    assert admin.get("/admin/departments/999999").status_code == 404
    assert session().query(Department).one().name == "办公室"


def test_the_tree_has_ten_levels_at_most(app: APIFlask, now: datetime) -> None:
    above = None
    for n in range(departments.DEPTH_LIMIT):
        above = departments.add(code=f"L{n}", name=f"层{n}", parent=above, actor=None, now=now)
    with pytest.raises(Invalid):
        departments.add(code="L99", name="层99", parent=above, actor=None, now=now)


@both_databases
def test_an_account_is_made_by_the_administrator_and_taken_up_by_its_link(
    admin: FlaskClient, client: FlaskClient, make: Make
) -> None:
    make.department(code="D01", name="办公厅")
    form = {"username": "D01-100", "name": "钱多多 😀", "department": "D01", "phone": "010-1", "email": "q@x.cn"}
    made = admin.post("/admin/accounts", data=form | {"can_create_events": "1"})
    assert made.status_code == 201
    link = made.text.split("data-invitation>")[1].split("<")[0]
    account = accounts.find_by_username("d01-100")
    assert account is not None
    assert (account.name, account.can_create_events, account.is_admin) == ("钱多多 😀", True, False)
    path = "/" + link.split("/", 3)[3]
    assert "钱多多" in client.get(path).text
    answer = client.post(path, data={"password": "seven grey herons", "password_again": "seven grey herons"})
    assert answer.status_code == 303
    assert client.get("/events/new").status_code == 200
    again = admin.post("/admin/accounts", data=form)
    assert again.status_code == 409
    assert 'value="钱多多 😀"' in again.text


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"username": ""}, "username"),
        ({"username": "a b"}, "username"),
        ({"username": "x" * 65}, "username"),
        ({"name": ""}, "name"),
        ({"name": "名" * 81}, "name"),
        ({"phone": "1" * 33}, "phone"),
        ({"email": "nobody"}, "email"),
        ({"email": "x" * 255 + "@x.cn"}, "email"),
        ({"department": "无"}, "department"),
    ],
)
def test_an_account_that_cannot_be_is_refused_by_field(admin: FlaskClient, wrong: dict[str, str], field: str) -> None:
    answer = admin.post("/admin/accounts", data={"username": "n1", "name": "新"} | wrong)
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text


def test_an_account_is_changed_put_to_rest_and_woken(admin: FlaskClient, make: Make, client_as: Browser) -> None:
    account = make.account(username="D01-100")
    phone = client_as(account)
    url = f"/admin/accounts/{account.id}"
    assert admin.post(url, data={"name": "新名", "phone": "2"}).status_code == 303
    assert admin.post(url, data={"name": ""}).status_code == 422
    assert admin.post(f"{url}/active", data={"active": "maybe"}).status_code == 422
    assert admin.post(f"{url}/active", data={"active": "0"}).status_code == 303
    assert phone.get("/me").status_code == 302
    assert admin.post(f"{url}/active", data={"active": "1"}).status_code == 303
    assert phone.get("/me").status_code == 302, "a session that was ended stays ended"
    assert account.name == "新名"


def test_no_administrator_puts_themself_to_rest(make: Make, client_as: Browser) -> None:
    account = make.admin()
    assert client_as(account).post(f"/admin/accounts/{account.id}/active", data={"active": "0"}).status_code == 403


@both_databases
def test_many_accounts_are_made_in_a_handful_of_statements(
    app: APIFlask, now: datetime, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    people = [Person(f"P{n:05}", f"张{n}") for n in range(2500)]
    made: list[Account] = []
    steps = count_queries(lambda: made.extend(accounts.create_many(None, people, now=now)))
    assert steps <= 20
    assert [account.username for account in made] == [person.username for person in people]
    session().commit()
    with pytest.raises(Conflict):
        accounts.create_account(None, username="p00007", name="重", now=now)


def test_an_account_has_twenty_tokens_at_most(make: Make, now: datetime) -> None:
    account = make.account()
    for n in range(tokens.PER_ACCOUNT):
        tokens.create_token(account, f"script {n}", actor=account, now=now)
    with pytest.raises(Conflict):
        tokens.create_token(account, "one more", actor=account, now=now)
    for label in ("", " ", "x" * 81):
        with pytest.raises(Invalid):
            tokens.create_token(make.account(), label, actor=None, now=now)


@both_databases
def test_the_same_department_sent_by_many_at_once_is_added_once(app: APIFlask, make: Make, client_as: Browser) -> None:
    browsers = [client_as(make.admin()) for _ in range(6)]
    with ThreadPoolExecutor(6) as crowd:
        sent = crowd.map(
            lambda b: b.post("/admin/departments", data={"code": "D01", "name": "办公厅"}).status_code, browsers
        )
        answers = sorted(sent)
    assert answers == [303] + [409] * 5
    assert session().query(Department).count() == 1
