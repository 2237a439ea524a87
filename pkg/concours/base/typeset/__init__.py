"""Documents to print and sign, as PDF: a document is a list of blocks, set by Typst (`document.typ`).

What people wrote goes in as data and cannot become markup. The Chinese face is Noto Sans SC (fonts/fonts.json says
which, under which licence); where it lacks a character, one of the machine's own faces steps in, if there is one.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

import typst

FOLDER = Path(__file__).parent
TEMPLATE = FOLDER / "document.typ"
FONTS = FOLDER / "fonts"


@dataclass(frozen=True)
class Column:
    """A table's column; `width`: its share of the free room, 0 for as wide as its words."""

    title: str
    width: int = 0
    numeric: bool = False


@dataclass(frozen=True)
class Heading:
    """A heading; `level` 1 or 2."""

    text: str
    level: int = 1
    kind: str = field(default="heading", init=False)


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str
    kind: str = field(default="text", init=False)


@dataclass(frozen=True)
class Notice:
    """A sentence that must not be overlooked."""

    text: str
    kind: str = field(default="notice", init=False)


@dataclass(frozen=True)
class Facts:
    """Terms and what they are."""

    rows: Sequence[tuple[str, str]]
    kind: str = field(default="facts", init=False)


@dataclass(frozen=True)
class Items:
    """A list."""

    items: Sequence[str]
    kind: str = field(default="items", init=False)


@dataclass(frozen=True)
class Table:
    """A table; its headings are repeated on each page."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    kind: str = field(default="table", init=False)


@dataclass(frozen=True)
class Signatures:
    """A line to sign on for each name."""

    names: Sequence[str]
    kind: str = field(default="signatures", init=False)


Block = Heading | Text | Notice | Facts | Items | Table | Signatures


@dataclass(frozen=True)
class Document:
    """A document; `language` is `zh` or `en`, `foot` stands at the foot of each page."""

    title: str
    subtitle: str
    language: str
    foot: str
    blocks: Sequence[Block]


def pdf(document: Document, *, at: datetime) -> bytes:
    """The document as PDF. The same document `at` the same moment gives the same bytes."""
    compiled = typst.compile(
        TEMPLATE,
        font_paths=[FONTS],
        sys_inputs={"data": json.dumps(asdict(document), ensure_ascii=False)},
        timestamp=at.replace(microsecond=0),
    )
    assert isinstance(compiled, bytes)
    return compiled
