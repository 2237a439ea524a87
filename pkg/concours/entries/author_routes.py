"""The author's pages: my entries, a new one, the form, submitting and taking back."""

from flask import Response, current_app, jsonify, make_response, render_template, request, url_for
from flask_babel import get_locale

from concours.base import clock
from concours.base.db import session
from concours.base.errors import Closed, Conflict, DomainError, Forbidden, Invalid, NotFound
from concours.base.messages import msg
from concours.entries import authors, drafts, submission
from concours.entries.answers import asks_json, done, onward, read_typed, status_of, whole
from concours.entries.beside import beside_of
from concours.entries.blueprint import bp
from concours.entries.form_page import form_page, labels
from concours.entries.history import history_of, last_decisions
from concours.entries.lists import own_entries
from concours.entries.models import Entry, EntryStatus
from concours.entries.times import (
    DRAFTING,
    STANDING,
    deadline,
    require_submission,
    require_withdrawable,
    submission_open,
    submittable,
)
from concours.entries.words import Typed
from concours.events.context import current_event
from concours.events.models import Event
from concours.events.rules import is_for_teams, read_fields, read_rules, read_settings
from concours.identity.access import SIGNED_IN, actor, allow, my_roles
from concours.identity.models import Account, Role
from concours.teams.models import Team


def language() -> str:
    """The reader's language, `zh` or `en`."""
    locale = get_locale()
    return "en" if locale is not None and locale.language == "en" else "zh"


@bp.get("/entries")
@allow(SIGNED_IN)
def mine() -> str:
    """My entries, and where each stands."""
    event, person, now = current_event(), actor(), clock.now()
    found = own_entries(event, person)
    return render_template(
        "entries/mine.html",
        entries=[e for e in found if e.status != EntryStatus.WITHDRAWN],
        withdrawn=[e for e in found if e.status == EntryStatus.WITHDRAWN],
        decisions=last_decisions([e.id for e in found]),
        deadlines={e.id: deadline(event, e) for e in found},
        changeable={e.id for e in found if _can_edit(e, event)},
        submission=_why_closed(event),
        settings=read_settings(event),
        person=person,
        now=now,
    )


def _why_closed(event: Event) -> DomainError | None:
    try:
        require_submission(event, clock.now())
    except Closed as closed:
        return closed
    return None


def _can_edit(entry: Entry, event: Event) -> bool:
    return entry.status in DRAFTING or (entry.status in STANDING and submission_open(event, clock.now(), entry))


@bp.get("/entries/new")
@allow(SIGNED_IN)
def new() -> str:
    """In which category? With the rules of each."""
    return _choose(current_event(), actor())


def _choose(event: Event, person: Account, refused: DomainError | None = None, chosen: str = "") -> str:
    choices = []
    for category in event.categories:
        by_team = is_for_teams(event, category)
        teams: list[Team] = authors.teams_of(person, event, category) if by_team else []
        choices.append({"category": category, "rules": read_rules(category), "by_team": by_team, "teams": teams})
    return render_template(
        "entries/new.html",
        choices=choices,
        closed=_why_closed(event),
        refused=refused,
        chosen=chosen,
        settings=read_settings(event),
        may_author=person.department_id is not None or read_settings(event).open_to_all,
    )


@bp.post("/entries")
@allow(SIGNED_IN)
def start() -> Response:
    """A new draft: `category` (its code), `team` (its number, where teams enter)."""
    event, person = current_event(), actor()
    code = request.form.get("category", "")
    category = next((c for c in event.categories if c.code == code), None)
    try:
        if category is None:
            raise Invalid(msg("Please choose a category."), code="choose_category")
        entry = drafts.start(
            event, category, actor=person, now=clock.now(), team_id=whole(request.form.get("team")) or None
        )
        session().commit()
    except (Closed, Conflict, Invalid, Forbidden) as refused:
        if asks_json() or isinstance(refused, NotFound):
            raise
        session().rollback()
        return make_response(_choose(event, person, refused, code), status_of(refused))
    return done(entry, url_for("entries.edit", entry_id=entry.id), status=201)


@bp.get("/entries/<int:entry_id>")
@allow(SIGNED_IN)
def show(entry_id: int) -> str:
    """An entry with its history, for its author and those who may read it."""
    event, person, now = current_event(), actor(), clock.now()
    entry = authors.find_to_read(event, entry_id, person)
    handles = authors.may_change(person, entry)
    return render_template(
        "entries/show.html",
        entry=entry,
        specs=read_fields(entry.category),
        history=history_of(entry),
        decision=last_decisions([entry.id]).get(entry.id),
        handles=handles,
        editable=handles and _can_edit(entry, event),
        submittable=handles and entry.status in DRAFTING and submittable(event, now, entry),
        withdrawable=handles and _withdrawable(entry, event),
        reopenable=handles and entry.status == EntryStatus.WITHDRAWN and submission_open(event, now),
        deadline=deadline(event, entry),
        desk=_sees_desk(person),
        beside=beside_of(entry),
    )


