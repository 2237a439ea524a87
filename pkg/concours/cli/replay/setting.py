"""Setting the stage: departments, two events from their templates, their times, and the people with roles."""

import base64
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from concours.base.clock import now
from concours.cli.replay.browser import Browser, Page
from concours.cli.replay.people import Person, Unit, name, units
from concours.cli.replay.stage import Stage

PAST = timedelta(hours=6)
LAST_MONTH = timedelta(days=30)
CLIPS_A_DAY = 200
INSIDER_EVERY = 10  # one judge in ten is of a department, and steps aside for it; the others are invited
OUTSIDE = Unit("", "")
SLUGS = {"team_contest": "calisthenics", "works_exhibition": "art-2021", "story_session": "stories"}  # demonstration


@dataclass
class Cast:
    """Who has which role, with a signed-in browser each; browsers by staff number."""

    contest: str
    exhibition: str
    units: list[Unit]
    coordinators: list[Person] = field(default_factory=list)
    judges: list[Person] = field(default_factory=list)
    browsers: dict[str, Browser] = field(default_factory=dict)


def slug_in(url: str) -> str:
    """The event's slug in an address."""
    found = re.search(r"/events/([^/?#]+)", url)
    if found is None:
        raise LookupError(f"no event in {url}")
    return found.group(1)


def create_event(stage: Stage, template: str, title: str) -> str:
    """The organiser makes an event from a template, with general rules that fit a replay; returns its slug."""
    page = stage.admin.get(f"/events/new?template={template}")
    today = now().astimezone(ZoneInfo(stage.zone())).date()
    desk = stage.admin.submit(
        page,
        "/events/new",
        {
            "template": template,
            "title": title,
            "begins": today.isoformat(),
            "zone": stage.zone(),
            "language": "zh",
            "slug": f"{template.replace('_', '-')}-{stage.run}".lower() if not stage.familiar else SLUGS[template],
        },
    )
    slug = slug_in(desk.url)
    if template == "team_contest":
        settings = stage.admin.get(f"/events/{slug}/desk/settings")
        rules = {"team_min": "1", "team_max": "200", "clips_per_member_day": str(CLIPS_A_DAY)}
        rules["max_teams_per_department"] = "20"
        stage.admin.submit(settings, "/settings", rules, having="team_min")
    return slug


def set_phases(stage: Stage, slug: str, opened: Sequence[str]) -> None:
    """Opens exactly these phases from a minute ago on; those before them were last month, those behind come later."""
    zone, moment = ZoneInfo(stage.zone()), now()
    page = stage.admin.get(f"/events/{slug}/desk/phases")
    form = page.form("/phases", having="opens_submission")
    typed: dict[str, str] = {}
    kinds = [n.removeprefix("opens_") for n in form.names if n.startswith("opens_")]
    for place, kind in enumerate(kinds):
        had = (form.fields.get(f"opens_{kind}") or [""])[0]
        if kind in opened:
            start, end = moment - timedelta(minutes=1), moment + stage.lasting
        elif had and not set(opened) & set(kinds[place:]):
            start, end = moment + stage.lasting, moment + 2 * stage.lasting
        elif had:
            start, end = moment - LAST_MONTH, moment - LAST_MONTH + PAST
        else:
            continue
        typed[f"opens_{kind}"] = _wall(start, zone)
        typed[f"closes_{kind}"] = _wall(end, zone)
    stage.admin.submit(page, "/phases", typed, having="opens_submission")


def _wall(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).strftime("%Y-%m-%dT%H:%M:%S")


def publish(stage: Stage, slug: str) -> None:
    """Publishes the event; raises where the platform would not."""
    page = stage.admin.get(f"/events/{slug}/desk")
    after = stage.admin.submit(page, "/desk/publish")
    if "/desk/publish" in after.html:
        raise LookupError(f"{slug} could not be published: {after.reader.alerts}")


def set_stage(stage: Stage) -> Cast:
    """Departments, the two events, coordinators and judges with their passwords set by invitation."""
    made = _departments(stage)
    contest = create_event(stage, "team_contest", stage.title("广播体操工间操云比赛"))
    exhibition = create_event(stage, "works_exhibition", stage.title("书画摄影展"))
    set_phases(stage, contest, ("registration", "submission", "screening"))
    set_phases(stage, exhibition, ("submission", "screening"))
    for slug in (contest, exhibition):
        publish(stage, slug)
    cast = Cast(contest, exhibition, made)
    rng = stage.rng(1)
    cast.coordinators = [Person(stage.number("C", n), name(rng), unit) for n, unit in enumerate(made)]
    cast.judges = [
        Person(
            stage.number("J", n), name(rng), made[n % len(made)] if n % INSIDER_EVERY == INSIDER_EVERY - 1 else OUTSIDE
        )
        for n in range(stage.plan.judges)
    ]
    links = _give_roles(stage, contest, cast.coordinators, "coordinator")
    links |= _give_roles(stage, exhibition, cast.judges, "judge")
    people = [*cast.coordinators, *cast.judges]
    browsers = stage.together("accounts of coordinators, judges", people, lambda p: accept(stage, links, p))
    cast.browsers = {person.staff_number: browser for person, browser in zip(people, browsers, strict=True)}
    return cast


def _departments(stage: Stage) -> list[Unit]:
    made = units(stage.plan.departments)
    if not stage.familiar:
        made = [Unit(f"{stage.run}{unit.code}", f"{unit.name}（{stage.run}）") for unit in made]
    page = stage.admin.get("/admin/departments")
    rows = "\n".join(f"{unit.code},{unit.name}" for unit in made)
    stage.admin.submit(page, "/admin/departments/import", {"rows": rows})
    return made


def _give_roles(stage: Stage, slug: str, people: list[Person], role: str) -> dict[str, str]:
    page = stage.admin.get(f"/events/{slug}/people/import")
    rows = "\n".join(f"{p.staff_number},{p.name},{p.unit.code},{role}" for p in people)
    answer = stage.admin.submit(page, "/people/import", {"rows": rows}, having="rows")
    return _links_of(answer)


def _links_of(page: Page) -> dict[str, str]:
    """The links that a page of invitations offers as a file."""
    file = re.search(r'href="data:text/csv;base64,([^"]+)"', page.html)
    if file is None:
        raise LookupError(f"the page after the import of people offers no file of links: {page.url}")
    return links_in(base64.b64decode(file.group(1)).decode("utf-8-sig"))


def links_in(table: str) -> dict[str, str]:
    """Invitation links by staff number, from the CSV that the platform gives."""
    rows = list(csv.reader(io.StringIO(table.lstrip("\ufeff"))))
    return {row[0]: row[-1] for row in rows if row and "/invitations/" in row[-1]}


def accept(stage: Stage, links: dict[str, str], person: Person) -> Browser:
    """The person opens the invitation and sets a password; returns the browser, signed in."""
    browser = stage.browser()
    path = "/" + links[person.staff_number].split("/", 3)[3]
    page = browser.get(path)
    browser.submit(page, having="password", fields={"password": stage.password, "password_again": stage.password})
    return browser


def make_organiser(stage: Stage, slug: str, staff_number: str) -> None:
    """Makes somebody an organiser of the event; at the first time they set their password by invitation."""
    page = stage.admin.get(f"/events/{slug}/people/import")
    rows = f"{staff_number},组委会,,organiser"
    answer = stage.admin.submit(page, "/people/import", {"rows": rows}, having="rows")
    if "data:text/csv" in answer.html:
        accept(stage, _links_of(answer), Person(staff_number, "组委会", Unit("", "")))
