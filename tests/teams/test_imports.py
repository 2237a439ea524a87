"""A roster's way in, as its coordinator goes it: upload, dry run, confirm; all of it or nothing."""

import io
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from apiflask import APIFlask
from flask.testing import FlaskClient
from openpyxl import load_workbook

from concours.base.db import session
from concours.base.storage import storage
from concours.events.models import PhaseKind
from concours.events.phases import phase_of
from concours.identity.models import Account, Grant, Role
from concours.teams import imports, jobs
from concours.teams.models import Member, RosterImport, RosterRow, Team
from concours.teams.roster import read_roster
from tests.conftest import both_databases
from tests.factories import Make
from tests.teams.builders import roster as built
from tests.teams.files import HEADER, book, person, text
from tests.teams.work import work

ClientAs = Callable[..., FlaskClient]
JSON = {"Accept": "application/json"}


class Desk:
    """A coordinator at work in an event with a department of code B01."""

    def __init__(self, app: APIFlask, make: Make, client_as: ClientAs, **settings: Any) -> None:
        self.app, self.make = app, make
        self.event = make.event(settings={"check_in": True, "team_max": 50, **settings})
        self.department = make.department(code="B01", name="办公厅")
        self.coordinator = make.with_role(self.event, Role.COORDINATOR, self.department)
        self.browser = client_as(self.coordinator)
        self.base = f"/events/{self.event.slug}/rosters"

    def upload(self, data: bytes, name: str = "名单.csv") -> dict[str, Any]:
        """Uploads and lets the dry run happen; the import's status."""
        answer = self.browser.post(self.base, data={"file": (io.BytesIO(data), name)}, headers=JSON)
        assert answer.status_code == 201, answer.text
        assert answer.json is not None
        assert answer.json["status"] == "reading"
        work(self.app)
        return self.status(answer.headers["Location"])

    def status(self, url: str) -> dict[str, Any]:
        answer = self.browser.get(url)
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json
        return found

    def confirm(self, told: dict[str, Any]) -> dict[str, Any]:
        """Confirms and lets it be applied."""
        answer = self.browser.post(told["confirm_url"], headers=JSON)
        assert answer.status_code == 202, answer.text
        work(self.app)
        return self.status(answer.headers["Location"])

    def fates(self, told: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.browser.get(told["fates_url"] + query).json["fates"]
        return found


@pytest.fixture
def desk(app: APIFlask, make: Make, client_as: ClientAs) -> Desk:
    return Desk(app, make, client_as)


def rows(count: int, *, team: str = "一队", start: int = 1000) -> list[list[str]]:
    return [
        list(HEADER),
        *(person(start + n, f"王{n}", "B01", team, "13800000000", "是" if n == 0 else "") for n in range(count)),
    ]


@both_databases
@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_good_roster_is_checked_confirmed_and_applied(desk: Desk, encoding: str) -> None:
    told = desk.upload(text(rows(3), encoding))
    assert (told["status"], told["progress"], told["problem"]) == ("checked", 100, None)
    assert told["counts"] == {"new": 3, "rows": 3, "refused": 0, "changes": 3, "teams": 1, "accounts": 3}
    assert session().scalar(sa.select(sa.func.count(Team.id))) == 0, "the dry run changes nothing"
    told = desk.confirm(told)
    assert told["status"] == "applied"
    team = session().scalars(sa.select(Team)).one()
    assert (team.name, team.department_id, team.member_count) == ("一队", desk.department.id, 3)
    assert team.captain is not None
    assert team.captain.username == "1000"
    members = session().scalars(sa.select(Member).order_by(Member.id)).all()
    assert [(m.staff_number, m.name, m.account.phone) for m in members] == [
        (str(1000 + n), f"王{n}", "13800000000") for n in range(3)
    ]
    assert {m.account.department_id for m in members} == {desk.department.id}
    assert session().scalar(sa.select(sa.func.count()).where(Grant.role == Role.MEMBER)) == 3


@both_databases
def test_applying_twice_and_jobs_running_again_change_nothing_more(desk: Desk) -> None:
    told = desk.confirm(desk.upload(text(rows(2))))
    jobs.apply_roster(told["id"])
    jobs.check_roster(told["id"])
    session().expire_all()
    assert session().scalars(sa.select(Team.member_count)).all() == [2]
    again = desk.upload(text(rows(2)))
    assert again["counts"]["unchanged"] == 2
    answer = desk.browser.post(f"{desk.base}/{again['id']}/confirm", headers=JSON)
    assert (answer.status_code, answer.json["code"]) == (409, "roster_unchanged")


def test_one_refused_row_holds_all_of_them_back(desk: Desk) -> None:
    told = desk.upload(text([*rows(3), person("1000", "另一人", "B01", "一队"), person("x y", "李", "B01", "一队")]))
    assert (told["status"], told["confirm_url"]) == ("checked", None)
    assert told["counts"]["refused"] == 3
    answer = desk.browser.post(f"{desk.base}/{told['id']}/confirm", headers=JSON)
    assert (answer.status_code, answer.json["code"]) == (409, "roster_refused")
    work(desk.app)
    assert session().scalar(sa.select(sa.func.count(Member.id))) == 0
    fates = desk.fates(told)
    assert [(f["row"], f["verdict"], f["refused"]) for f in fates] == [
        (2, "duplicate", True),
        (5, "duplicate", True),
        (6, "staff_number", True),
        (3, "new", False),
        (4, "new", False),
    ]
    assert "row 5" in fates[0]["reason"]
    assert [f["row"] for f in desk.fates(told, "?verdict=staff_number")] == [6]
    page = desk.browser.get(told["page_url"]).text
    assert "Nothing is half imported" in page
    assert page.index("Row 6") < page.index("Row 3")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (book([["工号", "姓名", "部门"], ["1", "王", "B01"]]), "no column for: team"),
        (book(rows(2), change=lambda _b, sheet: sheet.merge_cells("C2:C3")), "C2:C3"),
        (text([["no", "name", "dept", "team"], ["1", "田中太郎", "総務部", "第一チーム"]], "shift_jis"), "no Chinese"),
        (b"\x00\x01", "neither XLSX nor text"),
        (b"PK\x03\x04oops", "damaged"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(desk: Desk, data: bytes, words: str) -> None:
    told = desk.upload(data)
    assert told["status"] == "failed"
    assert words in told["problem"]
    assert told["hint"]
    page = desk.browser.get(told["page_url"]).text
    assert "Upload another file" in page


def test_the_reason_is_said_in_the_language_of_the_reader(desk: Desk, client_as: ClientAs) -> None:
    told = desk.upload(text([["工号", "姓名", "部门"], ["1", "王", "B01"]]))
    chinese = client_as(desk.coordinator, "zh-CN").get(told["page_url"]).text
    assert "第 1 行的表头缺少：队伍。" in chinese


def test_what_changed_between_check_and_confirmation_is_refused_whole(desk: Desk) -> None:
    told = desk.upload(text(rows(3)))
    other = desk.make.team(desk.event, desk.department, name="别队")
    desk.make.member(other, desk.make.account(username="1001", name="王1", department_id=desk.department.id))
    told = desk.confirm(told)
    assert told["status"] == "checked"
    assert "changed for 1 rows; nothing was applied" in told["problem"]
    assert told["counts"]["other_team"] == 1
    assert desk.fates(told)[0]["verdict"] == "other_team"
    assert session().scalars(sa.select(Team.name)).all() == ["别队"]
    assert session().scalar(sa.select(Account.id).where(Account.username == "1000")) is None


def test_a_coordinator_who_lost_the_role_applies_nothing(desk: Desk) -> None:
    told = desk.upload(text(rows(2)))
    answer = desk.browser.post(told["confirm_url"], headers=JSON)
    assert answer.status_code == 202
    session().execute(sa.delete(Grant).where(Grant.account_id == desk.coordinator.id))
    work(desk.app)
    row = session().get_one(RosterImport, told["id"])
    assert (row.status, row.counts["not_your_department"]) == ("checked", 2)
    assert session().scalar(sa.select(sa.func.count(Member.id))) == 0


def test_the_moment_of_confirming_counts_to_the_second(desk: Desk, client_as: ClientAs, now: datetime) -> None:
    phase = phase_of(desk.event, PhaseKind.REGISTRATION)
    assert phase is not None
    phase.closes_at = now + timedelta(hours=1)
    told = desk.upload(text(rows(2)))
    with time_machine.travel(phase.closes_at, tick=False):
        answer = desk.browser.post(told["confirm_url"], headers=JSON)
    assert (answer.status_code, answer.json["code"]) == (403, "phase_closed")
    with time_machine.travel(phase.closes_at - timedelta(seconds=1), tick=False):
        assert desk.browser.post(told["confirm_url"], headers=JSON).status_code == 202
    work(desk.app)
    assert desk.status(f"{desk.base}/{told['id']}.json")["status"] == "applied", "what was confirmed in time is applied"


def test_an_event_outside_its_registration_takes_no_roster(app: APIFlask, make: Make, client_as: ClientAs) -> None:
    event, department = make.event(open_phases=False), make.department()
    browser = client_as(make.with_role(event, Role.COORDINATOR, department))
    answer = browser.post(f"/events/{event.slug}/rosters", data={"file": (io.BytesIO(b"x"), "a.csv")})
    assert answer.status_code == 403
    assert "not open now" in browser.get(f"/events/{event.slug}/rosters").text
    assert list(storage().names("rosters")) == []


def test_without_a_file_or_with_one_too_large_the_form_says_so(desk: Desk) -> None:
    answer = desk.browser.post(desk.base, data={})
    assert answer.status_code == 422
    assert "No file was chosen" in answer.text
    desk.app.config["MAX_ROSTER_MIB"] = 1
    answer = desk.browser.post(desk.base, data={"file": (io.BytesIO(b"x" * (1024 * 1024 + 1)), "a.csv")})
    assert answer.status_code == 413
    assert "larger than 1 MB" in answer.text
    assert session().scalar(sa.select(sa.func.count(RosterImport.id))) == 0


def test_a_site_may_allow_rosters_larger_than_other_forms(desk: Desk) -> None:
    large = text(rows(1)) + b" " * (17 * 1024 * 1024)
    desk.app.config["MAX_ROSTER_MIB"] = 20
    answer = desk.browser.post(desk.base, data={"file": (io.BytesIO(large), "a.csv")}, headers=JSON)
    assert answer.status_code == 201


@pytest.mark.parametrize("name", ["../../etc/passwd", "名" * 400 + ".xlsx", "<script>.csv", "\u202egpj.csv", " "])
def test_a_file_name_is_a_name_and_nothing_else(desk: Desk, name: str) -> None:
    answer = desk.browser.post(desk.base, data={"file": (io.BytesIO(text(rows(1))), name)}, headers=JSON)
    assert answer.status_code == 201
    work(desk.app)
    page = desk.browser.get(answer.json["page_url"])
    assert page.status_code == 200
    assert "<script>.csv" not in page.text
    assert all(stored.startswith(f"rosters/{desk.event.id}/") for stored in storage().names())


def test_a_dropped_roster_leaves_no_file_and_no_rows(desk: Desk) -> None:
    told = desk.upload(text(rows(2)))
    assert len(list(storage().names("rosters"))) == 1
    assert desk.browser.post(f"{desk.base}/{told['id']}/dismiss").status_code == 303
    assert list(storage().names("rosters")) == []
    assert session().scalar(sa.select(sa.func.count(RosterRow.id))) == 0
    assert desk.status(f"{desk.base}/{told['id']}.json")["status"] == "dismissed"
    assert desk.browser.post(f"{desk.base}/{told['id']}/confirm").status_code == 409
    assert desk.browser.post(f"{desk.base}/{told['id']}/dismiss").status_code == 303, "pressed twice"


def test_a_lost_job_can_be_started_again_after_a_minute(desk: Desk, now: datetime) -> None:
    answer = desk.browser.post(desk.base, data={"file": (io.BytesIO(text(rows(1))), "a.csv")}, headers=JSON)
    url = f"{desk.base}/{answer.json['id']}"
    assert desk.browser.post(f"{url}/restart").status_code == 409
    desk.app.extensions["concours_redis"].flushall()
    with time_machine.travel(datetime.now(now.tzinfo) + timedelta(seconds=61), tick=False):
        assert "unusually long" in desk.browser.get(url).text
        assert desk.browser.post(f"{url}/restart").status_code == 303
    work(desk.app)
    assert desk.status(f"{url}.json")["status"] == "checked"


def test_a_page_of_a_running_roster_refreshes_itself(desk: Desk) -> None:
    running = built(desk.make, desk.event, desk.coordinator, status="reading", counts={})
    url = f"{desk.base}/{running.id}"
    page = desk.browser.get(url).text
    assert f'hx-get="{url}"' in page
    assert "htmx" in page
    part = desk.browser.get(url, headers={"HX-Request": "true"})
    assert part.text.lstrip().startswith("<section")
    assert "HX-Refresh" not in part.headers
    running.status = "checked"
    session().commit()
    assert desk.browser.get(url, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"


def test_a_page_costs_the_same_whatever_the_length_of_the_roster(
    desk: Desk, count_queries: Callable[[Callable[[], object]], int]
) -> None:
    short, long = desk.upload(text(rows(1))), desk.upload(text(rows(40, start=2000)))
    pages = [f"{desk.base}/{told['id']}{suffix}" for told in (short, long) for suffix in ("", ".json", "/fates.json")]
    costs = [count_queries(lambda url=url: desk.browser.get(url)) for url in pages]
    assert costs[:3] == costs[3:]
    session().commit()
    one = count_queries(lambda: desk.browser.get(desk.base))
    for n in range(29):
        built(desk.make, desk.event, desk.coordinator, filename=f"{n}.csv")
    assert count_queries(lambda: desk.browser.get(desk.base)) == one


def test_fates_are_paged_by_key_problems_first(app: APIFlask, make: Make, client_as: ClientAs) -> None:
    desk = Desk(app, make, client_as, team_max=1000)
    told = desk.upload(text([*rows(150), person("5000", "赵", "没有", "一队")]))
    first = desk.browser.get(told["fates_url"]).json
    assert first["fates"][0]["verdict"] == "unknown_department"
    assert len(first["fates"]) == 100
    second = desk.browser.get(first["next_url"]).json
    assert second["next_url"] is None
    seen = [f["row"] for f in first["fates"] + second["fates"]]
    assert sorted(seen) == list(range(2, 153))
    for odd in ("?after=x", "?after=9-9-9", "?after=0-99999999999999999999", "?verdict=<b>"):
        assert desk.browser.get(told["page_url"] + odd).status_code == 200


def test_the_template_and_the_export_are_read_again_by_the_import(desk: Desk, client_as: ClientAs) -> None:
    for language in ("en", "zh-CN"):
        browser = client_as(desk.coordinator, language)
        for kind in ("xlsx", "csv"):
            data = browser.get(f"{desk.base}/template.{kind}").data
            assert [line.staff_number for line in read_roster(data)] == ["100001", "100002"]
            told = desk.upload(data)
            assert told["counts"] == {
                "unknown_department": 2,
                "rows": 2,
                "refused": 2,
                "changes": 0,
                "teams": 0,
                "accounts": 0,
            }
    desk.confirm(desk.upload(text(rows(2))))
    for kind in ("xlsx", "csv"):
        data = desk.browser.get(f"/events/{desk.event.slug}/teams/export.{kind}").data
        assert desk.upload(data)["counts"]["unchanged"] == 2
    assert desk.browser.get(f"{desk.base}/template.exe").status_code == 404


def test_names_like_formulas_go_out_as_text(desk: Desk) -> None:
    evil = "=HYPERLINK(1)"
    told = desk.upload(
        book([list(HEADER), ["1000", evil, "B01", "@队"]], change=lambda _b, s: setattr(s["B2"], "data_type", "s"))
    )
    desk.confirm(told)
    base = f"/events/{desk.event.slug}/teams/export"
    sheet = load_workbook(io.BytesIO(desk.browser.get(f"{base}.xlsx").data)).worksheets[0]
    assert sheet["B2"].data_type == "s"
    assert sheet["B2"].value == "'" + evil
    assert f",'{evil},办公厅,'@队," in desk.browser.get(f"{base}.csv").data.decode("utf-8-sig")


@both_databases
def test_two_rosters_of_the_same_people_applied_at_once_give_each_person_one_place(
    app: APIFlask, make: Make, client_as: ClientAs
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    desk = Desk(app, make, client_as)
    told = [desk.upload(text(rows(30, team=name))) for name in ("一队", "二队")]
    for one in told:
        assert desk.browser.post(one["confirm_url"], headers=JSON).status_code == 202
    app.extensions["concours_redis"].flushall()

    def apply(import_id: int) -> None:
        with app.app_context():
            jobs.apply_roster(import_id)

    session().commit()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(apply, [one["id"] for one in told]))
    session().rollback()
    session().expire_all()
    states = sorted(session().scalars(sa.select(RosterImport.status)))
    assert states == ["applied", "checked"]
    assert session().scalar(sa.select(sa.func.count(Member.id))) == 30
    assert session().scalars(sa.select(Team.member_count)).all() == [30]


@both_databases
def test_6600_people_in_one_file_take_seconds(
    app: APIFlask, make: Make, client_as: ClientAs, record_property: Any
) -> None:
    event = make.event(settings={"team_max": 40})
    departments = [make.department(code=f"B{n:02d}") for n in range(55)]
    organiser = make.with_role(event, Role.ORGANISER)
    people = [
        person(100_000 + n, f"王{n % 997}", f"B{(n // 24) % 55:02d}", f"队{n // 24}", "", "是" if n % 24 == 0 else "否")
        for n in range(6600)
    ]
    browser, base = client_as(organiser), f"/events/{event.slug}/rosters"
    data = book([list(HEADER), *people])
    began = time.monotonic()
    answer = browser.post(base, data={"file": (io.BytesIO(data), "全部.xlsx")}, headers=JSON)
    uploaded = time.monotonic()
    work(app)
    checked = time.monotonic()
    told = browser.get(answer.headers["Location"]).json
    assert told["counts"] == {"new": 6600, "rows": 6600, "refused": 0, "changes": 6600, "teams": 275, "accounts": 6600}
    assert browser.post(told["confirm_url"], headers=JSON).status_code == 202
    start = time.monotonic()
    work(app)
    applied = time.monotonic()
    session().expire_all()
    assert browser.get(answer.headers["Location"]).json["status"] == "applied"
    assert session().scalar(sa.select(sa.func.count(Member.id)).where(Member.event_id == event.id)) == 6600
    assert session().scalar(sa.select(sa.func.sum(Team.member_count))) == 6600
    assert session().scalar(sa.select(sa.func.count(Team.captain_id))) == 275
    assert len(departments) == 55
    took = {"upload": uploaded - began, "check": checked - uploaded, "apply": applied - start}
    for name, seconds in took.items():
        record_property(name, round(seconds, 2))
    assert sum(took.values()) < 60, took


def test_a_job_that_breaks_at_its_last_try_says_so_on_the_page(desk: Desk) -> None:
    answer = desk.browser.post(desk.base, data={"file": (io.BytesIO(text(rows(1))), "a.csv")}, headers=JSON)
    row = session().get_one(RosterImport, answer.json["id"])
    storage().delete(row.storage_name)
    session().commit()
    from rq.job import Job

    job = Job.fetch(f"check_roster-{row.id}", connection=desk.app.extensions["concours_redis"])
    job.retries_left = 0
    job.save()
    work(desk.app)
    told = desk.status(f"{desk.base}/{row.id}.json")
    assert (told["status"], told["problem"]) == ("failed", "Something went wrong on our side; nothing was changed.")


def test_five_rosters_of_one_person_at_a_time(desk: Desk, now: datetime) -> None:
    for _ in range(imports.RUNNING_LIMIT):
        built(desk.make, desk.event, desk.coordinator, status="reading", started_at=now)
    answer = desk.browser.post(desk.base, data={"file": (io.BytesIO(b"x"), "a.csv")}, headers=JSON)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "10"
