"""A phase is open from its opening to its close, to the second, by the server's clock."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask.testing import FlaskClient

from concours.base.db import session
from concours.base.errors import Closed
from concours.events.models import Event, Phase, PhaseKind
from concours.events.phases import is_open, phase_of, require_open
from concours.events.schedule import read_wall
from concours.identity.models import Account, Role
from tests.conftest import both_databases
from tests.factories import Make

OPENS, CLOSES = datetime(2026, 7, 8, 0, 0, tzinfo=UTC), datetime(2026, 7, 10, 18, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def event(make: Make) -> Event:
    made: Event = make.event()
    phase = phase_of(made, PhaseKind.VOTING)
    assert phase is not None
    phase.opens_at, phase.closes_at = OPENS, CLOSES
    session().commit()
    return made


@pytest.mark.parametrize(
    ("at", "open_"),
    [
        (OPENS - SECOND, False),
        (OPENS - timedelta(microseconds=1), False),
        (OPENS, True),
        (CLOSES - SECOND, True),
        (CLOSES - timedelta(microseconds=1), True),
        (CLOSES, False),
        (CLOSES + SECOND, False),
    ],
)
def test_the_first_second_is_in_and_the_last_is_out(event: Event, at: datetime, open_: bool) -> None:
    assert is_open(event, PhaseKind.VOTING, at) is open_
    if open_:
        require_open(event, PhaseKind.VOTING, at)
    else:
        with pytest.raises(Closed) as refused:
            require_open(event, PhaseKind.VOTING, at)
        expected = (
            ("phase_not_open_yet", "2026-07-08 08:00:00") if at < OPENS else ("phase_closed", "2026-07-11 02:00:00")
        )
        assert refused.value.code == expected[0]
        assert expected[1] in str(refused.value)
        assert "Asia/Shanghai" in str(refused.value)
        assert refused.value.hint is not None


def test_an_event_without_the_phase_says_so(make: Make, now: datetime) -> None:
    with pytest.raises(Closed) as refused:
        require_open(Event(title="无", phases=[]), PhaseKind.VOTING, now)
    assert refused.value.code == "no_phase"


def test_nothing_is_done_in_an_archived_event_though_its_phase_is_open(event: Event) -> None:
    event.status = "archived"
    with pytest.raises(Closed) as refused:
        require_open(event, PhaseKind.VOTING, OPENS)
    assert refused.value.code == "event_archived"


@pytest.mark.parametrize(
    ("wall", "zone", "moment"),
    [
        ("2026-06-09T09:00:00", "Asia/Shanghai", datetime(2026, 6, 9, 1, 0, tzinfo=UTC)),
        ("2026-06-09T09:00", "Asia/Shanghai", datetime(2026, 6, 9, 1, 0, tzinfo=UTC)),
        ("2026-06-09 09:00:59", "Asia/Shanghai", datetime(2026, 6, 9, 1, 0, 59, tzinfo=UTC)),
        ("2026-03-29T03:00", "Europe/Berlin", datetime(2026, 3, 29, 1, 0, tzinfo=UTC)),
        ("2026-10-25T02:30", "Europe/Berlin", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # shown twice: the first
        ("1988-04-17T01:30", "Asia/Shanghai", None),  # before the years that are asked
        ("2026-03-29T02:30", "Europe/Berlin", None),  # skipped when the clocks go forward
        ("2026-02-30T09:00", "Asia/Shanghai", None),
        ("2026-06-09T24:00", "Asia/Shanghai", None),
        ("tomorrow", "Asia/Shanghai", None),
        ("２０２６-06-09T09:00", "Asia/Shanghai", None),
    ],
)
def test_a_typed_time_is_read_by_the_clock_of_the_events_zone(wall: str, zone: str, moment: datetime | None) -> None:
    found, problem = read_wall(wall, zone)
    assert found == moment
    assert (problem is None) == (moment is not None)


@both_databases
def test_phases_are_set_to_the_second_added_and_taken_away(
    make: Make, client_as: Callable[[Account], FlaskClient]
) -> None:
    event = make.event()
    browser = client_as(make.with_role(event, Role.ORGANISER))
    form = {"opens_submission": "2026-05-01T09:00:01", "closes_submission": "2026-05-31T18:00:00"}
    assert browser.post(f"/events/{event.slug}/desk/phases", data=form).status_code == 303
    session().expire_all()
    kept = session().query(Phase).filter_by(event_id=event.id).all()
    assert [(p.kind, p.opens_at, p.closes_at) for p in kept] == [
        ("submission", datetime(2026, 5, 1, 1, 0, 1, tzinfo=UTC), datetime(2026, 5, 31, 10, 0, tzinfo=UTC))
    ]
    page = browser.get(f"/events/{event.slug}/desk/phases").text
    assert 'value="2026-05-01T09:00:01"' in page
    more = form | {"opens_voting": "2026-06-01T00:00", "closes_voting": "2026-06-02T00:00"}
    assert browser.post(f"/events/{event.slug}/desk/phases", data=more).status_code == 303
    assert session().query(Phase).filter_by(event_id=event.id).count() == 2


def test_a_refused_time_changes_nothing_and_everything_typed_is_shown_again(
    make: Make, client_as: Callable[[Account], FlaskClient]
) -> None:
    event = make.event()
    browser = client_as(make.with_role(event, Role.ORGANISER))
    before = [(p.kind, p.opens_at) for p in event.phases]
    answer = browser.post(
        f"/events/{event.slug}/desk/phases",
        data={
            "opens_submission": "2026-05-31T18:00:00",
            "closes_submission": "2026-05-31T18:00:00",
            "opens_voting": "soon",
            "opens_judging": "2026-08-08T08:08:08",
            "closes_judging": "2026-09-09T09:09:09",
        },
    )
    assert answer.status_code == 422
    assert "It must close after it opens." in answer.text
    assert answer.text.count("Please give date and time") >= 2
    for typed in ("2026-05-31T18:00:00", "soon", "2026-08-08T08:08:08"):
        assert f'value="{typed}"' in answer.text
    session().expire_all()
    assert [(p.kind, p.opens_at) for p in event.phases] == before


def test_another_zone_shows_the_same_moments_by_another_clock(
    make: Make, client_as: Callable[[Account], FlaskClient], event: Event
) -> None:
    browser = client_as(make.with_role(event, Role.ORGANISER))
    assert 'value="2026-07-08T08:00:00"' in browser.get(f"/events/{event.slug}/desk/phases").text
    saved = browser.post(
        f"/events/{event.slug}/desk/settings", data={"title": "改名", "summary": "说明", "zone": "Europe/Berlin"}
    )
    assert saved.status_code == 303
    assert 'value="2026-07-08T02:00:00"' in browser.get(f"/events/{event.slug}/desk/phases").text
