"""What leaves the jury on paper and in tables: the protocol as PDF, every entry with its figures as XLSX."""

from datetime import datetime

from flask import Blueprint, current_app, request
from werkzeug.wrappers import Response

from concours.base import clock, tables
from concours.base.messages import Message
from concours.base.typeset import pdf
from concours.events.context import current_event
from concours.identity.access import allow
from concours.identity.models import Role
from concours.jury.desk_routes import rules_of
from concours.jury.lookup import find_round, require
from concours.jury.models import Round, RoundStatus
from concours.jury.pages import ROUND, language, told
from concours.jury.protocol import HEADINGS, read_protocol, table_rows
from concours.jury.protocol_document import Telling, acts_of, document, rules_in_terms
from concours.jury.shortlist import outcome

bp = Blueprint("jury_protocol", __name__, url_prefix="/events/<event_slug>/jury/rounds")


@bp.get(f"/{ROUND}/protocol.pdf")
@allow(Role.ORGANISER, Role.AUDITOR)
def protocol_pdf(round_id: int) -> Response:
    """The protocol to print and sign, in the reader's language."""
    event, now = current_event(), clock.now()
    found = _ended(round_id)
    tell = _telling()
    rules = rules_in_terms(found, rules_of(found), tell)
    made = document(event, found, read_protocol(event, found), rules, acts_of(found), tell, now)
    return _file(pdf(made, at=now), "application/pdf", f"protocol-{event.slug}-{found.position}.pdf")


@bp.get(f"/{ROUND}/results.xlsx")
@allow(Role.ORGANISER, Role.AUDITOR)
def results_xlsx(round_id: int) -> Response:
    """All entries of the round with their figures, as a workbook."""
    event = current_event()
    found = _ended(round_id)
    rows = table_rows(outcome(event, found))
    content = tables.table("xlsx", found.title, [told(heading) for heading in HEADINGS], rows)
    return _file(content, tables.CONTENT_TYPES["xlsx"], f"results-{event.slug}-{found.position}.xlsx")


def _ended(round_id: int) -> Round:
    found = find_round(current_event().id, round_id)
    require(found, RoundStatus.CLOSED, RoundStatus.SELECTED)
    return found


def _telling() -> Telling:
    filters = current_app.jinja_env.filters

    def said(message: Message) -> str:
        return told(message)

    def moment(value: datetime | None) -> str:
        return str(filters["moment"](value)) if value is not None else "–"

    return Telling(language(), said, moment, lambda value: str(filters["number"](value)))


def _file(content: bytes, kind: str, name: str) -> Response:
    answer = current_app.response_class(content, mimetype=kind)
    inline = kind == "application/pdf" and "download" not in request.args
    answer.headers.set("Content-Disposition", "inline" if inline else "attachment", filename=name)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
