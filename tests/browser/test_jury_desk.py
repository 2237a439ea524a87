"""The organiser's pages of an open round: what is changed, which conflicts are declared."""

import pytest

from concours.base.db import session
from concours.jury.models import DeclaredConflict
from tests.browser.looking import look_at
from tests.browser.site import Site
from tests.factories import Make
from tests.jury.build import Jury


@pytest.fixture
def jury(make: Make) -> Jury:
    """An event with an organiser, for a jury."""
    return Jury(make)


def test_changing_an_open_round_looks_right(jury: Jury, site: Site) -> None:
    jury.entries(12, jury.category(title="书法", position=1))
    jury.entries(6, jury.category(title="摄影", position=2))
    for _ in range(4):
        jury.judge()
    found = jury.opened(reviews=2, select_count=5)
    for work in jury.work(found)[:10]:
        jury.mark(work, {"yes": True})
    base = f"/events/{jury.event.slug}/jury/rounds/{found.id}"
    look_at(site, base, "jury-round", account=jury.organiser)
    look_at(site, f"{base}/change", "jury-change", account=jury.organiser)


def test_declared_conflicts_look_right(jury: Jury, site: Site) -> None:
    entry = jury.entries(3, jury.category(title="书法"))[0]
    judge = jury.judge()
    session().add(
        DeclaredConflict(
            event_id=jury.event.id,
            account_id=judge.id,
            entry_id=entry.id,
            reason="曾指导作者",
            declared_by=jury.organiser.id,
            declared_at=jury.now,
        )
    )
    session().commit()
    base = f"/events/{jury.event.slug}/jury"
    look_at(site, f"{base}/rounds/conflicts", "jury-conflicts", account=jury.organiser)
    look_at(site, f"{base}/conflicts", "jury-my-conflicts", account=judge)
