"""Pages of clips: my check-in, a team's clips, the standings of the race; the same for programs."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify, make_response, render_template, request, url_for

from concours.base import clock
from concours.base.errors import NotFound
from concours.base.messages import msg
from concours.base.typed import number
from concours.clips import lists, standings, verbs
from concours.clips.models import Clip, ClipStatus
from concours.clips.purposes import init_purposes
from concours.clips.recount import counts, recount
from concours.clips.standings import Standing
from concours.clips.words import init_words
from concours.events.context import current_event
from concours.events.models import Event, PhaseKind
from concours.events.navigation import navigate
from concours.events.offers import offer
from concours.events.phases import phase_of
from concours.events.rules import read_settings
from concours.identity.access import PUBLIC, actor, allow
from concours.identity.models import Role
from concours.teams import scope
from concours.teams.models import Member

bp = Blueprint("clips", __name__, url_prefix="/events/<event_slug>", template_folder="templates")

BY = ("teams", "departments")


@bp.get("/clips/mine")
@allow(Role.MEMBER)
def mine() -> str:
    """My check-in: sending a clip, today's clips, the calendar. The captain may look at and send for the team."""
    event = current_event()
    verbs.require_check_in(event)
    own = lists.member_of(event, actor())
    if own is None:
        return render_template("clips/no_team.html", event=event)
    shown = _chosen(own)
    before = number(request.args.get("before"))
    now = clock.now()
    today = verbs.day_of(event, now)
    clips = lists.clips_of(shown, before=before)
    days = lists.days_of(shown)
    first, last = _span(event, today)
    return render_template(
        "clips/mine.html",
        event=event,
        own=own,
        shown=shown,
        mates=lists.team_mates(own.team) if own.team.captain_id == own.account_id else [],
        clips=clips[: lists.PAGE],
        next_before=clips[lists.PAGE - 1].id if len(clips) > lists.PAGE else None,
        before=before,
        waiting=lists.waiting(clips),
        days=days,
        streak=lists.streak(days, today),
        weeks=lists.calendar(days, first, last, today),
        today=today,
        left=max(0, verbs.left_on(shown, event, today)),
        settings=read_settings(event),
        sending=verbs.sending_is_open(event, now),
        phase=phase_of(event, PhaseKind.SUBMISSION),
        demands=verbs.demands_of(event),
        now=now,
    )


@bp.get("/clips/mine.json")
@allow(Role.MEMBER)
def mine_json() -> Response:
    """My clips, for programs and for the page while files are being looked into."""
    event = current_event()
    verbs.require_check_in(event)
    own = lists.member_of(event, actor())
    if own is None:
        raise NotFound(msg("You are in no team of this event."))
    shown = _chosen(own)
    today = verbs.day_of(event, clock.now())
    clips = lists.clips_of(shown, before=number(request.args.get("before")))
    days = lists.days_of(shown)
    return jsonify(
        {
            "member": shown.id,
            "team": shown.team_id,
            "today": today.isoformat(),
            "left_today": max(0, verbs.left_on(shown, event, today)),
            "clip_count": shown.clip_count,
            "day_count": shown.day_count,
            "streak": lists.streak(days, today),
            "clips": [_clip_out(clip) for clip in clips[: lists.PAGE]],
            "next_before": clips[lists.PAGE - 1].id if len(clips) > lists.PAGE else None,
        }
    )


@bp.get("/teams/<int:team_id>/clips")
@allow(Role.COORDINATOR, Role.ORGANISER, Role.AUDITOR, Role.MEMBER)
def team(team_id: int) -> str:
    """The clips of a team, the newest first; `member` shows one person's."""
    event = current_event()
    verbs.require_check_in(event)
    found = scope.team_to_see(actor(), event, team_id)
    member = number(request.args.get("member"))
    before = number(request.args.get("before"))
    clips = lists.clips_of_team(found, before=before, member_id=member)
    return render_template(
        "clips/team.html",
        event=event,
        team=found,
        mates=lists.team_mates(found),
        member=member,
        clips=clips[: lists.PAGE],
        next_before=clips[lists.PAGE - 1].id if len(clips) > lists.PAGE else None,
        before=before,
    )


