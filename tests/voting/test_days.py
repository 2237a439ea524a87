"""Days are the poll's days: 23, 24 or 25 hours long; opening and closing hold to the second, by Redis' clock."""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from apiflask import APIFlask
from hypothesis import given
from hypothesis import strategies as st

from concours.voting import cast
from concours.voting.booth import booth
from concours.voting.reconciliation import reconcile
from concours.voting.rules import Day, day_at, milliseconds, moment_of
from tests.voting.build import PollMaker, PollWorld, Voter, nonce

Come = Callable[[PollWorld], Voter]
HOUR = 3_600_000


def at(text: str) -> int:
    """A moment in UTC, in ms."""
    return milliseconds(datetime.fromisoformat(text).replace(tzinfo=UTC))


def test_a_day_in_beijing_begins_at_sixteen_utc() -> None:
    day = day_at(at("2021-07-08T15:59:59.999"), "Asia/Shanghai")
    assert (day.date, day.ends) == (date(2021, 7, 8), at("2021-07-08T16:00:00"))
    assert day_at(day.ends, "Asia/Shanghai").date == date(2021, 7, 9)


@pytest.mark.parametrize(
    ("moment", "zone", "day", "hours"),
    [
        ("2024-03-31T00:30:00", "Europe/Berlin", date(2024, 3, 31), 23),
        ("2024-10-27T12:00:00", "Europe/Berlin", date(2024, 10, 27), 25),
        ("2024-04-26T12:00:00", "Africa/Cairo", date(2024, 4, 26), 23),  # the clocks skip midnight itself
        ("2024-10-31T12:00:00", "Africa/Cairo", date(2024, 10, 31), 25),  # midnight comes and goes back an hour
        (
            "2024-11-03T12:00:00",
            "America/Havana",
            date(2024, 11, 3),
            25,
        ),  # 00:00 is there twice; the first begins the day
        ("2021-07-08T12:00:00", "Asia/Kathmandu", date(2021, 7, 8), 24),
    ],
)
def test_days_with_changes_of_clocks(moment: str, zone: str, day: date, hours: int) -> None:
    found = day_at(at(moment), zone)
    assert (found.date, (found.ends - found.begins) / HOUR) == (day, hours)
    assert found.begins <= at(moment) < found.ends


def test_a_day_that_never_was() -> None:
    before = day_at(at("2011-12-30T09:59:59"), "Pacific/Apia")
    after = day_at(at("2011-12-30T10:00:00"), "Pacific/Apia")
    assert (before.date, after.date) == (date(2011, 12, 29), date(2011, 12, 31))
    assert before.ends == after.begins


@given(
    st.integers(min_value=at("1995-01-01T00:00:00"), max_value=at("2035-01-01T00:00:00")),
    st.sampled_from(
        [
            "Asia/Shanghai",
            "Europe/Berlin",
            "America/St_Johns",
            "Africa/Cairo",
            "Pacific/Apia",
            "America/Havana",
            "Asia/Gaza",
        ]
    ),
)
def test_every_moment_has_one_day_and_days_follow_each_other(moment: int, zone: str) -> None:
    day = day_at(moment, zone)
    assert day.begins <= moment < day.ends
    assert day_at(day.begins, zone) == day
    assert day_at(day.ends - 1, zone) == day
    following = day_at(day.ends, zone)
    assert following.begins == day.ends
    assert following.ordinal > day.ordinal
    assert moment_of(day.ends - 1).astimezone(ZoneInfo(zone)).date() >= day.date


LENGTH = 2_000  # of a day, in ms, where the test cannot wait for midnight


def short_day(ms: int, _zone: str) -> Day:
    """Days of two seconds."""
    number = ms // LENGTH
    return Day(number % 700_000 + 1, number * LENGTH, (number + 1) * LENGTH)


@pytest.mark.usefixtures("sequencer")
def test_with_the_new_day_come_new_votes(a_poll: PollMaker, a_voter: Come, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the length of a day is replaced; the script, its clock and the ledger are the real ones."""
    monkeypatch.setattr(cast, "day_at", short_day)
    world = a_poll(per_day=1, per_candidate_day=1, total=2)
    voter = a_voter(world)
    time.sleep(LENGTH / 1000 - time.time() % (LENGTH / 1000))
    first, mine = world.candidates[0], nonce()
    assert voter.vote(first, mine).status_code == 201
    refused = voter.vote(first)
    assert refused.get_json()["code"] == "quota_used"
    assert refused.headers["Retry-After"] in {"1", "2"}
    time.sleep(LENGTH / 1000)
    assert voter.vote(first, mine).status_code == 201  # yesterday's nonce: yesterday's vote
    assert reconcile(booth(), world.id).leaves == 1
    again = voter.vote(first)
    assert again.status_code == 201
    assert again.get_json()["left"] == {"today": 0, "total": 0}
    time.sleep(LENGTH / 1000)
    assert voter.vote(first).get_json()["code"] == "quota_used"  # the poll's two
    assert reconcile(booth(), world.id).leaves == 2


@pytest.mark.usefixtures("sequencer")
def test_a_web_server_whose_clock_is_a_day_ahead_votes_today(
    app: APIFlask, a_poll: PollMaker, a_voter: Come, now: datetime
) -> None:
    world = a_poll(per_candidate_day=1)
    voter = a_voter(world)
    assert voter.vote(world.candidates[0]).status_code == 201
    booth()._days.clear()
    with time_machine.travel(now + timedelta(days=1), tick=True):
        assert voter.vote(world.candidates[0]).get_json()["code"] == "already_voted"
        answer = voter.vote(world.candidates[1])
        assert answer.status_code == 201
        today = day_at(int(time.time() * 1000) - 24 * HOUR, world.poll.zone).date
        assert answer.get_json()["receipt"]["day"] == today.isoformat()


@pytest.mark.usefixtures("sequencer")
def test_a_poll_opens_and_closes_to_the_second(a_poll: PollMaker, a_voter: Come) -> None:
    opens = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    closes = opens + timedelta(seconds=2)
    world = a_poll(opens_at=opens, closes_at=closes)
    voter = a_voter(world)
    told: list[tuple[float, str]] = []
    while time.time() < closes.timestamp() + 0.5:
        asked = time.time()
        answer = voter.vote(world.candidates[0]).get_json()
        told.append((asked, answer.get("code", "counted")))
        time.sleep(0.02)
    assert [code for _, code in dict.fromkeys((0, code) for _, code in told)] == [
        "poll_not_open",
        "counted",
        "poll_closed",
    ]
    for asked, code in told:
        if code == "poll_not_open":
            assert asked < opens.timestamp()
        if code == "counted":
            assert asked < closes.timestamp()
        if asked > closes.timestamp():
            assert code == "poll_closed"
        if opens.timestamp() <= asked < closes.timestamp() - 0.5:
            assert code == "counted"
    counted = sum(code == "counted" for _, code in told)
    assert reconcile(booth(), world.id).leaves == counted > 0
