"""Roster files as people make them, and as they should not."""

import io
import zipfile
from collections.abc import Sequence
from typing import Any

from openpyxl import Workbook

HEADER = ("工号", "姓名", "部门", "队伍", "电话", "队长")


def book(rows: Sequence[Sequence[Any]], *, title: str = "名单", change: Any = None) -> bytes:
    """An XLSX workbook with one sheet of these rows; `change(workbook, sheet)` may do more to it."""
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    if change is not None:
        change(workbook, sheet)
    out = io.BytesIO()
    workbook.save(out)
    return out.getvalue()


def text(rows: Sequence[Sequence[str]], encoding: str = "utf-8-sig", delimiter: str = ",") -> bytes:
    """A CSV file of these rows."""
    return "\r\n".join(delimiter.join(row) for row in rows).encode(encoding)


def person(
    number: int | str, name: str = "王伟", department: str = "办公厅", team: str = "一队", *more: Any
) -> list[Any]:
    """One row with values that are good."""
    return [str(number), name, department, team, *more]


def shared(rows: Sequence[Sequence[str]], strings: str, *, doctype: str = "") -> bytes:
    """A workbook as office suites write it, with shared strings: `rows` hold their numbers, `strings` the <si>
    elements.
    """
    cells = "".join("<row>" + "".join(f'<c t="s"><v>{cell}</v></c>' for cell in row) + "</row>" for row in rows)
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    sheet = f'<sheet name="名单" sheetId="1" xmlns:r="{relations}" r:id="r1"/>'
    relation = f'<Relationship Id="r1" Type="{relations}/worksheet" Target="/xl/worksheets/sheet1.xml"/>'
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    parts = {
        "xl/workbook.xml": f"<workbook {main}><sheets>{sheet}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}">{relation}</Relationships>',
        "xl/sharedStrings.xml": f"{doctype}<sst {main}>{strings}</sst>",
        "xl/worksheets/sheet1.xml": f"<worksheet {main}><sheetData>{cells}</sheetData></worksheet>",
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()
