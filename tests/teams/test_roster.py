"""A roster file is read as people meant it, or refused with a sentence that says which cell, row or column."""

import io
import random
import zipfile
from typing import Any

import pytest
from openpyxl import load_workbook
from python_calamine import CalamineWorkbook

from concours.base.errors import DomainError, Invalid, TooLarge
from concours.teams.roster import ROWS_LIMIT, read_roster
from concours.teams.workbook import read_sheets
from tests.teams.files import HEADER, book, person, shared, text

TWO = [list(HEADER), person("1001"), person("1002", "李娜")]


def refusal(data: bytes) -> DomainError:
    with pytest.raises(DomainError) as refused:
        read_roster(data)
    assert refused.value.hint is not None, "every refusal says what to do next"
    return refused.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_csv_is_read_in_every_encoding_that_spreadsheets_save_in_china(encoding: str) -> None:
    lines = read_roster(text(TWO, encoding))
    assert [(line.row, line.staff_number, line.name, line.department, line.team) for line in lines] == [
        (2, "1001", "王伟", "办公厅", "一队"),
        (3, "1002", "李娜", "办公厅", "一队"),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_is_read_with_every_delimiter_spreadsheets_use(delimiter: str) -> None:
    assert len(read_roster(text(TWO, "utf-8", delimiter))) == 2


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("shift_jis", ("田中太郎", "佐藤花子")),
        ("big5", ("陳志明", "黃俊傑")),
        ("latin-1", ("Müller", "Lefèvre", "Gonzáles")),
    ],
)
def test_another_encoding_is_refused_even_with_a_header_in_ascii(encoding: str, names: tuple[str, ...]) -> None:
    rows = [
        ["staff number", "name", "department", "team"],
        *([str(i), name, "D1", "T"] for i, name in enumerate(names)),
    ]
    refused = refusal(text(rows, encoding))
    assert refused.code == "roster_encoding"
    assert "UTF-8 or GBK" in str(refused.hint)


def test_rare_characters_and_emoji_are_no_reason_to_refuse_a_small_gbk_file() -> None:
    rows = [["staff no", "name", "department", "team"], person("1", "王𠮷"), person("2", "仝骁😀")]
    assert [line.name for line in read_roster(text(rows, "gb18030"))] == ["王𠮷", "仝骁😀"]


def test_damaged_utf8_names_the_line() -> None:
    refused = refusal(text(TWO, "utf-8")[:-3].replace("李".encode(), "李".encode()[:2]) + b",x,y\n")
    assert refused.code == "roster_encoding"
    assert "line 3" in str(refused.message)


def test_the_header_is_found_below_a_title_in_any_order_with_decorations() -> None:
    rows = [
        ["广播体操比赛报名表"],
        [],
        ["是否队长", "所在队伍*", "姓　名（必填）", "工　号【必填】", "单位：", "备注", "手机号码"],
        ["是", "一队", "王伟", "１００１", "办公厅", "随便", "13800000000"],
    ]
    (line,) = read_roster(book(rows))
    assert (line.row, line.staff_number, line.captain, line.phone) == (4, "１００１", "是", "13800000000")


def test_english_headers_are_known() -> None:
    rows = [["Staff No.", "Full name", "Dept", "Team Name", "Mobile phone", "Captain"], person("7", "Wang")]
    assert read_roster(book(rows))[0].staff_number == "7"


def test_numbers_stay_what_was_typed() -> None:
    rows: list[list[Any]] = [
        list(HEADER),
        [1001, "王", "D", 3, 13800000000],
        [1001.0, "李", "D", "3"],
        [10.5, "赵", "D", "3"],
    ]

    def pad(_book: Any, sheet: Any) -> None:
        sheet.append([42, "孙", "D", "3"])
        sheet["A5"].number_format = "000000"

    lines = read_roster(book(rows, change=pad))
    assert [line.staff_number for line in lines] == ["1001", "1001", "10.5", "000042"]
    assert lines[0].team == "3"
    assert lines[0].phone == "13800000000"


