"""From a template to a published event, by an organiser in the browser."""

import json
import re
from collections.abc import Callable
from datetime import date, datetime

import pytest
from flask.testing import FlaskClient

from concours.audit.models import AuditRecord
from concours.base.db import session
from concours.events import slugs
from concours.events.creation import create_event, zones
from concours.events.models import Category, Event, Quota, Statement
from concours.events.quotas import limits_of
from concours.events.rules import is_for_teams, read_fields, read_rules, read_settings
from concours.events.state import archive, missing, publish
from concours.events.statements import current_statement
from concours.events.templates_of_events import TEMPLATES
from concours.identity.models import Account, Grant, Role
from tests.conftest import both_databases
from tests.factories import Make

Browser = Callable[[Account], FlaskClient]


@pytest.fixture
def organiser(make: Make) -> Account:
    account: Account = make.account(can_create_events=True)
    return account


@pytest.fixture
def desk(client_as: Browser, organiser: Account) -> FlaskClient:
    return client_as(organiser)


def new(desk: FlaskClient, **more: str):  # type: ignore[no-untyped-def]
    form = {"template": "works_exhibition", "title": "书画摄影展", "begins": "2031-03-01", "zone": "Asia/Shanghai"}
    return desk.post("/events/new", data=form | {"language": "zh"} | more)


@both_databases
@pytest.mark.parametrize("template", list(TEMPLATES))
def test_an_event_is_made_from_each_template_and_published(
    desk: FlaskClient, organiser: Account, template: str
) -> None:
    made = new(desk, template=template, slug="spring-2031")
    assert (made.status_code, made.location) == (303, "/events/spring-2031/desk")
    event = session().query(Event).one()
    assert event.status == "draft"
    assert [c.title for c in event.categories] == [c.title.zh for c in TEMPLATES[template].categories]
    assert len(event.phases) == len(TEMPLATES[template].phases)
    assert session().query(Grant).filter_by(account_id=organiser.id, role=Role.ORGANISER).count() == 1
    for path in ("desk", "desk/settings", "desk/phases", "desk/categories", "desk/quotas", "people", "audit"):
        assert desk.get(f"/events/spring-2031/{path}").status_code == 200, path
    assert desk.post("/events/spring-2031/desk/publish").status_code == 303
    session().expire_all()
    assert event.status == "published"


@both_databases
def test_a_draft_is_nobodys_business_until_it_is_published(desk: FlaskClient, client: FlaskClient) -> None:
    new(desk, slug="spring-2031")
    assert client.get("/events/spring-2031/").status_code == 404
    assert client.get("/api/v1/events").json["events"] == []
    assert desk.get("/events/spring-2031/").status_code == 200
    desk.post("/events/spring-2031/desk/publish")
    page = client.get("/events/spring-2031/")
    assert page.status_code == 200
    assert "书法" in page.text
    assert "A series of 4 to 8 pictures in order counts as one work" in page.text
    assert client.get("/api/v1/events").json["events"][0]["slug"] == "spring-2031"
    detail = client.get("/api/v1/events/spring-2031").json
    assert detail["categories"][3]["rules"]["files"]["max_count"] == 8
    assert detail["statement_version"] == 1


def test_only_who_may_create_events_does(client_as: Browser, make: Make) -> None:
    assert new(client_as(make.account())).status_code == 403
    assert new(client_as(make.admin())).status_code == 303


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": "字" * 121}, "title"),
        ({"template": "sports_day"}, "template"),
        ({"begins": "soon"}, "begins"),
        ({"begins": "9999-12-31"}, "begins"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"zone": "../../etc/passwd"}, "zone"),
        ({"slug": "书画"}, "slug"),
        ({"slug": "new"}, "slug"),
        ({"slug": "a"}, "slug"),
        ({"slug": "-x-"}, "slug"),
    ],
)
def test_what_cannot_be_is_refused_with_everything_typed(desk: FlaskClient, wrong: dict[str, str], field: str) -> None:
    answer = new(desk, **({"slug": "kept-2031"} | wrong))
    assert answer.status_code == 422
    assert f'href="#f-{field}"' in answer.text
    assert 'value="2031-03-01"' in answer.text or field == "begins"
    assert session().query(Event).count() == 0