def _sees_desk(person: Account) -> bool:
    return person.is_admin or bool(my_roles() & {Role.ORGANISER, Role.AUDITOR})


def _withdrawable(entry: Entry, event: Event) -> bool:
    try:
        require_withdrawable(event, entry, clock.now())
    except DomainError:
        return False
    return True


@bp.get("/entries/<int:entry_id>/edit")
@allow(SIGNED_IN)
def edit(entry_id: int) -> str | Response:
    """The form."""
    event = current_event()
    entry = authors.find_to_change(event, entry_id, actor())
    if not _can_edit(entry, event):
        return onward(url_for("entries.show", entry_id=entry.id))
    return render_template("entries/edit.html", **form_page(entry, event, clock.now(), language()))


@bp.post("/entries/<int:entry_id>")
@allow(SIGNED_IN)
def save(entry_id: int) -> Response:
    """Keeps the form (`action` = `save`), and submits the entry (`action` = `submit`).

    What was typed is kept before anything else is checked; where it cannot be kept, the form comes back with it.
    """
    event, person = current_event(), actor()
    entry = authors.find_to_change(event, entry_id, person)
    sent = read_typed(request.form, entry.category)
    try:
        drafts.change(entry, event, sent, actor=person, now=clock.now(), version=whole(request.form.get("version")))
        session().commit()
    except (Invalid, Conflict, Closed) as refused:
        return form_again(entry_id, refused, sent)
    if request.form.get("action") == "submit":
        return _submit(entry, event, person)
    if asks_json():
        return _saved(entry, event)
    if entry.status in STANDING:
        return done(entry, url_for("entries.show", entry_id=entry.id), msg("Your changes are saved."))
    if submittable(event, clock.now(), entry):
        return done(
            entry, url_for("entries.edit", entry_id=entry.id), msg("Saved as a draft. It is not submitted yet.")
        )
    return done(
        entry,
        url_for("entries.edit", entry_id=entry.id),
        msg("Saved as a draft. Submission is closed, so it cannot be submitted now."),
        kind="warning",
    )


def _submit(entry: Entry, event: Event, person: Account) -> Response:
    entry_id = entry.id
    again = entry.status == EntryStatus.RETURNED
    try:
        submission.submit(entry, event, actor=person, now=clock.now(), version=entry.version)
        session().commit()
    except (Invalid, Conflict, Closed, Forbidden) as refused:
        return form_again(entry_id, refused, None)
    said = (
        msg("Submitted again. The organiser looks at it once more.")
        if again
        else msg("Submitted. Its number is %(number)s.", number=entry.number)
    )
    return done(entry, url_for("entries.show", entry_id=entry_id), said)


def form_again(entry_id: int, refused: DomainError, sent: Typed | None) -> Response:
    """The form with what was typed and what is wrong; to a program the refusal itself."""
    if asks_json():
        raise refused
    session().rollback()
    event = current_event()
    entry = authors.find_to_change(event, entry_id, actor())
    page = form_page(entry, event, clock.now(), language(), sent=sent, refused=refused)
    return make_response(render_template("entries/edit.html", **page), status_of(refused))


def _saved(entry: Entry, event: Event) -> Response:
    """The answer to a form that saves itself: the new version, and what is still missing."""
    translate = current_app.jinja_env.filters["said"]
    named = labels(read_fields(entry.category), language())
    missing = (
        submission.problems_of(entry, event)
        if entry.status in DRAFTING and submittable(event, clock.now(), entry)
        else []
    )
    return jsonify(
        {
            "id": entry.id,
            "status": entry.status,
            "version": entry.version,
            "revision": entry.revision,
            "saved_at": entry.changed_at.isoformat(),
            "missing": [
                {
                    "field": p.field,
                    "label": translate(named.get(p.field, "")),
                    "message": translate(p.message),
                    "where": url_for("entries.mine") if p.field == "limits" else f"#f-{p.field}",
                }
                for p in missing
            ],
        }
    )


@bp.post("/entries/<int:entry_id>/withdraw")
@allow(SIGNED_IN)
def withdraw(entry_id: int) -> Response:
    """Takes the entry back; a draft is discarded."""
    event, person = current_event(), actor()
    entry = authors.find_to_change(event, entry_id, person)
    was_draft = entry.status == EntryStatus.DRAFT
    submission.withdraw(entry, event, actor=person, now=clock.now())
    session().commit()
    said = msg("The draft is discarded.") if was_draft else msg("The entry is withdrawn.")
    return done(entry, url_for("entries.mine"), said)


@bp.post("/entries/<int:entry_id>/reopen")
@allow(SIGNED_IN)
def reopen(entry_id: int) -> Response:
    """Brings a withdrawn entry back as a draft."""
    event, person = current_event(), actor()
    entry = authors.find_to_change(event, entry_id, person)
    submission.reopen(entry, event, actor=person, now=clock.now())
    session().commit()
    return done(
        entry,
        url_for("entries.edit", entry_id=entry.id),
        msg("It is a draft again. Submit it when it is ready."),
    )
