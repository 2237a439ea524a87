"""From an uploaded file to the lines of a roster: which file it is, where its header is, which column is what.

Pure: it knows no database. What becomes of a line is said in `fates`.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from concours.base import typed
from concours.base.errors import Invalid, TooLarge
from concours.base.messages import Message, msg
from concours.teams.textfile import decode, records
from concours.teams.workbook import Sheet, area_name, cell_name, read_sheets

ROWS_LIMIT = 20_000  # people in one roster
HEADER_WITHIN = 20  # rows in which the header is looked for
HEADER_LIMIT = 200  # characters of a cell that may name a column

REQUIRED = ("staff_number", "name", "department", "team")
COLUMN_NAMES: dict[str, Message] = {
    "staff_number": msg("staff number"),
    "name": msg("name"),
    "department": msg("department"),
    "team": msg("team"),
    "phone": msg("phone"),
    "captain": msg("captain"),
}
HEADINGS: dict[str, dict[str, str]] = {  # words of the file itself, which is read again; not of a page
    "zh": dict(zip(COLUMN_NAMES, ("工号", "姓名", "部门", "队伍", "电话", "队长"), strict=True)),
    "en": dict(zip(COLUMN_NAMES, ("Staff number", "Name", "Department", "Team", "Phone", "Captain"), strict=True)),
}
ANSWERS = {"zh": ("是", "否"), "en": ("yes", "no")}
_ALIASES: dict[str, tuple[str, ...]] = {
    "staff_number": (
        "工号", "职工号", "员工号", "人员编号", "职工编号", "员工编号", "人员工号", "工作证号",
        "staffnumber", "staffno", "staffid", "employeenumber", "employeeno", "employeeid",
    ),
    "name": ("姓名", "名字", "队员姓名", "人员姓名", "name", "fullname", "membername"),
    "department": (
        "部门", "单位", "部门名称", "部门代码", "部门编号", "所在部门", "所属部门", "单位名称", "所在单位",
        "department", "departmentcode", "departmentname", "dept", "unit",
    ),
    "team": ("队伍", "队名", "队伍名称", "参赛队", "参赛队伍", "代表队", "所在队伍", "team", "teamname"),
    "phone": (
        "电话", "手机", "手机号", "手机号码", "电话号码", "联系电话", "联系方式",
        "phone", "mobile", "telephone", "phonenumber", "mobilephone",
    ),
    "captain": ("队长", "是否队长", "是否为队长", "captain", "iscaptain", "teamcaptain"),
}  # fmt: skip
_MEANING = {alias: column for column, aliases in _ALIASES.items() for alias in aliases}


@dataclass(frozen=True)
class Line:
    """One person's row: `row` is its number in the file; texts are cleaned; `dates` names columns that hold a date."""

    row: int
    staff_number: str
    name: str
    department: str
    team: str
    phone: str = ""
    captain: str = ""
    dates: frozenset[str] = frozenset()


def read_roster(data: bytes) -> list[Line]:
    """The lines of the roster in `data` (XLSX or CSV, told by its content).

    Raises Invalid or TooLarge, with the sentence and the next step, where the file as a whole cannot be used.
    """
    if not data.strip():
        raise _wrong_type(msg("The file is empty."))
    if data.startswith(b"PK\x03\x04"):
        return _from_workbook(read_sheets(data, rows_limit=ROWS_LIMIT + HEADER_WITHIN))
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise _wrong_type(msg("This is an old XLS workbook, or one that is protected by a password."))
    if data.startswith((b"%PDF", b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"Rar!", b"7z\xbc\xaf")):
        raise _wrong_type(msg("This file is no roster: it is neither XLSX nor CSV."))
    if re.match(rb"[\xef\xbb\xbf\s]*<(?:!doctype|html|table|\?xml|meta)", data[:200], re.IGNORECASE):
        raise _wrong_type(
            msg("This file holds a web page, whatever its name says; some office systems export that as XLS.")
        )
    rows = list(islice(records(decode(data)), ROWS_LIMIT + HEADER_WITHIN + 1))
    if len(rows) > ROWS_LIMIT + HEADER_WITHIN:
        raise _too_many()
    sheet = Sheet("CSV", rows)
    header = _header(sheet)
    if header is None:
        raise _no_header(sheet)
    return list(_lines(sheet, *header))


def _wrong_type(sentence: Message) -> Invalid:
    return Invalid(
        sentence,
        hint=msg("Open it in your spreadsheet program, save it as XLSX or CSV, and upload that."),
        code="roster_type",
    )


def _too_many() -> TooLarge:
    return TooLarge(
        msg("The roster has more than %(limit)s rows.", limit=ROWS_LIMIT),
        hint=msg("Split it into several files and upload them one after the other."),
        code="roster_too_large",
    )