def test_titles_of_all_kinds_make_good_addresses(make: Make, now: datetime) -> None:
    assert slugs.suggest("Photo Prize 2031!", "works_exhibition", 2031) == "photo-prize-2031"
    assert slugs.suggest("书画摄影展 🎉𠮷", "works_exhibition", 2031) == "works-exhibition-2031"
    assert slugs.suggest("New", "team_contest", 2031) == "team-contest-2031"
    admin = make.admin()
    found = [
        create_event(template="team_contest", title="工间操", actor=admin, now=now, begins=date(2031, 3, 1)).slug
        for _ in range(3)
    ]
    assert found == ["team-contest-2031", "team-contest-2031-2", "team-contest-2031-3"]


def test_an_address_belongs_to_one_event(desk: FlaskClient) -> None:
    assert new(desk, slug="spring-2031").status_code == 303
    again = new(desk, slug="spring-2031")
    assert again.status_code == 409
    assert "has the address" in again.text


def test_the_zones_are_places_and_include_our_own() -> None:
    assert {"Asia/Shanghai", "Asia/Urumqi", "Europe/Berlin", "UTC"} <= set(zones())
    assert len(zones()) > 300


def test_what_is_missing_is_said_and_nothing_is_published_before(desk: FlaskClient, make: Make, now: datetime) -> None:
    new(desk, slug="spring-2031")
    event = session().query(Event).one()
    desk.post("/events/spring-2031/desk/phases", data={})
    for category in list(event.categories):
        desk.post(f"/events/spring-2031/desk/categories/{category.id}/remove")
    session().expire_all()
    assert [m.endpoint for m in missing(event, now)] == ["events.categories", "events.phases"]
    assert "At least one category." in desk.get("/events/spring-2031/desk").text
    desk.post("/events/spring-2031/desk/publish")
    assert "2 things are missing" in desk.get("/events/spring-2031/desk").text
    session().expire_all()
    assert event.status == "draft"


def test_a_changed_statement_is_a_new_version_and_an_unchanged_one_is_not(desk: FlaskClient) -> None:
    new(desk, slug="spring-2031")
    event = session().query(Event).one()
    first = current_statement(event.id)
    assert first is not None
    form = {"title": event.title, "summary": "一", "zone": event.zone}
    desk.post("/events/spring-2031/desk/settings", data=form | {"statement": first.text + "  \r\n"})
    assert session().query(Statement).count() == 1
    desk.post("/events/spring-2031/desk/settings", data=form | {"statement": "另一份声明"})
    assert [s.version for s in session().query(Statement).order_by(Statement.version)] == [1, 2]


def test_settings_are_kept_and_refused_by_field(desk: FlaskClient) -> None:
    new(desk, slug="spring-2031", template="team_contest")
    event = session().query(Event).one()
    url = "/events/spring-2031/desk/settings"
    form = {"title": event.title, "summary": "𠮷😀", "zone": event.zone, "team_min": "12", "team_max": "24"}
    kept = desk.post(url, data=form | {"check_in": "1", "per_author_total": "", "max_teams_per_department": "6"})
    assert kept.status_code == 303
    session().expire_all()
    settings = read_settings(event)
    assert (settings.team_min, settings.team_max, settings.max_teams_per_department) == (12, 24, 6)
    assert settings.check_in
    assert settings.per_author_total is None
    for wrong, field in (
        ({"team_min": "30"}, "team_max"),
        ({"team_max": "-1"}, "team_max"),
        ({"per_author_total": "0"}, "per_author_total"),
        ({"per_author_total": "many"}, "per_author_total"),
        ({"clips_per_member_day": "999"}, "clips_per_member_day"),
        ({"summary": "字" * 2001}, "summary"),
        ({"statement": ""}, "statement"),
        ({"show_authors": "sometimes"}, "show_authors"),
    ):
        answer = desk.post(url, data=form | wrong)
        assert answer.status_code == 422, wrong
        assert f'href="#f-{field}"' in answer.text, wrong
    session().expire_all()
    assert read_settings(event) == settings


