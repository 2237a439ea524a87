"""Remarks over HTTP: a judge's, as JSON beside the marks; the organiser's page of flags, notes and comments."""

from collections.abc import Sequence
from typing import Annotated, Any

from apiflask import APIBlueprint
from flask import Blueprint, Response, jsonify, render_template, request, url_for
from pydantic import BaseModel, ConfigDict, StrictStr, StringConstraints, ValidationError
from werkzeug.wrappers import Response as Answered

from concours.base import clock, typed
from concours.base.db import session
from concours.base.errors import Conflict, DomainError, Invalid, NotFound, TooLarge
from concours.base.messages import msg
from concours.base.notices import notify
from concours.events.context import current_event
from concours.identity.access import actor, allow, my_roles
from concours.identity.models import Role
from concours.jury import forms, limits, remarks
from concours.jury.light_table import seat, works
from concours.jury.lookup import find_round
from concours.jury.models import FLAGS, RemarkKind, Round
from concours.jury.pages import ROUND, address, language, onward, refused, told
from concours.jury.words import HANDLED_NAMES, REMARK_NAMES

bp = Blueprint("jury_remarks", __name__, url_prefix="/events/<event_slug>/jury/rounds", template_folder="templates")
plain = Blueprint("jury_plain_remarks", __name__, url_prefix="/events/<event_slug>/jury", template_folder="templates")
api = APIBlueprint("jury_remarks_api", __name__, url_prefix="/events/<event_slug>/jury")

LISTS: dict[str, tuple[str, ...]] = {
    "flags": tuple(sorted(FLAGS)),
    "notes": (RemarkKind.NOTE,),
    "comments": (RemarkKind.COMMENT,),
}
_REMARK = "<int(max=9223372036854775807):remark_id>"

Name = Annotated[StrictStr, StringConstraints(min_length=1)]


class RemarkIn(BaseModel):
    """One remark: `kind` is copy, rule, discuss, note, own or comment; `text` null takes it back.

    A flag (copy, rule, discuss) does with the text "".
    """

    model_config = ConfigDict(extra="ignore")

    token: Annotated[Name, StringConstraints(max_length=limits.TOKEN_CHARACTERS)]
    client_id: Annotated[Name, StringConstraints(max_length=limits.CLIENT_ID_CHARACTERS)]
    kind: Annotated[Name, StringConstraints(max_length=8)]
    text: Annotated[StrictStr, StringConstraints(max_length=4 * limits.REMARK_CHARACTERS)] | None


@api.post(f"/{ROUND}/remarks")
@allow(Role.JUDGE)
@api.doc(summary="Save, change or take back up to 200 remarks in their order", tags=["Jury"])
def give_remarks(round_id: int) -> Response:
    """A list of remarks → {"results": [{token, client_id, saved, code, message}]}: each stands or is refused alone."""
    body = request.get_json(silent=True)
    items = body if isinstance(body, list) else [body]
    if not items or len(items) > limits.REMARKS_AT_ONCE:
        raise TooLarge(msg("Send from 1 to %(limit)s remarks at once.", limit=limits.REMARKS_AT_ONCE))
    read = [_read(item) for item in items]
    said = [item for item in read if isinstance(item, remarks.Said)]
    answers = iter(remarks.give(current_event(), round_id, said, actor=actor(), now=clock.now()))
    session().commit()
    results = []
    for item, one in zip(items, read, strict=True):
        refusal: DomainError | None = one if isinstance(one, Invalid) else next(answers).refusal
        named = item if isinstance(item, dict) else {}
        fate = {"token": named.get("token"), "client_id": named.get("client_id"), "saved": refusal is None}
        if refusal is not None:
            fate |= {"code": refusal.code, "message": told(refusal.message)}
            fate |= {"hint": told(refusal.hint)} if refusal.hint is not None else {}
        results.append(fate)
    return jsonify({"results": results})


def _read(item: Any) -> remarks.Said | Invalid:
    try:
        said = RemarkIn.model_validate(item)
    except ValidationError:
        sentence = msg(
            "A remark needs a token, a client_id, a kind and a text of at most %(limit)s characters.",
            limit=limits.REMARK_CHARACTERS,
        )
        return Invalid(sentence, code="bad_remark")
    return remarks.Said(said.token, said.client_id, said.kind, said.text)


@plain.get(f"/{ROUND}/table/remarks")
@allow(Role.JUDGE)
def remark_form(round_id: int) -> str:
    """What the judge says besides the mark of one work (`at`: its position), without script."""
    return _form(seat(current_event().id, round_id, actor()))