def test_a_formula_is_read_as_the_text_that_is_shown_and_a_text_like_one_stays_text() -> None:
    rows = [list(HEADER), person("1001", "=1+1")]

    def as_text(_book: Any, sheet: Any) -> None:
        sheet["B2"].data_type = "s"

    assert read_roster(book(rows, change=as_text))[0].name == "=1+1"


def test_a_date_in_place_of_a_name_is_noted() -> None:
    import datetime as dt

    (line,) = read_roster(book([list(HEADER), [1001, "王", "D", dt.date(2021, 6, 1)]]))
    assert line.dates == {"team"}
    assert line.team == "2021-06-01"


def test_a_missing_column_is_named_and_what_was_found() -> None:
    refused = refusal(book([["工号", "姓名", "部门"], ["1", "王", "D"]]))
    assert refused.code == "roster_columns"
    assert "team" in str(refused.message)
    assert "工号、姓名、部门" in str(refused.message)


def test_without_any_header_the_first_row_is_quoted() -> None:
    refused = refusal(book([["王伟", "1001"], ["李娜", "1002"]]))
    assert refused.code == "roster_header"
    assert "王伟、1001" in str(refused.message)


def test_two_columns_of_one_meaning_are_refused() -> None:
    refused = refusal(book([["工号", "姓名", "部门", "单位", "队伍"], ["1", "王", "a", "b", "t"]]))
    assert "C1 and D1" in str(refused.message)


def test_merged_cells_among_the_people_are_named() -> None:
    refused = refusal(book(TWO, change=lambda _book, sheet: sheet.merge_cells("C2:C3")))
    assert refused.code == "roster_merged"
    assert "C2:C3" in str(refused.message)
    assert "名单" in str(refused.message)


def test_a_merged_title_is_tolerated() -> None:
    rows = [["报名表"], *TWO]
    assert len(read_roster(book(rows, change=lambda _book, sheet: sheet.merge_cells("A1:F1")))) == 2


def test_two_sheets_with_people_are_refused_and_one_beside_instructions_is_read() -> None:
    def another(workbook: Any, _sheet: Any) -> None:
        sheet = workbook.create_sheet("二")
        for row in TWO:
            sheet.append(row)

    def instructions(workbook: Any, _sheet: Any) -> None:
        workbook.create_sheet("填写说明", 0).append(["工号请按文本填写。"])

    assert refusal(book(TWO, change=another)).code == "roster_sheets"
    assert len(read_roster(book(TWO, change=instructions))) == 2


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "roster_type"),
        (b"   \r\n", "roster_type"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "roster_type"),
        (b"%PDF-1.7 ...", "roster_type"),
        (b"\xff\xd8\xff\xe0JFIF", "roster_type"),
        (b"<html><body><table><tr><td>1</td></tr></table>", "roster_type"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><Workbook>', "roster_type"),
        (b"\x00\x01\x02\x03", "roster_type"),
        (b"PK\x03\x04 and then nothing", "roster_unreadable"),
        (b"\x81\x30\xff\xff", "roster_encoding"),
    ],
)
def test_what_is_no_roster_is_told_by_its_content(data: bytes, code: str) -> None:
    assert refusal(data).code == code


def test_a_zip_that_is_no_workbook_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    assert refusal(out.getvalue()).code == "roster_type"


def _replace(data: bytes, part: str, change: Any) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, change(content) if name == part else content)
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def test_two_cells_far_apart_end_nothing() -> None:
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    data = _replace(book(TWO), SHEET, lambda xml: xml.replace(b"</sheetData>", far))
    assert isinstance(refusal(data), TooLarge)


def test_a_cell_far_to_the_right_is_named() -> None:
    data = _replace(book(TWO), SHEET, lambda xml: xml.replace(b'r="B2"', b'r="ZZ2"'))
    assert "ZZ2" in str(refusal(data).message)


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    data = _replace(book(TWO), "xl/styles.xml", lambda _xml: b"<a/>" + b" " * (70 * 1024 * 1024))
    assert len(data) < 200_000
    refused = refusal(data)
    assert isinstance(refused, TooLarge)
    assert "64 MB" in str(refused.message)