def test_who_may_enter_and_when_names_are_shown_is_set_in_the_browser(desk: FlaskClient) -> None:
    new(desk, slug="spring-2031")
    event = session().query(Event).one()
    url = "/events/spring-2031/desk/settings"
    form = {"title": event.title, "summary": event.summary, "zone": event.zone}
    assert (read_settings(event).open_to_all, read_settings(event).show_authors) == (False, "results")
    assert desk.post(url, data=form | {"open_to_all": "1", "show_authors": "always"}).status_code == 303
    session().expire_all()
    assert (read_settings(event).open_to_all, read_settings(event).show_authors) == (True, "always")
    page = desk.get(url).text
    assert re.search(r'<option value="always"\s+selected', page)
    assert re.search(r'<input[^>]*type="checkbox"[^>]*checked[^>]*name="open_to_all"', page)
    refused = desk.post(url, data=form | {"title": "", "show_authors": "never"}).text
    assert not re.search(r'<input[^>]*type="checkbox"[^>]*checked[^>]*name="open_to_all"', refused), (
        "what was unticked stays so"
    )
    assert re.search(r'<option value="never"\s+selected', refused)


def test_a_category_is_for_authors_or_for_teams(desk: FlaskClient) -> None:
    new(desk, slug="spring-2031", template="team_contest")
    event = session().query(Event).one()
    video = event.categories[0]
    url = f"/events/spring-2031/desk/categories/{video.id}"
    form = {"title": video.title, "min_count": "1", "max_count": "1", "max_mb": "100", "formats": ["mp4"]}
    assert is_for_teams(event, video)
    assert re.search(r'<input[^>]*value="teams"[^>]*checked', desk.get(url).text)
    for enters, teams in (("authors", False), ("nobody", False), ("teams", True)):
        assert desk.post(url, data=form | {"enters": enters}).status_code == 303
        session().expire_all()
        assert is_for_teams(event, video) is teams
    assert desk.post(url, data=form).status_code == 303
    session().expire_all()
    assert read_rules(video).by_team is True, "a form without the question leaves the answer"


def test_the_rules_of_a_category_are_set_in_the_browser(desk: FlaskClient) -> None:
    new(desk, slug="spring-2031")
    event = session().query(Event).one()
    photo = event.categories[2]
    url = f"/events/spring-2031/desk/categories/{photo.id}"
    form = {
        "title": "摄影",
        "per_author": "5",
        "min_count": "1",
        "max_count": "3",
        "min_mb": "0.5",
        "max_mb": "10",
        "min_long_side": "3000",
        "formats": ["jpeg", "png"],
        "orientation": "landscape",
        "needs_exif": "1",
        "description_zh": "原图",
        "description_en": "",
    }
    assert desk.post(url, data=form).status_code == 303
    session().expire_all()
    rules = read_rules(photo)
    assert (rules.per_author, rules.files.max_count, rules.files.min_bytes) == (5, 3, 512 * 1024)
    assert (rules.files.formats, rules.files.orientation, rules.files.needs_exif) == (
        ("jpeg", "png"),
        "landscape",
        True,
    )
    page = desk.get(url).text
    assert 'value="0.5"' in page
    assert desk.post(url, data=form | {"min_long_side": "", "min_mb": "", "needs_exif": ""}).status_code == 303
    session().expire_all()
    assert read_rules(photo).files.min_long_side is None
    for wrong, field in (
        ({"min_count": "4"}, "max_count"),
        ({"max_count": "31"}, "max_count"),
        ({"max_count": "1.5"}, "max_count"),
        ({"max_mb": "1e9"}, "max_mb"),
        ({"max_mb": "nan"}, "max_mb"),
        ({"formats": ["exe"]}, "formats"),
        ({"orientation": "upside-down"}, "orientation"),
        ({"title": ""}, "title"),
        ({"per_author": "0"}, "per_author"),
    ):
        answer = desk.post(url, data=form | wrong)
        assert answer.status_code == 422, wrong
        assert f'href="#f-{field}"' in answer.text, wrong
        assert "原图" in answer.text