@bp.get("/clips/standings", endpoint="standings")
@allow(PUBLIC)
def standings_page() -> Response:
    """The race, per team or (`by=departments`) per department; asked by htmx, only its table."""
    event = current_event()
    verbs.require_check_in(event)
    by, after, limit, rows = _asked(event)
    values = {
        "event": event,
        "by": by,
        "rows": rows[:limit],
        "next_after": rows[limit - 1].key if len(rows) > limit else None,
        "after": request.args.get("after") if after else None,
        "limit": limit if limit != standings.LIMIT else None,
        "best": rows[0].clips if rows else 0,
    }
    template = "clips/_standings.html" if "HX-Request" in request.headers else "clips/standings.html"
    return _unless_known(make_response(render_template(template, **values)))


@bp.get("/clips/standings.json")
@allow(PUBLIC)
def standings_json() -> Response:
    """The race for programs: [{rank, id, name, department, teams, members, active, clips, days}], with an ETag."""
    event = current_event()
    verbs.require_check_in(event)
    by, _after, limit, rows = _asked(event)
    onward = rows[limit - 1].key if len(rows) > limit else None
    url = url_for("clips.standings_json", by=by, after=onward, limit=limit) if onward else None
    return _unless_known(jsonify({"by": by, "standings": [asdict(s) for s in rows[:limit]], "next_url": url}))


@bp.get("/clips/counts.json")
@allow(Role.ORGANISER, Role.AUDITOR)
def counts_json() -> Response:
    """How many clips, teams, members and departments there are; with `recount=1` also every counter that is wrong."""
    event = current_event()
    found = asdict(counts(event))
    clips = {status.value: found.pop(status.value) for status in ClipStatus}
    out: dict[str, Any] = {"clips": clips, **found}
    if request.args.get("recount") == "1":
        out["differences"] = [asdict(difference) for difference in recount(event)]
    return jsonify(out)


def _chosen(own: Member) -> Member:
    """The member whose clips are looked at: oneself, or, for a captain, whom `member` names in the team."""
    named = number(request.args.get("member"))
    if named is None or named == own.id:
        return own
    found = next((m for m in lists.team_mates(own.team) if m.id == named), None)
    if found is None or own.team.captain_id != own.account_id:
        raise NotFound(msg("Only the captain sees the check-in of the others, and only of the own team."))
    return found


def _span(event: Event, today: date) -> tuple[date, date]:
    """The days of the submission phase, up to today."""
    phase = phase_of(event, PhaseKind.SUBMISSION)
    if phase is None:
        return today, today
    first, last = verbs.day_of(event, phase.opens_at), verbs.day_of(event, phase.closes_at)
    return min(first, today), max(min(last, today), min(first, today))


def _clip_out(clip: Clip) -> dict[str, Any]:
    asset = clip.asset
    helpers: dict[str, Any] = dict(current_app.jinja_env.globals)  # the media room's names for pages
    ready = clip.status == ClipStatus.VALID
    return {
        "id": clip.id,
        "asset": asset.id,
        "day": clip.day.isoformat(),
        "status": clip.status,
        "created_at": clip.created_at.isoformat(),
        "seconds": asset.duration,
        "size": asset.size,
        "refusal": helpers["media_refusal"](asset) if clip.status == ClipStatus.REFUSED else None,
        "poster": helpers["media_urls"](asset).poster or None if ready else None,
    }


def _asked(event: Event) -> tuple[str, tuple[int, int] | None, int, Sequence[Standing]]:
    by = request.args.get("by", BY[0])
    by = by if by in BY else BY[0]
    after = standings.read_key(request.args.get("after", ""))
    limit = min(max(1, number(request.args.get("limit")) or standings.LIMIT), standings.LIMIT_GREATEST)
    read = standings.of_teams if by == BY[0] else standings.of_departments
    return by, after, limit, read(event, after=after, limit=limit)


def _unless_known(response: Response) -> Response:
    """Answers 304 to whoever has exactly this already."""
    response.add_etag(weak=True)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Cookie, Accept-Language, HX-Request"
    found = response.make_conditional(request)
    assert isinstance(found, Response)
    return found


def init_app(app: Flask, csrf: Any) -> None:  # noqa: ARG001
    """Registers the room's routes, its purpose of files and its places in the event's navigation."""
    init_purposes()
    init_words(app)
    app.register_blueprint(bp)
    navigate("clips.mine", msg("My check-in"), order=14, who={Role.MEMBER}, when=verbs.has_check_in)
    offer(
        "clips.mine",
        msg("Check in today"),
        phase=PhaseKind.SUBMISSION,
        who={Role.MEMBER},
        order=5,
        fits=verbs.has_check_in,
    )
    navigate("clips.standings", msg("Check-in race"), order=24, who={PUBLIC}, when=verbs.has_check_in)
