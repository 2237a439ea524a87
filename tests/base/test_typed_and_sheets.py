"""What people type and paste is made fit to keep, and what goes out is no formula."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.base import sheets, typed
from concours.base.errors import Invalid, TooLarge

anything = st.text(st.characters(exclude_categories=())) | st.text()


@given(anything)
def test_whatever_is_typed_can_be_stored(text: str) -> None:
    for clean in (typed.line(text), typed.paragraphs(text)):
        clean.encode("utf-8")
        assert "\x00" not in clean
        assert clean == clean.strip()
    assert "\n" not in typed.line(text)
    assert typed.line(typed.line(text)) == typed.line(text)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("  王　芳 \n", "王 芳"),
        ("𠮷野家 👨‍👩‍👧", "𠮷野家 👨‍👩‍👧"),
        ("a\u200bb\ufeff", "ab"),
        ("e\u0301", "é"),
        ("\ud83d\ude00", "😀"),
        ("\ud83d!", "\ufffd!"),
    ],
)
def test_names_keep_their_characters_and_lose_what_nobody_sees(raw: str, clean: str) -> None:
    assert typed.line(raw) == clean


def test_paragraphs_keep_their_lines() -> None:
    assert typed.paragraphs("\r\n一  \r\n\r\n 二\x07\r") == "一\n\n 二"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_a_table_is_read_in_the_encodings_of_the_office(encoding: str) -> None:
    data = "工号,姓名\n1,王芳\n".encode(encoding)
    assert sheets.read_rows(sheets.decode(data), limit=9) == [(1, ["工号", "姓名"]), (2, ["1", "王芳"])]


@pytest.mark.parametrize("sign", ["\t", ",", "，", ";", "；"])
def test_cells_are_parted_as_the_first_line_parts_them(sign: str) -> None:
    assert sheets.read_rows(f"a{sign}b\n\n c {sign}d", limit=9) == [(1, ["a", "b"]), (3, ["c", "d"])]


def test_too_many_rows_and_too_long_cells_are_refused() -> None:
    with pytest.raises(TooLarge):
        sheets.read_rows("a\n" * 11, limit=10)
    with pytest.raises(Invalid):
        sheets.read_rows("x" * 501, limit=10)
    with pytest.raises(Invalid):
        sheets.decode(b"\x80\xff" * 50)


@given(st.lists(st.lists(anything, min_size=1, max_size=4), max_size=5))
def test_no_table_whatever_is_a_fault(rows: list[list[str]]) -> None:
    text = "\n".join(",".join(row) for row in rows)
    try:
        sheets.read_rows(text, limit=100)
    except (Invalid, TooLarge):
        return


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_a_formula_goes_out_as_text(cell: str) -> None:
    out = sheets.write_csv(["a"], [[cell]]).decode("utf-8-sig")
    assert f"'{cell}" in out
    assert "-1" in sheets.write_csv(["a"], [[-1]]).decode("utf-8-sig").splitlines()