STRINGS = "".join(f"<si><t>{word}</t></si>" for word in ("工号", "姓名", "部门", "队伍", "1001", "办公厅", "一队"))
RICH = "<si><r><t>王</t></r><r><t>_xD842__xDFB7_</t></r><rPh sb='0' eb='1'><t>wang</t></rPh></si>"


def test_shared_texts_are_read_with_runs_and_escapes_and_without_phonetic_guides() -> None:
    data = shared([["0", "1", "2", "3"], ["4", "7", "5", "6"]], STRINGS + RICH)
    (line,) = read_roster(data)
    assert (line.staff_number, line.name, line.team) == ("1001", "王𠮷", "一队")


def test_entities_are_refused() -> None:
    doctype = '<!DOCTYPE sst [<!ENTITY a "aaaaaaaaaa">]>'
    data = shared([["0", "1", "2", "3"], ["4", "7", "5", "6"]], STRINGS + "<si><t>&a;</t></si>", doctype=doctype)
    assert refusal(data).code == "roster_unreadable"


def test_a_text_number_that_is_not_there_is_damage() -> None:
    assert refusal(shared([["0", "1", "2", "99"]], STRINGS)).code == "roster_unreadable"


@pytest.mark.parametrize("at", [0.2, 0.5, 0.9, 0.99])
def test_a_truncated_workbook_is_damaged(at: float) -> None:
    data = book(TWO)
    assert refusal(data[: int(len(data) * at)]).code == "roster_unreadable"


def test_no_damage_to_a_workbook_is_a_fault_of_ours() -> None:
    data, dice = book(TWO), random.Random(7)
    for _ in range(300):
        broken = bytearray(data)
        for _ in range(dice.randint(1, 8)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        try:
            read_roster(bytes(broken))
        except (Invalid, TooLarge):
            continue


def test_no_damage_to_a_sheet_is_a_fault_of_ours() -> None:
    dice = random.Random(11)
    data = book(TWO)
    for part in (SHEET, "xl/workbook.xml", "xl/styles.xml", "xl/_rels/workbook.xml.rels"):
        for _ in range(100):

            def spoil(xml: bytes) -> bytes:
                at = dice.randrange(len(xml))
                return xml[:at] + bytes([dice.randrange(256)]) + xml[at + dice.randint(0, 3) :]

            try:
                read_roster(_replace(data, part, spoil))
            except (Invalid, TooLarge):
                continue


def test_more_rows_than_the_limit_are_refused() -> None:
    rows = [list(HEADER[:4]), *(person(i) for i in range(ROWS_LIMIT + 1))]
    assert isinstance(refusal(text(rows)), TooLarge)
    assert isinstance(refusal(book(rows)), TooLarge)


def test_a_quotation_mark_never_closed_is_found() -> None:
    rows = text(TWO, "utf-8").replace("王伟".encode(), '"王伟'.encode()) + b"\n" + b"x,y,z,w\n" * 3000
    assert isinstance(refusal(rows), TooLarge)


def test_the_reader_agrees_with_openpyxl_and_calamine() -> None:
    rows: list[list[Any]] = [
        ["a", 1, 2.5, True],
        [None, "中文𠮷😀", "a_b", -3],
        [],
        ["last", 1e10, 123456789012345, ""],
    ]
    data = book(rows)
    ours = read_sheets(data, rows_limit=100)[0].rows
    theirs = load_workbook(io.BytesIO(data)).worksheets[0]
    for row in range(1, 5):
        for column in range(1, 5):
            value = theirs.cell(row, column).value
            shown = "" if value is None else "TRUE" if value is True else str(int(value) if value == 1e10 else value)
            cells = ours[row - 1]
            assert (cells[column - 1] if column <= len(cells) else "") == shown
    calamine = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    assert len(calamine) == len(ours)
    assert calamine[1][1] == ours[1][1] == "中文𠮷😀"
