"""Routes of the exhibition: the organiser's desk, the public halls, a work's own page, the results."""

import re
from typing import Any

from flask import Blueprint, Flask, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from concours.base.clock import now
from concours.base.db import session
from concours.base.errors import Invalid
from concours.base.messages import msg
from concours.base.notices import notify
from concours.entries.files import standing_files
from concours.events.context import current_event
from concours.events.models import PhaseKind
from concours.events.navigation import navigate
from concours.events.offers import offer as offer_act
from concours.events.phases import is_open, require_open
from concours.exhibition import labels, results, verbs, visit
from concours.identity.access import PUBLIC, actor, allow, my_roles
from concours.identity.models import Role
from concours.voting.candidates import offer

bp = Blueprint("exhibition", __name__, template_folder="templates")
ORGANISERS = {Role.ORGANISER, Role.AUDITOR}


@bp.get("/events/<event_slug>/exhibition/desk")
@allow(Role.ORGANISER, Role.AUDITOR)
def desk() -> str:
    """The organiser's halls, open and not."""
    return _desk({}, ())


def _desk(typed: dict[str, str], problems: Any) -> str:
    event = current_event()
    return render_template(
        "exhibition/desk.html",
        event=event,
        halls=visit.halls(event, only_open=False),
        typed=typed,
        problems=problems,
        may_change=Role.ORGANISER in my_roles() or actor().is_admin,
    )


@bp.post("/events/<event_slug>/exhibition/halls")
@allow(Role.ORGANISER)
def hang() -> AnyResponse | tuple[str, int]:
    """A new hall with the selected works of a category."""
    event = current_event()
    typed = {name: request.form.get(name, "") for name in ("title", "introduction", "category")}
    category = next((c.id for c in event.categories if str(c.id) == typed["category"]), None)
    try:
        hall = verbs.hang(
            event,
            title=typed["title"],
            introduction=typed["introduction"],
            category_id=category,
            actor=actor(),
            now=now(),
        )
    except Invalid as refused:
        session().rollback()
        return _desk(typed, refused.by_field()), 422
    session().commit()
    notify(msg("The hall “%(title)s” is hung. Open it when you are ready.", title=hall.title))
    return redirect(url_for("exhibition.desk"), 303)


@bp.route("/events/<event_slug>/exhibition/halls/<int:hall_id>", methods=["GET", "POST"])
@allow(Role.ORGANISER)
def edit(hall_id: int) -> AnyResponse | str | tuple[str, int]:
    """A hall's words and works."""
    hall = verbs.find_hall(current_event(), hall_id)
    typed = {"title": hall.title, "introduction": hall.introduction}
    problems: Any = {}
    if request.method == "POST":
        typed = {name: request.form.get(name, "") for name in typed}
        try:
            verbs.describe(hall, title=typed["title"], introduction=typed["introduction"], actor=actor(), now=now())
        except Invalid as refused:
            session().rollback()
            problems = refused.by_field()
        else:
            session().commit()
            notify(msg("Saved."))
            return redirect(url_for("exhibition.edit", hall_id=hall.id), 303)
    page = render_template(
        "exhibition/edit.html",
        hall=hall,
        typed=typed,
        problems=problems,
        wall=visit.wall(hall, request.args.get("after", 0, type=int), everything=True),
        byline=labels.bylines(current_event(), now()),
        files=standing_files,
    )
    return (page, 422) if problems else page


@bp.post("/events/<event_slug>/exhibition/halls/<int:hall_id>/doors")
@allow(Role.ORGANISER)
def doors(hall_id: int) -> AnyResponse:
    """Opens or closes a hall."""
    hall = verbs.find_hall(current_event(), hall_id)
    opened = request.form.get("open") == "yes"
    verbs.set_open(hall, opened, actor=actor(), now=now())
    session().commit()
    notify(msg("The hall is open to the public.") if opened else msg("The hall is closed."))
    return redirect(url_for("exhibition.desk"), 303)