def test_a_replay_may_send_only_what_it_changes(desk: FlaskClient) -> None:
    new(desk, slug="spring-2031", template="team_contest")
    video = session().query(Category).first()
    assert video is not None
    desk.post(f"/events/spring-2031/desk/categories/{video.id}", data={"min_seconds": "2", "orientation": "landscape"})
    session().expire_all()
    files = read_rules(video).files
    assert (files.min_seconds, files.max_seconds, files.orientation) == (2, 300, "landscape")


def test_fields_are_added_changed_ordered_and_removed_without_typing_json(desk: FlaskClient) -> None:
    new(desk, slug="spring-2031")
    category = session().query(Event).one().categories[0]
    url = f"/events/spring-2031/desk/categories/{category.id}/fields"
    made = desk.post(
        f"{url}/new",
        data={
            "label_zh": "装裱",
            "label_en": "Mounting",
            "type": "choice",
            "choices": "卷轴 | Scroll\r\n镜框 | Frame\r\n\r\n卷轴 | again",
            "required": "1",
        },
    )
    assert made.status_code == 303
    session().expire_all()
    spec = read_fields(category)[-1]
    assert (spec.key, spec.label.en, spec.required) == ("f1", "Mounting", True)
    assert [(c.value, c.label.en) for c in spec.choices] == [("卷轴", "Scroll"), ("镜框", "Frame")]
    later = desk.post(
        f"{url}/new",
        data={"label_zh": "框材", "type": "text", "max_length": "20", "when_field": "f1", "when_values": "镜框"},
    )
    assert later.status_code == 303
    session().expire_all()
    when = read_fields(category)[-1].required_when
    assert when is not None
    assert when.values == ("镜框",)
    assert "镜框" in desk.get(f"{url}/f2").text
    assert desk.post(f"{url}/f2/move", data={"step": "-1"}).status_code == 303
    session().expire_all()
    assert [s.key for s in read_fields(category)][-2:] == ["f2", "f1"]
    assert desk.post(f"{url}/f1/remove").status_code == 303
    session().expire_all()
    assert read_fields(category)[-1].required_when is None, "nothing depends on a field that is gone"
    for wrong, field in (
        ({"label_zh": ""}, "label_zh"),
        ({"type": "secret"}, "type"),
        ({"type": "choice", "choices": " "}, "choices"),
        ({"max_length": "0"}, "max_length"),
        ({"max_length": "99999"}, "max_length"),
        ({"minimum": "x"}, "minimum"),
        ({"when_field": "script", "when_values": "天书"}, "when_values"),
    ):
        answer = desk.post(f"{url}/new", data={"label_zh": "框", "type": "text"} | wrong)
        assert answer.status_code == 422, wrong
        assert f'href="#f-{field}"' in answer.text, wrong
    assert desk.get(f"{url}/none").status_code == 404


def test_categories_are_ordered_and_removed_only_while_nothing_is_in_them(
    desk: FlaskClient, make: Make, organiser: Account
) -> None:
    new(desk, slug="spring-2031")
    event = session().query(Event).one()
    first, second = event.categories[:2]
    desk.post(f"/events/spring-2031/desk/categories/{second.id}/move", data={"step": "-1"})
    session().expire_all()
    assert [c.code for c in event.categories[:2]] == ["painting", "calligraphy"]
    team = make.team(event, make.department(), category_id=first.id)
    refused = desk.post(f"/events/spring-2031/desk/categories/{first.id}/remove")
    assert refused.status_code == 409
    assert "is in use" in refused.text
    team.category_id = None
    session().commit()
    assert desk.post(f"/events/spring-2031/desk/categories/{first.id}/remove").status_code == 303
    assert session().query(Category).filter_by(event_id=event.id).count() == 3


