"""Sending clips: who may, when, how many a day; what becomes of one; and the counters, exact at any moment.

A clip belongs to the day (in the event's zone) on which its upload began, however long it travelled. The day's limit is
held where the clip comes into being, with the member's row locked; what was refused does not count.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import joinedload

from concours.base.clock import from_local, in_zone
from concours.base.db import session
from concours.base.errors import Closed, NotFound, RateLimited
from concours.base.messages import msg
from concours.clips.models import Clip, ClipDay, ClipStatus
from concours.events.models import Event, EventStatus, PhaseKind
from concours.events.phases import is_open, require_open
from concours.events.rules import read_settings
from concours.identity.models import Account
from concours.media.models import Asset, AssetStatus, Upload
from concours.media.purposes import VIDEO_FORMATS, Demands
from concours.teams.models import Member, Team
from concours.teams.scope import covers, sees

MAX_BYTES = 200 * 1024 * 1024
POSTER_WIDTH = 400  # pixels
COUNTING = (ClipStatus.CHECKING, ClipStatus.VALID)


@dataclass(frozen=True)
class Counted:
    """A clip that has just become valid."""

    member_id: int
    team_id: int
    day: date


def day_of(event: Event, moment: datetime) -> date:
    """The day on which `moment` is in the event's zone."""
    return in_zone(moment, event.zone).date()


def demands_of(event: Event) -> Demands:
    """What a clip must satisfy. Only its people watch it, so no public copy is made; a small poster is enough."""
    settings = read_settings(event)
    return Demands(
        formats=VIDEO_FORMATS,
        max_bytes=MAX_BYTES,
        min_seconds=settings.clip_min_seconds,
        max_seconds=settings.clip_max_seconds,
        renditions=(POSTER_WIDTH,),
        playback=False,
    )


def has_check_in(event: Event) -> bool:
    """Whether members send clips in this event."""
    return read_settings(event).check_in


def sending_is_open(event: Event, now: datetime) -> bool:
    """Whether clips are taken at `now`."""
    return has_check_in(event) and event.status != EventStatus.ARCHIVED and is_open(event, PhaseKind.SUBMISSION, now)


def require_sending(event: Event, now: datetime) -> None:
    """Raises NotFound in an event without check-in, Closed outside its submission phase."""
    require_check_in(event)
    if event.status == EventStatus.ARCHIVED:
        raise Closed(msg("This event is archived: it takes no more clips."), code="event_archived")
    require_open(event, PhaseKind.SUBMISSION, now)


def require_check_in(event: Event) -> None:
    """Raises NotFound in an event without check-in."""
    if not has_check_in(event):
        raise NotFound(msg("There is no check-in with clips in this event."))


def member_to_send_for(account: Account, member_id: int, details: Mapping[str, str]) -> Member:
    """The member a clip is for: oneself, or, for the captain, anybody of the team; raises NotFound otherwise.

    The detail `member`, a number, names another member than the upload's own `purpose_id`.
    """
    named = details.get("member", "")
    if named and named.isascii() and named.isdigit() and len(named) < 19:
        member_id = int(named)
    member = session().scalar(sa.select(Member).options(joinedload(Member.team)).where(Member.id == member_id))
    if member is None or account.id not in {member.account_id, member.team.captain_id}:
        raise NotFound(
            msg("You can send clips for yourself, and as a captain for your team."),
            hint=msg("Open your check-in page anew and choose the file there."),
        )
    return member


def authorise(account: Account, member_id: int, details: Mapping[str, str], now: datetime) -> Demands:
    """Whether an upload may begin (or be finished) at `now`; what its content must satisfy.

    Raises NotFound, Closed, or RateLimited where the day is full.
    """
    member = member_to_send_for(account, member_id, details)
    event = session().get_one(Event, member.event_id)
    require_sending(event, now)
    if left_on(member, event, day_of(event, now)) <= 0:
        raise _day_is_full(event, day_of(event, now))
    return demands_of(event)