@plain.post(f"/{ROUND}/table/remarks")
@allow(Role.JUDGE)
def keep_remarks(round_id: int) -> Answered:
    """Keeps all kinds at once: `token`, `at`, flags that are ticked, texts; what is empty is taken back."""
    event, judge = current_event(), actor()
    token = request.form.get("token", "")[: limits.TOKEN_CHARACTERS]
    said = []
    for kind in RemarkKind:
        text = request.form.get(kind)
        given = ("" if text is not None else None) if kind in FLAGS else (typed.paragraphs(text or "") or None)
        said.append(remarks.Said(token, "form", kind, given))
    answers = remarks.give(event, round_id, said, actor=judge, now=clock.now())
    refusal = next((answer.refusal for answer in answers if answer.refusal is not None), None)
    if refusal is not None:
        return refused(refusal, lambda why: _form(seat(event.id, round_id, judge), why))
    session().commit()
    notify(msg("Saved."))
    return onward(url_for("jury_table.plain", round_id=round_id, at=forms.whole(request.form.get("at"))))


def _form(found: Round, reason: DomainError | None = None) -> str:
    at = forms.whole(request.values.get("at"))
    listed, _ = works(found, actor(), address=address, language=language(), after=max(0, at - 1), limit=1)
    if not listed:
        raise NotFound(msg("This work is not among yours."), hint=msg("Reload the light table to see your works."))
    (work,) = listed
    return render_template(
        "jury/plain_remarks.html",
        round=found,
        work=work,
        said=request.form if reason is not None else work["remarks"],
        token=request.form.get("token", work["token"]),
        flags=sorted(FLAGS),
        texts=(RemarkKind.NOTE, RemarkKind.OWN, RemarkKind.COMMENT),
        names=REMARK_NAMES,
        reason=reason,
        limits=limits,
    )


@bp.get(f"/{ROUND}/remarks")
@allow(Role.ORGANISER, Role.AUDITOR)
def remarks_page(round_id: int) -> str:
    """Flags, notes and comments of a round (`list`), 50 on a page (`after`)."""
    return _page(find_round(current_event().id, round_id))


@bp.post(f"/{ROUND}/remarks/{_REMARK}")
@allow(Role.ORGANISER)
def handle_remark(round_id: int, remark_id: int) -> Answered:
    """What becomes of a remark: `handled` is seen, released or withheld; `answer` for the organisers' own record."""
    event = current_event()
    handled, answer = request.form.get("handled", ""), request.form.get("answer", "")
    try:
        remarks.handle(event, round_id, remark_id, handled, answer, actor=actor(), now=clock.now())
    except (Invalid, Conflict) as reason:
        return refused(reason, lambda why: _page(find_round(event.id, round_id), why, remark_id))
    session().commit()
    notify(msg("Saved."))
    after = forms.whole(request.values.get("after")) or None
    page = url_for("jury_remarks.remarks_page", round_id=round_id, list=_wanted(), after=after)
    return onward(f"{page}#remark-{remark_id}")


def _wanted() -> str:
    wanted = request.values.get("list", "")
    return wanted if wanted in LISTS else "flags"


def _page(found: Round, reason: DomainError | None = None, at: int = 0) -> str:
    wanted = _wanted()
    after = forms.whole(request.values.get("after"))
    rows = remarks.listed(found, kinds=LISTS[wanted], after=after, limit=limits.REMARKS_PAGE + 1)
    shown = rows[: limits.REMARKS_PAGE]
    counts = remarks.waiting(found)
    return render_template(
        "jury/remarks.html",
        round=found,
        wanted=wanted,
        rows=shown,
        names=remarks.names(shown),
        following=shown[-1].id if len(rows) > len(shown) else None,
        after=after,
        counts={name: _sum(counts, kinds) for name, kinds in LISTS.items()},
        kind_names=REMARK_NAMES,
        handled_names=HANDLED_NAMES,
        choices={kind: sorted(named) for kind, named in remarks.HANDLED_BY_KIND.items()},
        may_act=actor().is_admin or Role.ORGANISER in my_roles(),
        reason=reason,
        at=at,
        typed=request.form,
        limits=limits,
    )


def _sum(counts: dict[str, tuple[int, int]], kinds: Sequence[str]) -> tuple[int, int]:
    found = [counts.get(kind, (0, 0)) for kind in kinds]
    return sum(count for count, _ in found), sum(unhandled for _, unhandled in found)