def _from_workbook(sheets: list[Sheet]) -> list[Line]:
    """The lines of the one sheet that holds a roster; its merged cells are refused where they hide what a row says."""
    found = [(sheet, header) for sheet in sheets if (header := _header(sheet)) is not None]
    if not found:
        filled = [sheet for sheet in sheets if any(any(row) for row in sheet.rows)]
        raise _no_header(filled[0] if filled else Sheet(""))
    whole = [(sheet, header) for sheet, header in found if not _missing(header[1])]
    with_people = [pair for pair in whole if len(list(_lines(pair[0], *pair[1]))) > 0]
    if len(with_people) > 1:
        raise Invalid(
            msg("Several sheets hold a roster: %(sheets)s.", sheets="、".join(f"“{s.name}”" for s, _ in with_people)),
            hint=msg("Put all people into one sheet, or upload one file for each."),
            code="roster_sheets",
        )
    sheet, header = (with_people or whole or found)[0]
    below = [area for area in sheet.merged if area[2] >= header[0]]
    if below:
        areas = "、".join(map(area_name, below[:5])) + ("…" if len(below) > 5 else "")
        raise Invalid(
            msg("In the sheet “%(sheet)s” cells are merged: %(areas)s.", sheet=sheet.name, areas=areas),
            hint=msg("Unmerge them and fill in every row by itself; a merged title above the header may stay."),
            code="roster_merged",
        )
    return list(_lines(sheet, *header))


def _header(sheet: Sheet) -> tuple[int, dict[str, int]] | None:
    """The header's row (from 1) and the column (from 0) of each thing; None where no row names two of them."""
    best: tuple[int, dict[str, int]] | None = None
    for number, cells in enumerate(sheet.rows[:HEADER_WITHIN], start=1):
        columns: dict[str, int] = {}
        for position, cell in enumerate(cells):
            meaning = _meaning(cell)
            if meaning in columns:
                cells_named = [cell_name(number, place + 1) for place in (columns[meaning], position)]
                raise _twice(meaning, *cells_named)
            if meaning:
                columns[meaning] = position
        if len(columns) > (len(best[1]) if best else 1):
            best = (number, columns)
    return best


def _twice(column: str, first: str, second: str) -> Invalid:
    return Invalid(
        msg(
            "Two columns both say “%(column)s”: cells %(first)s and %(second)s.",
            column=COLUMN_NAMES[column],
            first=first,
            second=second,
        ),
        hint=msg("Keep the one that counts, and upload the file again."),
        code="roster_columns",
    )


def _meaning(cell: str) -> str:
    """The column a header cell names: `工　号（必填）*` and `Staff No.` are known too. "" where it is none."""
    if len(cell) > HEADER_LIMIT:
        return ""
    bare = re.sub(r"[(\[【].*?[)\]】]", "", unicodedata.normalize("NFKC", cell)).casefold()
    return _MEANING.get("".join(character for character in bare if character.isalnum()), "")


def _missing(columns: Mapping[str, int]) -> list[str]:
    return [column for column in REQUIRED if column not in columns]


def listed(columns: list[str]) -> Message:
    """The columns' names, one after the other, each in the reader's language."""
    return Message(
        " / ".join(f"%({column})s" for column in columns), {column: COLUMN_NAMES[column] for column in columns}
    )


def _no_header(sheet: Sheet) -> Invalid:
    first = next((row for row in sheet.rows if any(cell.strip() for cell in row)), [])
    seen = "、".join(typed.line(cell)[:20] for cell in first if cell.strip())[:120]
    sentence = (
        msg("No row names the columns. The first filled row reads: %(seen)s.", seen=seen)
        if seen
        else msg("There is nothing in the file.")
    )
    return Invalid(
        sentence,
        hint=msg(
            "The header needs staff number, name, department and team (工号、姓名、部门、队伍). The template has it."
        ),
        code="roster_header",
    )


def _lines(sheet: Sheet, header_row: int, columns: Mapping[str, int]) -> Iterator[Line]:
    """The filled rows below the header. Raises Invalid where a column is missing, TooLarge where there are too many."""
    missing = _missing(columns)
    if missing:
        header = [typed.line(cell)[:20] for cell in sheet.rows[header_row - 1] if cell.strip()]
        raise Invalid(
            msg(
                "The header in row %(row)s has no column for: %(missing)s. It reads: %(seen)s.",
                row=header_row,
                missing=listed(missing),
                seen="、".join(header)[:200],
            ),
            hint=msg("Add the column, or use the template, and upload the file again."),
            code="roster_columns",
        )
    count = 0
    for number, cells in enumerate(sheet.rows[header_row:], start=header_row + 1):
        told = {
            column: typed.line(cells[position]) if position < len(cells) else "" for column, position in columns.items()
        }
        if not any(told.values()):
            continue
        count += 1
        if count > ROWS_LIMIT:
            raise _too_many()
        dates = frozenset(column for column, position in columns.items() if (number, position + 1) in sheet.dates)
        yield Line(number, **told, dates=dates)
