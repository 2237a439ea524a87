"""Tables that go out as XLSX or CSV. Texts that a spreadsheet would take for a formula are made harmless."""

import io
from collections.abc import Iterable, Sequence

from openpyxl import Workbook

from concours.base.sheets import quote, write_csv

SHEET_TITLE = 31
"""Characters that a sheet's title may have."""

CONTENT_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}


def table(kind: str, title: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A file of these rows; `kind` is `xlsx` or `csv` (UTF-8 with a mark)."""
    if kind == "csv":
        return write_csv(headings, rows)
    book = Workbook(write_only=True)
    sheet = book.create_sheet(_sheet_title(title))
    sheet.append([quote(heading) for heading in headings])
    for row in rows:
        sheet.append([quote(cell) if isinstance(cell, str) else cell for cell in row])
    return saved(book)


def saved(book: Workbook) -> bytes:
    """The workbook as a file."""
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _sheet_title(title: str) -> str:
    """A title as sheets may have one: without the characters that Excel refuses, not empty."""
    kept = "".join(" " if c in "[]:*?/\\" else c for c in title).strip(" '")
    return kept[:SHEET_TITLE] or "1"
