"""The organiser's pages of a jury: rounds, panels, opening, closing."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from concours.base import clock
from concours.base.db import session
from concours.base.errors import Conflict, DomainError, Invalid
from concours.base.messages import msg, nmsg
from concours.base.notices import notify
from concours.events.context import current_event
from concours.identity.access import actor, allow, my_roles
from concours.identity.models import Role
from concours.jury import closing, forms, panel, reopening, rounds
from concours.jury.distribution import Outcome
from concours.jury.lookup import find_round, panel_of, require, rounds_of
from concours.jury.models import Round, RoundStatus
from concours.jury.opening import CannotShareOut, open_round
from concours.jury.pages import ROUND, onward, refused
from concours.jury.progress import progress, stepped_aside
from concours.jury.rounds import quotas_of, ties_of
from concours.jury.scoring import Missing
from concours.jury.selection import CHAINS, lottery_seed
from concours.jury.sources import newcomers
from concours.jury.words import KIND_NAMES, MISSING_NAMES, chain_name

bp = Blueprint("jury", __name__, url_prefix="/events/<event_slug>/jury/rounds", template_folder="templates")


@bp.get("")
@allow(Role.ORGANISER, Role.AUDITOR)
def rounds_page() -> str:
    """All rounds of the event."""
    listed = rounds_of(current_event().id)
    return render_template("jury/rounds.html", rounds=listed, kinds=KIND_NAMES, may_act=may_act())


@bp.get("/new")
@allow(Role.ORGANISER)
def new_round() -> str:
    """The form of a new round."""
    return _form_page(forms.blank_round(), None)


@bp.post("")
@allow(Role.ORGANISER)
def create_round() -> Response:
    """Creates a round and leads to its page."""
    event = current_event()
    try:
        made = rounds.create(event, forms.read_round(request.form, event), actor=actor(), now=clock.now())
    except (Invalid, Conflict) as reason:
        return refused(reason, lambda why: _form_page(forms.typed_round(request.form), None, why))
    session().commit()
    notify(msg("The round “%(round)s” is prepared. Now choose its judges.", round=made.title))
    return onward(url_for("jury.round_page", round_id=made.id))


@bp.get(f"/{ROUND}/edit")
@allow(Role.ORGANISER)
def edit_round(round_id: int) -> str:
    """The form of a round that is being prepared."""
    found = find_round(current_event().id, round_id)
    require(found, RoundStatus.DRAFT)
    return _form_page(forms.stored_round(found), found)


@bp.post(f"/{ROUND}/edit")
@allow(Role.ORGANISER)
def change_round(round_id: int) -> Response:
    """Changes a round that is being prepared."""
    event = current_event()
    try:
        rounds.change(event, round_id, forms.read_round(request.form, event), actor=actor(), now=clock.now())
    except Invalid as reason:
        found = find_round(event.id, round_id)
        return refused(reason, lambda why: _form_page(forms.typed_round(request.form), found, why))
    session().commit()
    notify(msg("Saved."))
    return onward(url_for("jury.round_page", round_id=round_id))


@bp.post(f"/{ROUND}/delete")
@allow(Role.ORGANISER)
def delete_round(round_id: int) -> Response:
    """Deletes a round that is being prepared."""
    rounds.delete(current_event(), round_id, actor=actor(), now=clock.now())
    session().commit()
    notify(msg("The round is deleted."), "info")
    return onward(url_for("jury.rounds_page"))


@bp.get(f"/{ROUND}")
@allow(Role.ORGANISER, Role.AUDITOR)
def round_page(round_id: int) -> str:
    """Where a round stands: its rules, panel and progress, and what can be done next."""
    return _round_page(find_round(current_event().id, round_id))


@bp.post(f"/{ROUND}/panel")
@allow(Role.ORGANISER)
def add_judges(round_id: int) -> Response:
    """Puts judges on the panel (`judges`, repeated: numbers of accounts)."""
    event = current_event()
    numbers = {forms.whole(value, -1) for value in request.form.getlist("judges")}
    try:
        outcome = panel.add_judges(event, round_id, numbers, actor=actor(), now=clock.now())
    except Invalid as reason:
        found = find_round(event.id, round_id)
        return refused(reason, lambda why: _round_page(found, why))
    session().commit()
    notify(nmsg("One judge is on the panel now.", "%(count)s judges came onto the panel.", len(numbers)))
    _tell(outcome)
    return onward(url_for("jury.round_page", round_id=round_id))


@bp.post(f"/{ROUND}/panel/<int(max=9223372036854775807):account_id>/drop")
@allow(Role.ORGANISER)
def drop_judge(round_id: int, account_id: int) -> Response:
    """Takes a judge off the panel."""
    outcome = panel.drop_judge(current_event(), round_id, account_id, actor=actor(), now=clock.now())
    session().commit()
    notify(msg("The judge is off the panel. Marks given so far count."))
    _tell(outcome)
    return onward(url_for("jury.round_page", round_id=round_id))


@bp.post(f"/{ROUND}/reviews")
@allow(Role.ORGANISER)
def change_reviews(round_id: int) -> Response:
    """Asks for another number of reviews per entry (`reviews`) while the round is open."""
    event = current_event()
    reviews = forms.whole(request.form.get("reviews"))
    try:
        outcome = panel.change_reviews(event, round_id, reviews, actor=actor(), now=clock.now())
    except Invalid as reason:
        found = find_round(event.id, round_id)
        return refused(reason, lambda why: _round_page(found, why))
    session().commit()
    notify(msg("Each entry now gets %(count)s reviews.", count=reviews))
    _tell(outcome)
    return onward(url_for("jury.round_page", round_id=round_id))


@bp.post(f"/{ROUND}/newcomers")
@allow(Role.ORGANISER)
def include_newcomers(round_id: int) -> Response:
    """Takes entries accepted since the opening into the round."""
    count = panel.include_newcomers(current_event(), round_id, actor=actor(), now=clock.now())
    session().commit()
    notify(nmsg("One entry came into the round.", "%(count)s entries came into the round.", count))
    return onward(url_for("jury.round_page", round_id=round_id))


@bp.post(f"/{ROUND}/open")
@allow(Role.ORGANISER)
def open_it(round_id: int) -> Response:
    """Opens the round; `anyway=1` accepts a plan that falls short of what is asked."""
    event = current_event()
    anyway = request.form.get("anyway") == "1"
    try:
        made = open_round(event, round_id, actor=actor(), now=clock.now(), anyway=anyway)
    except CannotShareOut as reason:
        found = find_round(event.id, round_id)
        return refused(reason, lambda why: _round_page(found, why))
    session().commit()
    if not made.pairs:
        notify(msg("The round is open: the jury can discuss. Record the show of hands for each entry."))
        return onward(url_for("jury_discussion.discussion_page", round_id=round_id))
    notify(
        msg(
            "The round is open: %(reviews)s reviews by %(judges)s judges, %(least)s to %(most)s each.",
            reviews=len(made.pairs),
            judges=len(made.loads),
            least=min(made.loads.values()),
            most=max(made.loads.values()),
        )
    )
    return onward(url_for("jury.round_page", round_id=round_id))


@bp.post(f"/{ROUND}/close")
@allow(Role.ORGANISER)
def close_it(round_id: int) -> Response:
    """Closes the round to marks; `missing` states the rule for missing ones (available, lowest, exclude)."""
    event = current_event()
    try:
        closing.close(event, round_id, request.form.get("missing", ""), actor=actor(), now=clock.now())
    except Invalid as reason:
        found = find_round(event.id, round_id)
        return refused(reason, lambda why: _round_page(found, why))
    session().commit()
    notify(msg("The round is closed. Look at the results and select."))
    return onward(url_for("jury_results.results_page", round_id=round_id))


@bp.post(f"/{ROUND}/reopen")
@allow(Role.ORGANISER)
def reopen_it(round_id: int) -> Response:
    """Opens a closed round to marks again."""
    reopening.reopen(current_event(), round_id, actor=actor(), now=clock.now())
    session().commit()
    notify(msg("The round is open again."))
    return onward(url_for("jury.round_page", round_id=round_id))


def may_act() -> bool:
    """Whether the visitor may do more than look (an auditor may not)."""
    return actor().is_admin or Role.ORGANISER in my_roles()


def rules_of(found: Round) -> dict[str, Any]:
    """What the pages say of a round's rules."""
    event = current_event()
    titles = {category.id: category.title for category in event.categories}
    source = found.input.get("round")
    names = {other.id: other.title for other in rounds_of(event.id)} if source is not None else {}
    chosen = [titles[number] for number in found.input.get("categories") or [] if number in titles]
    return {
        "kind": KIND_NAMES[found.kind],
        "source": names.get(source) if source is not None else None,
        "categories": chosen or list(titles.values()),
        "ties": chain_name(ties_of(found)),
        "quotas": [(titles.get(number, "?"), quota) for number, quota in quotas_of(found).items()],
        "missing": MISSING_NAMES[found.rule["missing"]] if "missing" in found.rule else None,
        "lottery_seed": lottery_seed(found.seed) if found.seed else None,
    }


