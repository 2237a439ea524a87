"""Pages of clips: the race with ranks, keys and ETags; the same number of queries whatever the length."""

from collections.abc import Callable
from datetime import date

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from concours.base.db import session
from concours.clips import verbs
from concours.events.models import Event
from concours.identity.models import Role
from concours.media.models import Asset
from concours.teams.models import Team
from tests.clips.builders import clip
from tests.conftest import both_databases
from tests.factories import Make

ClientAs = Callable[..., FlaskClient]
Count = Callable[[Callable[[], object]], int]


def teams_with(make: Make, event: Event, clips: list[int]) -> list[Team]:
    departments = [make.department() for _ in range(2)]
    return [
        make.team(
            event, departments[n % 2], name=f"队{n}", clip_count=count, member_count=10, active_count=min(count, 10)
        )
        for n, count in enumerate(clips)
    ]


@both_databases
def test_equal_clips_have_equal_ranks_over_pages(make: Make, client: FlaskClient) -> None:
    event = make.event()
    teams_with(make, event, [5, 9, 9, 7, 5, 5, 0])
    ranks: list[tuple[int, str]] = []
    url: str | None = f"/events/{event.slug}/clips/standings.json?limit=2"
    pages = 0
    while url:
        told = client.get(url).json
        ranks += [(s["rank"], s["name"]) for s in told["standings"]]
        url, pages = told["next_url"], pages + 1
    assert ranks == [(1, "队1"), (1, "队2"), (3, "队3"), (4, "队0"), (4, "队4"), (4, "队5"), (7, "队6")]
    assert pages == 4


@both_databases
def test_departments_are_the_sums_of_their_teams(make: Make, client: FlaskClient) -> None:
    event = make.event()
    teams_with(make, event, [5, 9, 9, 7])
    first, second = client.get(f"/events/{event.slug}/clips/standings.json?by=departments").json["standings"]
    assert (first["rank"], first["clips"], first["teams"], first["members"]) == (1, 16, 2, 20)
    assert (second["rank"], second["clips"], second["active"]) == (2, 14, 14)
    page = client.get(f"/events/{event.slug}/clips/standings.json?by=departments&limit=1").json
    assert client.get(page["next_url"]).json["standings"] == [second]


def test_who_has_it_already_gets_304_until_something_counts(make: Make, client: FlaskClient) -> None:
    event = make.event()
    (team,) = teams_with(make, event, [1])
    for url in (f"/events/{event.slug}/clips/standings.json", f"/events/{event.slug}/clips/standings"):
        headers = {"HX-Request": "true"} if not url.endswith("json") else {}
        first = client.get(url, headers=headers)
        again = client.get(url, headers=headers | {"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        session().execute(sa.update(Team).where(Team.id == team.id).values(clip_count=Team.clip_count + 1))
        session().commit()
        assert client.get(url, headers=headers | {"If-None-Match": first.headers["ETag"]}).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "by=nobody",
        "after=x",
        "after=1-",
        "after=9-99999999999999999999",
        "limit=0",
        "limit=-5",
        "limit=9999999",
        "limit=x",
    ],
)
def test_odd_addresses_show_the_race(make: Make, client: FlaskClient, query: str) -> None:
    event = make.event()
    teams_with(make, event, [1, 2])
    assert client.get(f"/events/{event.slug}/clips/standings?{query}").status_code == 200
    assert client.get(f"/events/{event.slug}/clips/standings.json?{query}").status_code == 200


def test_pages_ask_as_much_of_the_database_for_thirty_as_for_one(
    make: Make, client_as: ClientAs, count_queries: Count
) -> None:
    event = make.event()
    team = make.team(event, make.department())
    member = make.member(team)
    team.captain_id = member.account_id
    session().commit()

    def counted(who: int) -> None:
        one = session().get_one(Asset, clip(make, member, day=date(2021, 6, 1 + who % 28)).asset_id)
        one.status, one.format = "ready", "mp4"
        verbs.settle(one)
        session().commit()

    counted(0)
    browser = client_as(member.account)
    base = f"/events/{event.slug}"
    urls = [
        f"{base}/clips/mine",
        f"{base}/clips/mine.json",
        f"{base}/teams/{team.id}/clips",
        f"{base}/clips/standings",
        f"{base}/clips/standings?by=departments",
    ]

    def costs() -> list[int]:
        session().commit()
        return [count_queries(lambda url=url: browser.get(url)) for url in urls]

    costs()
    before = costs()
    for n in range(1, 30):
        counted(n)
        make.member(make.team(event, make.department()))
        make.member(team)
    assert costs() == before


def test_clips_of_a_team_are_paged_and_filtered(make: Make, client_as: ClientAs) -> None:
    event = make.event()
    team = make.team(event, make.department())
    one, two = make.member(team), make.member(team)
    clips = [clip(make, one if n % 2 else two) for n in range(30)]
    browser = client_as(make.with_role(event, Role.ORGANISER))
    url = f"/events/{event.slug}/teams/{team.id}/clips"
    first = browser.get(url).text
    assert (f'id="clip-{clips[-1].id}"' in first, f'id="clip-{clips[0].id}"' in first) == (True, False)
    assert f'id="clip-{clips[0].id}"' in browser.get(f"{url}?before={clips[5].id}").text
    only = browser.get(f"{url}?member={one.id}").text
    assert (f'id="clip-{clips[29].id}"' in only, f'id="clip-{clips[28].id}"' in only) == (True, False)


def test_somebody_in_no_team_is_told_what_to_do(make: Make, client_as: ClientAs) -> None:
    event = make.event()
    page = client_as(make.with_role(event, Role.MEMBER)).get(f"/events/{event.slug}/clips/mine")
    assert "You are in no team yet" in page.text