def test_a_category_of_another_event_is_not_found(desk: FlaskClient, make: Make) -> None:
    new(desk, slug="spring-2031")
    foreign = make.category(make.event())
    for path in ("", "/move", "/remove", "/fields/new"):
        answer = desk.post(f"/events/spring-2031/desk/categories/{foreign.id}{path}", data={"title": "x", "step": "1"})
        assert answer.status_code == 404


def test_a_department_has_the_general_limits_or_its_own(desk: FlaskClient, make: Make) -> None:
    new(desk, slug="spring-2031", template="team_contest")
    event, department = session().query(Event).one(), make.department(code="D01", name="办公厅")
    assert limits_of(event, department.id).max_teams == 10
    url = "/events/spring-2031/desk/quotas"
    assert desk.post(url, data={"department": "办公厅", "max_teams": "12", "max_entries": ""}).status_code == 303
    assert limits_of(event, department.id).max_teams == 12
    assert "办公厅" in desk.get(url).text
    assert desk.post(url, data={"department": "无此部门", "max_teams": "1"}).status_code == 422
    assert desk.post(url, data={"department": "D01", "max_teams": "1000000"}).status_code == 422
    assert desk.post(url, data={"department": "D01"}).status_code == 303
    assert session().query(Quota).count() == 0
    assert limits_of(event, department.id).max_teams == 10


def test_an_archived_event_stays_readable_and_nothing_of_it_changes(
    desk: FlaskClient, client: FlaskClient, organiser: Account, now: datetime
) -> None:
    new(desk, slug="spring-2031")
    event = session().query(Event).one()
    publish(event, actor=organiser, now=now)
    archive(event, actor=organiser, now=now)
    session().commit()
    assert client.get("/events/spring-2031/").status_code == 200
    form = {"title": "新名", "summary": "新", "zone": event.zone}
    refused = desk.post("/events/spring-2031/desk/settings", data=form)
    assert refused.status_code == 409
    assert 'value="新名"' in refused.text
    assert desk.post("/events/spring-2031/desk/phases", data={}).status_code == 409
    assert desk.post("/events/spring-2031/people", data={"username": "x", "role": "judge"}).status_code == 409
    assert desk.post("/events/spring-2031/desk/take-out").status_code == 303
    assert desk.post("/events/spring-2031/desk/settings", data=form).status_code == 303


def test_every_act_is_in_the_record_and_can_be_found_there(desk: FlaskClient, organiser: Account, make: Make) -> None:
    new(desk, slug="spring-2031")
    desk.post("/events/spring-2031/desk/publish")
    page = desk.get("/events/spring-2031/audit").text
    assert "published the event" in page
    assert "created the event" in page
    only = desk.get("/events/spring-2031/audit?verb=events.publish").text
    assert only.count("<tr>") == 2
    assert "Nothing found" in desk.get("/events/spring-2031/audit?verb=voting").text
    assert desk.get(f"/events/spring-2031/audit?who={organiser.username}").text.count("<tr>") > 3
    assert "There is no account with this staff number." in desk.get("/events/spring-2031/audit?who=nobody").text
    assert "Nothing found" in desk.get("/events/spring-2031/audit?day=2020-02-02").text
    assert desk.get("/events/spring-2031/audit?day=x&after=y&verb=%25").status_code == 200
    for row in session().query(AuditRecord):
        json.dumps(row.detail)


def test_the_record_is_paged_by_number(desk: FlaskClient, organiser: Account, now: datetime) -> None:
    from concours import audit

    new(desk, slug="spring-2031")
    event = session().query(Event).one()
    for n in range(120):
        audit.record(organiser, "events.publish", event, now=now, event_id=event.id, n=n)
    session().commit()
    seen: list[str] = []
    url: str | None = "/events/spring-2031/audit?verb=events.publish"
    while url:
        page = desk.get(url).text
        seen += [part.split("<")[0] for part in page.split("<dt>n</dt><dd>")[1:]]
        following = [part for part in page.split('href="') if 'rel="next"' in part.split(">")[0]]
        url = following[0].split('"')[0].replace("&amp;", "&") if following else None
    assert seen == [str(n) for n in reversed(range(120))]
