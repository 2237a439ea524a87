"""The organiser's page of a discussion: what earlier rounds say of each entry, and the show of hands."""

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from concours.base import clock
from concours.base.db import session
from concours.base.errors import DomainError, Invalid
from concours.base.messages import msg
from concours.base.notices import notify
from concours.events.context import current_event
from concours.events.models import PhaseKind
from concours.events.phases import is_open
from concours.identity.access import actor, allow, my_roles
from concours.identity.models import Role
from concours.jury import forms, hands, limits
from concours.jury.kinds import discussion
from concours.jury.lookup import find_round, require
from concours.jury.marks import require_kind
from concours.jury.models import Round, RoundKind, RoundStatus
from concours.jury.pages import ROUND, onward, refused
from concours.jury.words import REMARK_NAMES

bp = Blueprint("jury_discussion", __name__, url_prefix="/events/<event_slug>/jury/rounds", template_folder="templates")
_ENTRY = "<int(max=9223372036854775807):entry_id>"


@bp.get(f"/{ROUND}/discussion")
@allow(Role.ORGANISER, Role.AUDITOR)
def discussion_page(round_id: int) -> str:
    """The entries under discussion (`after`: from behind this one)."""
    found = find_round(current_event().id, round_id)
    require_kind(found, RoundKind.DISCUSSION)
    require(found, RoundStatus.OPEN, RoundStatus.CLOSED, RoundStatus.SELECTED)
    return _page(found)


@bp.post(f"/{ROUND}/discussion/{_ENTRY}")
@allow(Role.ORGANISER)
def show_hands(round_id: int, entry_id: int) -> Response:
    """Records a show of hands: `in_favour`, `against`, `abstaining` (empty: 0), `note`."""
    event = current_event()
    in_favour, against, abstaining = (_count(request.form.get(name, "")) for name in _COUNTS)
    counted = hands.Hands(in_favour, against, abstaining, request.form.get("note", ""))
    try:
        hands.show(event, round_id, entry_id, counted, actor=actor(), now=clock.now())
    except Invalid as reason:
        return refused(reason, lambda why: _page(find_round(event.id, round_id), entry_id, why))
    session().commit()
    notify(msg("The show of hands is recorded."))
    after = forms.whole(request.form.get("after"))
    address = url_for("jury_discussion.discussion_page", round_id=round_id, after=after or None)
    return onward(f"{address}#entry-{entry_id}")


_COUNTS = ("in_favour", "against", "abstaining")


def _count(text: str) -> int:
    return forms.whole(text, -1) if text.strip() else 0


def _page(found: Round, wrong_at: int | None = None, wrong: DomainError | None = None) -> str:
    after = max(0, forms.whole(request.values.get("after")))
    listed, following = hands.discussed(found, after=after, limit=limits.DISCUSSION_PAGE)
    entries, decided = discussion.counts(found)
    may_act = actor().is_admin or Role.ORGANISER in my_roles()
    return render_template(
        "jury/discussion.html",
        round=found,
        listed=listed,
        after=after,
        following=following,
        entries=entries,
        decided=decided,
        share=discussion.share,
        flags=REMARK_NAMES,
        may_record=may_act
        and found.status == RoundStatus.OPEN
        and is_open(current_event(), PhaseKind.JUDGING, clock.now()),
        wrong_at=wrong_at,
        errors=wrong.by_field() if isinstance(wrong, Invalid) else {},
        typed=request.form,
        limits=limits,
    )
