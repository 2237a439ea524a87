"""A member checks in from the phone: chooses the film, sees it arrive, and sees it counted."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from concours.base.db import session
from concours.clips import verbs
from concours.media.models import Asset
from tests.browser.looking import check_axe, picture
from tests.browser.site import DESK, PHONE, Language, Site, Theme, visit
from tests.clips.builders import clip
from tests.clips.sending import film
from tests.factories import Make
from tests.teams.work import work

COUNTED = {"zh": "有效", "en": "Counted"}
REFUSED = {"zh": "不合格", "en": "Refused"}


@pytest.mark.parametrize(("width", "language", "theme"), [(PHONE, "zh", "light"), (DESK, "en", "dark")])
def test_a_check_in_from_the_film_to_the_calendar(
    site: Site, make: Make, width: int, language: Language, theme: Theme
) -> None:
    assert site.app is not None
    event = make.event(settings={"check_in": True, "clips_per_member_day": 2, "clip_min_seconds": 1})
    member = make.member(make.team(event, make.department()))
    for ago in range(1, 4):
        one = session().get_one(
            Asset, clip(make, member, day=verbs.day_of(event, make.now) - timedelta(days=ago)).asset_id
        )
        one.status, one.refusal = "refused" if ago == 3 else "ready", {"text": "This film is too short.", "values": {}}
        verbs.settle(one)
        session().commit()
    view, base, team_id = (width, language, theme), f"/events/{event.slug}", member.team_id
    with site.open(width, language, theme, account=member.account) as page:
        visit(page, f"{base}/clips/mine")
        check_axe(page)
        page.set_input_files(
            "[data-uploader] input[type=file]", {"name": "早操.mp4", "mimeType": "video/mp4", "buffer": film(2)}
        )
        expect(page.locator("#clips-state .tag-wait").first).to_be_visible()  # it has arrived, nobody reloaded
        work(site.app)
        newest = page.locator("#clips-state .clip-card").first
        expect(newest.get_by_text(COUNTED[language])).to_be_visible()
        assert (newest.locator("video").get_attribute("poster") or "").startswith("/media/")
        expect(page.locator(".clip-today.clip-day-1")).to_be_visible()
        expect(page.locator(".clip-card").get_by_text(REFUSED[language])).to_be_visible()
        picture(page, "check-in", view)
        check_axe(page)
        visit(page, f"{base}/teams/{team_id}/clips")
        picture(page, "clips-of-team", view)
        check_axe(page)
        visit(page, f"{base}/clips/standings")
        picture(page, "race", view)
        check_axe(page)
