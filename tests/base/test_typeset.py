"""Documents to print: what people wrote is shown as they wrote it; the same always gives the same."""

import io
import json
from datetime import UTC, datetime
from hashlib import sha256

from pypdf import PdfReader

from concours.base.typeset import (
    FONTS,
    Block,
    Column,
    Document,
    Facts,
    Heading,
    Items,
    Notice,
    Signatures,
    Table,
    Text,
    pdf,
)

NOW = datetime(2026, 7, 8, 9, 0, 0, 123456, tzinfo=UTC)
MARKUP = '#panic("no") *b* $x$ \\ <a> @ref //c "'


def document(*blocks: Block, language: str = "zh") -> Document:
    """A document of these blocks."""
    return Document("评审纪要", "第三届书画展 · 初评", language, "页脚", blocks)


def text_of(content: bytes) -> str:
    """All words of a PDF without the breaks that setting it put in."""
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).replace("\n", "")


def test_every_block_shows_its_words() -> None:
    blocks = (
        Notice("草稿"),
        Heading("一、评委"),
        Table([Column("评委", 1), Column("已评", numeric=True)], [["张三", "12"]] * 80),
        Heading("规则", 2),
        Facts([("种子", "ab" * 40)]),
        Items(["甲组", "乙组"]),
        Text("说明"),
        Signatures(["李四", "王五"]),
    )
    content = pdf(document(*blocks), at=NOW)
    said = text_of(content)
    for word in ("评审纪要", "草稿", "一、评委", "规则", "甲组", "乙组", "说明", "李四", "王五", "页脚"):
        assert word in said, word
    assert said.count("张三") == 80
    assert "ab" * 40 in said.replace("\u200b", "")
    pages = PdfReader(io.BytesIO(content)).pages
    assert len(pages) > 1
    assert all("评委" in page.extract_text() for page in pages[:2]), "a table's headings stand on each of its pages"


def test_what_people_wrote_is_never_markup() -> None:
    blocks = (
        Heading(MARKUP),
        Text(MARKUP),
        Facts([(MARKUP, MARKUP)]),
        Items([MARKUP]),
        Table([Column(MARKUP, 1)], [[MARKUP]]),
        Signatures([MARKUP]),
    )
    said = text_of(pdf(document(*blocks, language="en"), at=NOW)).replace("\u200b", "")
    assert said.count('#panic("no") *b* $x$') == 8


def test_an_empty_table_and_no_names_are_no_fault() -> None:
    assert pdf(document(Table([Column("评委", 1)], []), Signatures([]), Items([])), at=NOW).startswith(b"%PDF")


def test_the_same_document_gives_the_same_bytes() -> None:
    assert pdf(document(Text("甲")), at=NOW) == pdf(document(Text("甲")), at=NOW)
    assert pdf(document(Text("甲")), at=NOW) != pdf(document(Text("乙")), at=NOW)


def test_the_face_is_what_its_listing_says() -> None:
    listing = json.loads((FONTS / "fonts.json").read_text(encoding="utf-8"))
    listed = {name: digest for package in listing["packages"] for name, digest in package["sha256"].items()}
    there = {path.name for path in FONTS.iterdir()} - {"fonts.json"}
    assert set(listed) == there
    for name, digest in listed.items():
        assert sha256((FONTS / name).read_bytes()).hexdigest() == digest, name
