"""Rosters that go out: the template to fill in, and the teams as they are, as XLSX and CSV.

Texts that a spreadsheet would take for a formula are made harmless (`base.sheets.quote`); columns of numbers that are
names (staff number, phone) are formatted as text, so that leading zeros stay.
"""

from collections.abc import Sequence

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from concours.base.sheets import quote, write_csv
from concours.base.tables import saved

TEXT_FORMAT = "@"
WIDEST = 40  # characters


def template(
    kind: str,
    title: str,
    headings: Sequence[str],
    examples: Sequence[Sequence[str]],
    notes_title: str,
    notes: Sequence[str],
) -> bytes:
    """The roster to fill in; an XLSX has a second sheet with what to mind."""
    if kind == "csv":
        return write_csv(headings, examples)
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = title[:31]
    sheet.append(list(headings))
    for row in examples:
        sheet.append([quote(cell) for cell in row])
    for position, heading in enumerate(headings, start=1):
        column = sheet.column_dimensions[get_column_letter(position)]
        column.width = max(12, min(WIDEST, 2 * len(heading) + 8))
        column.number_format = TEXT_FORMAT
        for row_number in range(1, len(examples) + 2):
            sheet.cell(row_number, position).number_format = TEXT_FORMAT
        sheet.cell(1, position).font = Font(bold=True)
    sheet.freeze_panes = "A2"
    aside = book.create_sheet(notes_title[:31])
    aside.column_dimensions["A"].width = 90
    for row_number, note in enumerate(notes, start=1):
        cell = aside.cell(row_number, 1, quote(note))
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    return saved(book)
