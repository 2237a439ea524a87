"""Points in steps, with what they mean."""

from typing import Any

import pytest

from concours.base.db import session
from concours.base.errors import Invalid
from concours.identity.models import Role
from concours.jury import rounds
from concours.jury.kinds.criteria import CriterionDraft
from concours.jury.models import Criterion, Round
from tests.factories import Make
from tests.jury.build import Jury

IDEA = CriterionDraft("立意", 1, 10, 30, 5, {30: "出类拔萃", 10: "没有想法"})


@pytest.fixture
def found(jury: Jury) -> Round:
    """An open round of one work and one judge, with points from 10 to 30 in steps of 5."""
    jury.entries(1)
    jury.judge()
    return jury.opened(kind="points", reviews=1, criteria=(IDEA,))


@pytest.mark.parametrize(
    ("points", "saved"), [(10, True), (25, True), (30, True), (26, False), (5, False), (35, False)]
)
def test_points_are_given_in_steps(jury: Jury, found: Round, points: int, saved: bool) -> None:
    assert jury.mark(jury.work(found)[0], {"c1": points}).saved is saved


def test_what_points_mean_is_kept_and_told_to_the_judge(jury: Jury, found: Round, client_as: Any) -> None:
    kept = session().query(Criterion).filter_by(round_id=found.id).one()
    assert (kept.step, kept.anchors) == (5, {"10": "没有想法", "30": "出类拔萃"})
    client = client_as(jury.judges[0])
    at = f"/events/{jury.event.slug}/jury/{found.id}"
    told = client.get(f"{at}/table.json").get_json()["round"]["criteria"][0]
    assert (told["step"], told["anchors"]) == (5, {"10": "没有想法", "30": "出类拔萃"})
    page = client.get(f"{at}/table/plain").get_data(as_text=True)
    assert page.index("没有想法") < page.index("出类拔萃")
    assert 'step="5"' in page


@pytest.mark.parametrize(
    "wrong",
    [
        CriterionDraft("立意", 1, 1, 9, 3),
        CriterionDraft("立意", 1, 1, 9, 0),
        CriterionDraft("立意", 1, 1, 9, -2),
        CriterionDraft("立意", 1, 1, 9, 2, {2: "不能打的分"}),
        CriterionDraft("立意", 1, 1, 9, 1, {10: "太高"}),
        CriterionDraft("立意", 1, 1, 9, 1, {9: " "}),
        CriterionDraft("立意", 1, 1, 9, 1, {9: "好" * 121}),
        CriterionDraft("立意", 1, 1, 99, 1, dict.fromkeys(range(1, 23), "好")),
    ],
)
def test_a_scale_that_does_not_fit_is_refused_beside_its_criterion(jury: Jury, wrong: CriterionDraft) -> None:
    with pytest.raises(Invalid) as refusal:
        jury.round(kind="points", criteria=(IDEA, wrong))
    assert {problem.field for problem in refusal.value.problems} == {"criterion-2"}


def test_the_form_keeps_what_was_typed_and_shows_what_is_stored(jury: Jury, make: Make, client_as: Any) -> None:
    organiser = make.with_role(jury.event, Role.ORGANISER)
    client = client_as(organiser)
    typed = {
        "title": "复评", "kind": "points", "reviews": "2", "select_count": "3", "ties": "median,lottery",
        "criterion-1-title": "立意", "criterion-1-weight": "1", "criterion-1-lowest": "0", "criterion-1-highest": "10",
        "criterion-1-step": "5", "criterion-1-anchors": "10 出类拔萃\r\n5：尚可\r\n乱写",
    }  # fmt: skip
    at = f"/events/{jury.event.slug}/jury/rounds"
    refused = client.post(at, data=typed)
    assert refused.status_code == 422
    assert "5：尚可" in refused.get_data(as_text=True)
    kept = client.post(at, data=typed | {"criterion-1-anchors": "10 出类拔萃\r\n5：尚可"})
    assert kept.status_code == 303
    made = session().query(Round).filter_by(event_id=jury.event.id).one()
    assert made.criteria[0].anchors == {"5": "尚可", "10": "出类拔萃"}
    page = client.get(f"{at}/{made.id}/edit").get_data(as_text=True)
    assert "5 尚可\n10 出类拔萃" in page
    rounds.delete(jury.event, made.id, actor=organiser, now=jury.now)
