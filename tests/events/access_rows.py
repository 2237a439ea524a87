"""Who gets past the gates of the events room."""

from concours.base.db import session
from concours.events.models import Category, Event
from concours.identity.models import Grant
from tests.access import EVERYONE, Row, World

ORGANISERS = {"organiser", "admin"}
READERS = {"organiser", "auditor", "admin"}
INVITERS = {"organiser", "admin", "coordinator", "coordinator_other"}


def event(path: str):  # type: ignore[no-untyped-def]
    return lambda w: f"/events/{w.event.slug}{path}"


def _category(w: World) -> Category:
    return w.make.category(w.event, fields=[{"key": "note", "label": "说明"}, {"key": "year", "label": "年"}])  # type: ignore[no-any-return]


def in_category(path: str = ""):  # type: ignore[no-untyped-def]
    return lambda w: f"/events/{w.event.slug}/desk/categories/{_category(w).id}{path}"


def _last_organiser(w: World) -> str:
    grant = session().query(Grant).filter_by(account_id=w.organiser.id, event_id=w.event.id).one()
    return f"/events/{w.event.slug}/people/{grant.id}/take"


def _used_category(w: World) -> str:
    category = _category(w)
    w.team.category_id = category.id
    session().commit()
    return f"/events/{w.event.slug}/desk/categories/{category.id}/remove"


def _field_of_archived(w: World) -> str:
    category = _category(w)
    w.event.status = "archived"
    session().commit()
    return f"/events/{w.event.slug}/desk/categories/{category.id}/fields/note/remove"


def _archived(w: World) -> str:
    other: Event = w.event
    other.status = "archived"
    session().commit()
    return f"/events/{other.slug}/desk/take-out"


ROWS = [
    Row("events.show", "GET", event("/"), EVERYONE),
    Row("events_api.events", "GET", lambda w: "/api/v1/events", EVERYONE),
    Row("events_api.event", "GET", lambda w: f"/api/v1/events/{w.event.slug}", EVERYONE),
    Row("events.create", "GET", lambda w: "/events/new", {"admin"}),
    Row("events.create", "POST", lambda w: "/events/new", {"admin"}, data=lambda w: {"title": "新活动"}),
    Row("events.desk", "GET", event("/desk"), READERS),
    Row("events.publish", "POST", event("/desk/publish"), ORGANISERS),
    Row("events.archive", "POST", event("/desk/archive"), ORGANISERS),
    Row("events.take_out", "POST", _archived, ORGANISERS),
    Row("events.settings", "GET", event("/desk/settings"), ORGANISERS),
    Row("events.settings", "POST", event("/desk/settings"), ORGANISERS, data=lambda w: {"title": "改名"}),
    Row("events.phases", "GET", event("/desk/phases"), ORGANISERS),
    Row("events.phases", "POST", event("/desk/phases"), ORGANISERS, data=lambda w: {"opens_voting": "soon"}),
    Row("events.quotas", "GET", event("/desk/quotas"), ORGANISERS),
    Row("events.quotas", "POST", event("/desk/quotas"), ORGANISERS, data=lambda w: {"department": "?"}),
    Row("events.audit", "GET", event("/audit"), READERS),
    Row("events.categories", "GET", event("/desk/categories"), ORGANISERS),
    Row("events.add_category", "POST", event("/desk/categories"), ORGANISERS, data=lambda w: {"title": "书法"}),
    Row("events.category", "GET", in_category(), ORGANISERS),
    Row("events.category", "POST", in_category(), ORGANISERS, data=lambda w: {"title": "书法"}),
    Row("events.move_category", "POST", in_category("/move"), ORGANISERS, data=lambda w: {"step": "1"}),
    Row("events.remove_category", "POST", _used_category, ORGANISERS),
    Row("events.new_field", "GET", in_category("/fields/new"), ORGANISERS),
    Row("events.new_field", "POST", in_category("/fields/new"), ORGANISERS, data=lambda w: {"label_zh": "书体"}),
    Row("events.field", "GET", in_category("/fields/note"), ORGANISERS),
    Row("events.field", "POST", in_category("/fields/note"), ORGANISERS, data=lambda w: {"label_zh": "说明"}),
    Row("events.move_field", "POST", in_category("/fields/note/move"), ORGANISERS, data=lambda w: {"step": "1"}),
    Row("events.remove_field", "POST", _field_of_archived, ORGANISERS),
    Row("events.people", "GET", event("/people"), ORGANISERS),
    Row("events.give_role", "POST", event("/people"), ORGANISERS, data=lambda w: {"username": "?", "role": "judge"}),
    Row("events.take_role", "POST", _last_organiser, ORGANISERS),
    Row("events.import_people", "GET", event("/people/import"), ORGANISERS),
    Row("events.import_people", "POST", event("/people/import"), ORGANISERS, data=lambda w: {"rows": "?"}),
    Row("events.invitations", "GET", event("/invitations"), INVITERS),
    Row("events.make_links", "POST", event("/invitations/links"), INVITERS),
]
