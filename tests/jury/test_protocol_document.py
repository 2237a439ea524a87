"""The protocol on paper and the figures in a workbook."""

import io
import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook
from pypdf import PdfReader

from concours.base.db import session
from concours.identity.models import Account
from concours.jury.models import Round
from tests.factories import Make
from tests.jury.build import Jury

Sign = Callable[[Account], FlaskClient]


@pytest.fixture
def jury(make: Make) -> Jury:
    """An event with an organiser, for a jury."""
    return Jury(make)


def selected(jury: Jury, works: int = 6, count: int = 3) -> Round:
    """A yes/no round whose every mark is the same, so that the lottery decides."""
    category = jury.category(title="书法")
    jury.entries(works, category)
    for _ in range(2):
        jury.judge()
    found = jury.opened(reviews=2, select_count=count + 1)
    jury.mark_all(found)
    jury.close(found)
    jury.select(found, count)
    return found


def words(content: bytes) -> str:
    """A PDF's words, without the breaks."""
    said = "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)
    return re.sub(r"\s|\u200b", "", said)


def at(jury: Jury, found: Round, what: str) -> str:
    """The address of something of a round."""
    return f"/events/{jury.event.slug}/jury/rounds/{found.id}/{what}"


def test_the_protocol_tells_jury_rules_numbers_ties_selection_and_acts(jury: Jury, client_as: Sign) -> None:
    found = selected(jury)
    answer = client_as(jury.organiser).get(at(jury, found, "protocol.pdf"), headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    said = words(answer.data)
    for judge in jury.judges:
        assert said.count(re.sub(r"\s", "", judge.name)) >= 2, "on the panel and to sign"
    assert sum(f"作品{n}" in said for n in range(1, 7)) == 3, "the selected ones"
    assert "lottery" in said, "what decided"
    for act in ("openedaround", "closedaround", "selectedtheshortlist"):
        assert act in said


def test_it_speaks_the_readers_language(jury: Jury, client_as: Sign) -> None:
    found = selected(jury)
    browser = client_as(jury.organiser)
    english = words(browser.get(at(jury, found, "protocol.pdf"), headers={"Accept-Language": "en"}).data)
    chinese = words(browser.get(at(jury, found, "protocol.pdf"), headers={"Accept-Language": "zh-CN"}).data)
    assert "Protocolofthejury" in english
    assert "Placesleftvacant1" in english
    assert "评审" in chinese
    assert "空缺名额1" in chinese


def test_figures_leave_as_a_workbook_without_formulas(jury: Jury, client_as: Sign) -> None:
    found = selected(jury)
    entry = jury.work(found)[0].entry
    entry.title = "=1+1"
    session().commit()
    answer = client_as(jury.organiser).get(at(jury, found, "results.xlsx"))
    assert answer.status_code == 200
    sheet = load_workbook(io.BytesIO(answer.data)).worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    assert len(rows) == 7
    assert sum(row[1] == 1 for row in rows[1:]) == 3
    titles = [row[3] for row in rows[1:]]
    assert "'=1+1" in titles
    assert not any(str(cell).startswith("=") for row in rows for cell in row)


def test_an_open_round_has_no_protocol_yet(jury: Jury, client_as: Sign) -> None:
    jury.entries(2, jury.category())
    jury.judge()
    found = jury.opened(reviews=1)
    for what in ("protocol.pdf", "results.xlsx"):
        assert client_as(jury.organiser).get(at(jury, found, what)).status_code == 409