def left_on(member: Member, event: Event, day: date) -> int:
    """How many clips of the member the day still takes."""
    sent = session().scalar(
        sa.select(sa.func.count()).where(Clip.member_id == member.id, Clip.day == day, Clip.status.in_(COUNTING))
    )
    return read_settings(event).clips_per_member_day - (sent or 0)


def attach(asset: Asset, account: Account, details: Mapping[str, str], now: datetime) -> Clip:
    """The clip of an upload that has arrived. Raises RateLimited where another one took the day's last place."""
    member = member_to_send_for(account, asset.purpose_id, details)
    session().execute(sa.select(Member.id).where(Member.id == member.id).with_for_update(key_share=True))
    event = session().get_one(Event, member.event_id)
    began = session().scalar(sa.select(Upload.created_at).where(Upload.asset_id == asset.id)) or now
    day = day_of(event, began)
    if left_on(member, event, day) <= 0:
        raise _day_is_full(event, day)
    clip = Clip(
        event_id=event.id,
        team_id=member.team_id,
        member_id=member.id,
        asset_id=asset.id,
        day=day,
        status=ClipStatus.CHECKING,
        created_at=now,
    )
    session().add(clip)
    session().flush()
    return clip


def settle(asset: Asset) -> Counted | None:
    """The clip's file has been looked into: it is valid and counted, or refused. Again: nothing changes.

    Returns what was counted, or None.
    """
    status = ClipStatus.VALID if asset.status == AssetStatus.READY else ClipStatus.REFUSED
    found = (
        session()
        .execute(
            sa.update(Clip)
            .where(Clip.asset_id == asset.id, Clip.status == ClipStatus.CHECKING)
            .values(status=status)
            .returning(Clip.member_id, Clip.team_id, Clip.day)
            .execution_options(synchronize_session=False)
        )
        .one_or_none()
    )
    if found is None or status != ClipStatus.VALID:
        return None
    counted = Counted(*found)
    _count(counted)
    return counted


def _count(clip: Counted) -> None:
    """Raises all counters by one clip, always in this order of rows: day, member, team."""
    insert = postgresql.insert if session().get_bind().dialect.name == "postgresql" else sqlite.insert
    day = insert(ClipDay).values(member_id=clip.member_id, day=clip.day, clips=1)
    of_day = session().scalar(
        day.on_conflict_do_update(
            index_elements=[ClipDay.member_id, ClipDay.day], set_={"clips": ClipDay.clips + 1}
        ).returning(ClipDay.clips)
    )
    new_day = 1 if of_day == 1 else 0
    of_member = session().scalar(
        sa.update(Member)
        .where(Member.id == clip.member_id)
        .values(clip_count=Member.clip_count + 1, day_count=Member.day_count + new_day)
        .returning(Member.clip_count)
        .execution_options(synchronize_session=False)
    )
    first = 1 if of_member == 1 else 0
    session().execute(
        sa.update(Team)
        .where(Team.id == clip.team_id)
        .values(
            clip_count=Team.clip_count + 1,
            day_count=Team.day_count + new_day,
            active_count=Team.active_count + first,
        )
        .execution_options(synchronize_session=False)
    )


def may_watch(account: Account, clip: Clip) -> bool:
    """Whether the account may see the clip itself: its member, the team, and those who see the department's teams."""
    team = session().get_one(Team, clip.team_id)
    mine = sa.select(Member.id).where(Member.team_id == clip.team_id, Member.account_id == account.id)
    if session().scalar(mine) is not None:
        return True
    return covers(sees(account, session().get_one(Event, clip.event_id)), team.department_id)


def _day_is_full(event: Event, day: date) -> RateLimited:
    limit = read_settings(event).clips_per_member_day
    tomorrow = from_local(datetime.combine(day + timedelta(days=1), time()), event.zone)
    return RateLimited(
        msg("All clips of this day are sent already: at most %(limit)s a day count.", limit=limit),
        hint=msg(
            "The next one can be sent tomorrow (%(time)s).",
            time=in_zone(tomorrow, event.zone).strftime("%Y-%m-%d %H:%M"),
        ),
        code="clips_of_day",
    )
