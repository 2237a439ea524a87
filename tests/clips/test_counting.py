"""The counters are exact at any moment, whatever happens at once."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.base.db import session
from concours.base.errors import RateLimited
from concours.clips import verbs
from concours.clips.lists import calendar, streak
from concours.clips.models import Clip
from concours.clips.recount import counts, recount
from concours.identity.models import Account, Role
from concours.media.models import Asset
from concours.teams.models import Member, Team
from tests.clips.builders import asset, clip
from tests.conftest import both_databases
from tests.factories import Make

ClientAs = Callable[..., FlaskClient]


def settle(make: Make, member: Member, day: date, status: str = "ready") -> None:
    one = session().get_one(Asset, clip(make, member, day=day).asset_id)
    one.status = status
    verbs.settle(one)
    session().commit()


@both_databases
def test_of_clips_made_valid_at_the_same_time_every_one_is_counted_once(app: APIFlask, make: Make) -> None:
    event = make.event()
    team = make.team(event, make.department())
    members = [make.member(team) for _ in range(3)]
    today, dice = date(2021, 6, 9), random.Random(3)
    assets: list[int] = []
    for n in range(36):
        one = clip(make, members[n % 3], day=today - timedelta(days=dice.randrange(3)))
        file = session().get_one(Asset, one.asset_id)
        file.status = "refused" if n % 6 == 5 else "ready"
        assets.append(one.asset_id)
    session().commit()
    dice.shuffle(assets)

    def check(asset_id: int) -> None:
        with app.app_context():
            verbs.settle(session().get_one(Asset, asset_id))
            session().commit()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(check, assets * 2))  # every job runs twice
    session().expire_all()
    assert recount(event) == []
    found = counts(event)
    assert (found.valid, found.refused, found.checking) == (30, 6, 0)
    assert session().get_one(Team, team.id).clip_count == 30
    assert session().get_one(Team, team.id).active_count == 3


@both_databases
def test_of_many_clips_that_arrive_at_once_a_day_takes_its_number(app: APIFlask, make: Make) -> None:
    event = make.event(settings={"check_in": True, "clips_per_member_day": 3})
    member = make.member(make.team(event, make.department()))
    files = [asset(make, member).id for _ in range(10)]
    account_id = member.account_id

    def arrive(asset_id: int) -> bool:
        with app.app_context():
            try:
                verbs.attach(session().get_one(Asset, asset_id), session().get_one(Account, account_id), {}, make.now)
                session().commit()
            except RateLimited:
                session().rollback()
                return False
            return True

    session().commit()
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(arrive, files))
    assert sum(taken) == 3
    session().rollback()
    assert session().scalar(sa.select(sa.func.count(Clip.id))) == 3


def test_the_recount_finds_every_counter_that_is_wrong(make: Make) -> None:
    event = make.event()
    team = make.team(event, make.department())
    member = make.member(team)
    settle(make, member, date(2021, 6, 9))
    assert recount(event) == []
    session().execute(sa.update(Member).values(clip_count=7, day_count=0))
    session().execute(sa.update(Team).values(member_count=9))
    session().commit()
    found = {(d.table, d.counter, d.kept, d.found) for d in recount(event)}
    assert {
        ("member", "clip_count", 7, 1),
        ("member", "day_count", 0, 1),
        ("team", "member_count", 9, 1),
        ("team", "clip_count", 1, 7),
    } <= found
    assert recount(make.event()) == []


def test_the_counts_for_the_reconciliation(make: Make, client_as: ClientAs) -> None:
    event = make.event()
    one, two = make.team(event, make.department()), make.team(event, make.department())
    member = make.member(one)
    make.member(two)
    settle(make, member, date(2021, 6, 9))
    settle(make, member, date(2021, 6, 9), "refused")
    clip(make, member)
    told = client_as(make.with_role(event, Role.AUDITOR)).get(f"/events/{event.slug}/clips/counts.json?recount=1").json
    assert told == {
        "clips": {"checking": 1, "valid": 1, "refused": 1},
        "teams": 2, "members": 2, "active_members": 1, "departments": 2,
        "differences": [],
    }  # fmt: skip


@pytest.mark.parametrize(("ago", "length"), [([0, 1, 2], 3), ([1, 2], 2), ([2, 3], 0), ([], 0), ([0, 2], 1), ([0], 1)])
def test_a_streak_goes_on_till_the_end_of_the_next_day(ago: list[int], length: int) -> None:
    today = date(2021, 3, 1)
    assert streak({today - timedelta(days=n): 1 for n in ago}, today) == length


def test_the_calendar_covers_whole_weeks_and_marks_what_is_open() -> None:
    first, last = date(2021, 6, 9), date(2021, 6, 20)
    weeks = calendar({date(2021, 6, 9): 2}, first, last, last)
    assert [week[0].day for week in weeks] == [date(2021, 6, 7), date(2021, 6, 14)]
    cells = [cell for week in weeks for cell in week]
    assert [cell.day for cell in cells if cell.open] == [first + timedelta(days=n) for n in range(12)]
    assert {cell.day: cell.clips for cell in cells}[first] == 2
    assert [cell.day for cell in cells if cell.today] == [last]
    long = calendar({}, date(2020, 1, 1), last, last)
    assert len(long) == 26
    assert long[-1][-1].day == last