@bp.post("/events/<event_slug>/exhibition/halls/<int:hall_id>/take-down")
@allow(Role.ORGANISER)
def take_down(hall_id: int) -> AnyResponse:
    """Takes one work off the wall."""
    hall = verbs.find_hall(current_event(), hall_id)
    verbs.take_down(hall, request.form.get("number", 0, type=int), actor=actor(), now=now())
    session().commit()
    notify(msg("The work was taken off the wall."))
    return redirect(url_for("exhibition.edit", hall_id=hall.id), 303)


@bp.post("/events/<event_slug>/exhibition/halls/<int:hall_id>/dissolve")
@allow(Role.ORGANISER)
def dissolve(hall_id: int) -> AnyResponse:
    """Removes a hall."""
    hall = verbs.find_hall(current_event(), hall_id)
    verbs.dissolve(hall, actor=actor(), now=now())
    session().commit()
    notify(msg("The hall was removed. Its works are untouched."))
    return redirect(url_for("exhibition.desk"), 303)


@bp.get("/events/<event_slug>/exhibition")
@allow(PUBLIC)
def entrance() -> str:
    """The halls that are open."""
    event = current_event()
    return render_template(
        "exhibition/entrance.html", event=event, halls=visit.halls(event, only_open=True), files=standing_files
    )


@bp.get("/events/<event_slug>/exhibition/<int:position>")
@allow(PUBLIC)
def hall(position: int) -> str:
    """A hall: its introduction and its walls, a stretch at a time."""
    found = visit.open_hall(current_event(), position)
    stretch = visit.wall(found, request.args.get("after", 0, type=int))
    return render_template(
        "exhibition/hall.html",
        event=current_event(),
        hall=found,
        wall=stretch,
        byline=labels.bylines(current_event(), now()),
        files=standing_files,
    )


@bp.get("/events/<event_slug>/works/<int:number>")
@allow(PUBLIC)
def work(number: int) -> str:
    """A work with its label."""
    shown = visit.work(current_event(), number)
    return render_template(
        "exhibition/work.html",
        event=current_event(),
        shown=shown,
        lines=labels.lines(current_event(), now()),
        byline=labels.bylines(current_event(), now()),
        files=standing_files,
    )


@bp.get("/events/<event_slug>/results")
@allow(PUBLIC)
def show_results() -> AnyResponse:
    """What came out: the selection, the polls, the check-in race. With an ETag, so that many can look at it."""
    event = current_event()
    if not (ORGANISERS & my_roles()):
        require_open(event, PhaseKind.RESULTS, now())
    category = request.args.get("category", type=int)
    found = results.results(event, now=now(), category_id=category, after=_after())
    page = make_response(
        render_template(
            "exhibition/results.html",
            event=event,
            results=found,
            preview=not is_open(event, PhaseKind.RESULTS, now()),
            byline=labels.bylines(current_event(), now()),
            files=standing_files,
        )
    )
    page.add_etag()
    page.headers["Cache-Control"] = "private, no-cache"
    return page.make_conditional(request)


def _after() -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,9})-(\d{1,9})", request.args.get("after", ""), re.ASCII)
    return (int(found.group(1)), int(found.group(2))) if found else (0, 0)


def init_app(app: Flask, csrf: Any) -> None:  # noqa: ARG001
    """Registers the room's routes and its links."""
    app.register_blueprint(bp)
    offer(results.groups)
    navigate("exhibition.entrance", msg("Exhibition"), order=80, who={PUBLIC})
    navigate("exhibition.show_results", msg("Results"), order=75, who={PUBLIC})
    offer_act("exhibition.show_results", msg("See the results"), phase=PhaseKind.RESULTS, who={PUBLIC}, order=50)
    offer_act("exhibition.entrance", msg("Visit the exhibition"), phase=PhaseKind.EXHIBITION, who={PUBLIC}, order=60)
    navigate("exhibition.desk", msg("Halls"), order=78, who=ORGANISERS)