def _round_page(found: Round, wrong: DomainError | None = None) -> str:
    event = current_event()
    members = panel_of(found)
    seated = {member.account_id for member in members if member.dropped_at is None}
    is_open = found.status == RoundStatus.OPEN
    return render_template(
        "jury/round.html",
        round=found,
        rules=rules_of(found),
        members=members,
        free=[judge for judge in panel.eligible(event) if judge.id not in seated],
        progress=progress(found) if found.status != RoundStatus.DRAFT else None,
        aside=stepped_aside(found) if found.status != RoundStatus.DRAFT else (),
        newcomers=len(newcomers(found)) if is_open else 0,
        missing_rules={rule: MISSING_NAMES[rule] for rule in Missing if rule is not Missing.NONE},
        faults=wrong.faults if isinstance(wrong, CannotShareOut) else (),
        errors=wrong.by_field() if isinstance(wrong, Invalid) else {},
        typed=request.form,
        may_act=may_act(),
    )


def _form_page(typed: dict[str, Any], found: Round | None, wrong: DomainError | None = None) -> str:
    event = current_event()
    others = [other for other in rounds_of(event.id) if found is None or other.id != found.id]
    return render_template(
        "jury/round_form.html",
        round=found,
        typed=typed,
        event=event,
        others=others,
        kinds=dict(KIND_NAMES),
        chains={forms.joined(chain): chain_name(chain) for chain in CHAINS},
        criteria=forms.rows(),
        errors=wrong.by_field() if isinstance(wrong, Invalid) else {},
        sentence=wrong.message if isinstance(wrong, Conflict) else None,
    )


def _tell(outcome: Outcome) -> None:
    """Says what a redistribution moved, and what nobody is left for."""
    if outcome.given or outcome.taken:
        notify(
            msg(
                "%(given)s reviews were given out anew, %(taken)s taken back; no mark was touched.",
                given=outcome.given,
                taken=outcome.taken,
            ),
            "info",
        )
    if outcome.plan.missing:
        notify(
            nmsg(
                "For one review no judge free of conflict is left. Add judges, or close the round with a rule for it.",
                "For %(count)s reviews no judge free of conflict is left."
                " Add judges, or close the round with a rule for them.",
                outcome.plan.missing,
            ),
            "warning",
        )
