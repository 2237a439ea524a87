"""Reading an XLSX workbook that somebody uploaded, without trusting it (ECMA-376, part 1, chapter 18).

A reader of our own, because what is read here comes from strangers: calamine lays a sheet out densely between its
outermost cells and ends the process when two cells are far apart; openpyxl holds a whole row as a tree and stops at
styles it does not know. This one walks the parts with expat, keeps texts by reference, and stops at the first limit
that is passed. Besides the texts it tells what a roster needs to know of its cells: merged areas, dates, and numbers
shown with leading zeros.
"""

import io
import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from xml.parsers import expat

from concours.base.errors import DomainError, Invalid, TooLarge
from concours.base.messages import Message, msg

UNPACKED_LIMIT = 64 * 1024 * 1024  # bytes of all parts together
PARTS_LIMIT = 500
SHEETS_LIMIT = 20
COLUMNS_LIMIT = 64
MERGED_LIMIT = 1_000
PIECE = 256 * 1024  # bytes unpacked at a time

Place = tuple[int, int]  # row and column, from 1
Area = tuple[int, int, int, int]  # first row, first column, last row, last column, from 1

_BUILT_IN_DATES = frozenset({*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)})
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_WHOLE = re.compile(r"-?\d{1,15}")
_CELL = re.compile(r"\$?([A-Za-z]{1,3})\$?(\d{1,7})")


@dataclass
class Sheet:
    """A sheet's texts from A1 on, its merged areas, and the cells that hold a date."""

    name: str
    rows: list[list[str]] = field(default_factory=list)
    merged: list[Area] = field(default_factory=list)
    dates: set[Place] = field(default_factory=set)


def cell_name(row: int, column: int) -> str:
    """`B7` for row 7, column 2."""
    letters = ""
    while column > 0:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row}"


def area_name(area: Area) -> str:
    """`A3:A7` for an area."""
    return f"{cell_name(area[0], area[1])}:{cell_name(area[2], area[3])}"


def read_sheets(data: bytes, *, rows_limit: int) -> list[Sheet]:
    """The visible worksheets of the workbook `data`, in order.

    Raises Invalid where it cannot be read, and TooLarge where it reaches below row `rows_limit`, beyond COLUMNS_LIMIT
    columns or unpacks to more than UNPACKED_LIMIT bytes.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _Book(archive, rows_limit).sheets()
    except DomainError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        expat.ExpatError,
        NotImplementedError,
        RuntimeError,
        OSError,
        EOFError,
    ) as fault:
        raise _unreadable() from fault
    except (ValueError, KeyError, IndexError, OverflowError, LookupError) as fault:
        raise _unreadable() from fault


def _unreadable() -> Invalid:
    return Invalid(
        msg("This XLSX file is damaged or incomplete."),
        hint=msg("Open it in your spreadsheet program, save it again as XLSX, and upload that."),
        code="roster_unreadable",
    )


def _too_large(sentence: Message) -> TooLarge:
    hint = msg("Copy the columns of the roster into a new workbook and upload that.")
    return TooLarge(sentence, hint=hint, code="roster_too_large")


class _Book:
    """One workbook's parts, read in the order in which they need each other."""

    def __init__(self, archive: zipfile.ZipFile, rows_limit: int) -> None:
        self.archive = archive
        self.rows_limit = rows_limit
        parts = {part.filename: part.file_size for part in archive.infolist()}
        if "xl/workbook.xml" not in parts:
            raise Invalid(
                msg("This file is no XLSX workbook."),
                hint=msg("Save the roster as XLSX or CSV and upload that."),
                code="roster_type",
            )
        # zipfile never gives more of a part than is declared here, whatever the archive holds
        if len(parts) > PARTS_LIMIT or sum(parts.values()) > UNPACKED_LIMIT:
            limit = UNPACKED_LIMIT // 1024 // 1024
            raise _too_large(msg("The workbook unpacks to more than %(limit)s MB.", limit=limit))
        self.parts = parts
        self.epoch = datetime(1899, 12, 30)  # noqa: DTZ001  (a spreadsheet's day knows no zone)
        self.strings: list[str] = []
        self.zeros: dict[int, int] = {}
        self.date_styles: set[int] = set()

    def sheets(self) -> list[Sheet]:
        """All visible worksheets."""
        listed = self._listed()
        self._read_styles()
        self._read_strings()
        return [self._read_sheet(name, part) for name, part in listed]

    def _walk(
        self,
        part: str,
        start: Callable[[str, Mapping[str, str]], None],
        end: Callable[[str], None] = lambda _tag: None,
        text: Callable[[str], None] | None = None,
    ) -> None:
        """Calls back for the elements of a part, by their names without namespaces."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.StartElementHandler = lambda tag, given: start(tag.rpartition(" ")[2], given)
        parser.EndElementHandler = lambda tag: end(tag.rpartition(" ")[2])
        if text is not None:
            parser.CharacterDataHandler = text
        for piece in self._pieces(part):
            parser.Parse(piece, False)
        parser.Parse(b"", True)

    def _pieces(self, part: str) -> Iterator[bytes]:
        with self.archive.open(part) as source:
            while piece := source.read(PIECE):
                yield piece

    def _listed(self) -> list[tuple[str, str]]:
        """Names and parts of the visible sheets."""
        targets: dict[str, str] = {}
        sheets: list[tuple[str, str]] = []

        def relation(tag: str, given: Mapping[str, str]) -> None:
            if tag == "Relationship" and given.get("Type", "").endswith("/worksheet"):
                targets[given["Id"]] = posixpath.normpath(posixpath.join("/xl", given["Target"])).lstrip("/")

        def sheet(tag: str, given: Mapping[str, str]) -> None:
            if tag == "sheet" and given.get("state", "visible") == "visible":
                key = next((value for name, value in given.items() if name.endswith("relationships id")), "")
                sheets.append((given.get("name", ""), key))
            elif tag == "workbookPr" and given.get("date1904") in {"1", "true"}:
                self.epoch = datetime(1904, 1, 1)  # noqa: DTZ001

        if "xl/_rels/workbook.xml.rels" in self.parts:
            self._walk("xl/_rels/workbook.xml.rels", relation)
        self._walk("xl/workbook.xml", sheet)
        listed = {targets[key]: name for name, key in sheets if key in targets}  # each part is read once
        return [(name, part) for part, name in listed.items()][:SHEETS_LIMIT]

    def _read_styles(self) -> None:
        """Which cell styles show a date, and which pad a number with zeros (and to how many digits)."""
        if "xl/styles.xml" not in self.parts:
            return
        codes: dict[int, str] = {}
        styles: list[int] = []
        inside = [False]

        def start(tag: str, given: Mapping[str, str]) -> None:
            if tag == "numFmt":
                codes[int(given["numFmtId"])] = given.get("formatCode", "")
            elif tag == "cellXfs":
                inside[0] = True
            elif tag == "xf" and inside[0]:
                styles.append(int(given.get("numFmtId", 0)))

        def end(tag: str) -> None:
            inside[0] = inside[0] and tag != "cellXfs"

        self._walk("xl/styles.xml", start, end)
        for index, number in enumerate(styles):
            code = codes.get(number, "")
            if re.fullmatch(r"0{2,32}", code):
                self.zeros[index] = len(code)
            bare = re.sub(r'"[^"]*"|\[[^\]]*\]|\\.', "", code).lower()
            if number in _BUILT_IN_DATES or (code and re.search(r"[ydh]|m", bare) and not re.search(r"[0#]", bare)):
                self.date_styles.add(index)

    def _read_strings(self) -> None:
        """The shared texts; phonetic guides (rPh) are no part of a text."""
        if "xl/sharedStrings.xml" not in self.parts:
            return
        pieces: list[str] = []
        state = {"t": False, "rPh": False}

        def start(tag: str, _given: Mapping[str, str]) -> None:
            if tag == "si":
                pieces.clear()
            elif tag in state:
                state[tag] = True

        def end(tag: str) -> None:
            if tag == "si":
                self.strings.append(_unescape("".join(pieces)))
            elif tag in state:
                state[tag] = False

        def text(data: str) -> None:
            if state["t"] and not state["rPh"]:
                pieces.append(data)

        self._walk("xl/sharedStrings.xml", start, end, text)

    def _read_sheet(self, name: str, part: str) -> Sheet:
        reader = _SheetReader(self, Sheet(name))
        self._walk(part, reader.start, reader.end, reader.text)
        return reader.sheet


class _SheetReader:
    """Receives one worksheet's elements. Cells without `r` stand after the one before them."""

    def __init__(self, book: _Book, sheet: Sheet) -> None:
        self.book, self.sheet = book, sheet
        self.row = self.column = self.style = 0
        self.kind = "n"
        self.pieces: list[str] = []
        self.listening = self.guide = False

    def start(self, tag: str, given: Mapping[str, str]) -> None:
        """An element begins."""
        if tag == "c":
            self.row, self.column = _place(given["r"]) if "r" in given else (self.row, self.column + 1)
            self.kind, self.style = given.get("t", "n"), int(given.get("s", 0))
            self.pieces.clear()
        elif tag in {"v", "t"}:
            self.listening = not self.guide
        elif tag == "rPh":
            self.guide = True
        elif tag == "row":
            self.row, self.column = int(given.get("r", self.row + 1)), 0
        elif tag == "mergeCell" and len(self.sheet.merged) < MERGED_LIMIT:
            first, _, last = given["ref"].partition(":")
            self.sheet.merged.append((*_place(first), *_place(last or first)))

    def text(self, data: str) -> None:
        """Text within an element."""
        if self.listening:
            self.pieces.append(data)

    def end(self, tag: str) -> None:
        """An element ends."""
        if tag in {"v", "t"}:
            self.listening = False
        elif tag == "rPh":
            self.guide = False
        elif tag == "c" and self.pieces:
            found = self._value("".join(self.pieces))
            self.pieces.clear()
            if found:
                self._keep(found)

    def _keep(self, found: str) -> None:
        name = self.sheet.name
        if self.row < 1 or self.column < 1:
            raise ValueError(cell_name(self.row, self.column))
        if self.row > self.book.rows_limit:
            raise TooLarge(
                msg("The sheet “%(sheet)s” has more than %(limit)s rows.", sheet=name, limit=self.book.rows_limit),
                hint=msg("Split the list into several files, or copy it into a new workbook if it is not that long."),
                code="roster_too_large",
            )
        if self.column > COLUMNS_LIMIT:
            cell = cell_name(self.row, self.column)
            raise _too_large(msg("The sheet “%(sheet)s” has something in cell %(cell)s.", sheet=name, cell=cell))
        rows = self.sheet.rows
        while len(rows) < self.row:
            rows.append([])
        cells = rows[self.row - 1]
        while len(cells) < self.column:
            cells.append("")
        cells[self.column - 1] = found

    def _value(self, raw: str) -> str:
        if self.kind == "s":
            return self.book.strings[int(raw)]
        if self.kind == "b":
            return "TRUE" if raw.strip() == "1" else "FALSE"
        if self.kind != "n":
            return _unescape(raw)
        if self.style in self.book.date_styles:
            self.sheet.dates.add((self.row, self.column))
            return _day(self.book.epoch, raw)
        text = _number(raw.strip())
        return text.zfill(self.book.zeros[self.style]) if self.style in self.book.zeros and text.isdigit() else text


def _refuse_doctype(*_: object) -> None:
    raise _unreadable()  # office suites write none, and entities can grow without end


def _unescape(text: str) -> str:
    """`_x000D_` and its like are how a workbook writes characters that XML cannot (ECMA-376, 22.9.2.19)."""
    if "_x" not in text:
        return text
    units = _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")  # two halves are one character


def _number(raw: str) -> str:
    """A number as people typed it: 1001, never 1001.0; more than 15 digits stay in the form that shows what was
    lost.
    """
    if _WHOLE.fullmatch(raw):
        return raw
    value = float(raw)
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return raw.upper() if abs(value) >= 1e15 else repr(value)


def _day(epoch: datetime, raw: str) -> str:
    moment = epoch + timedelta(days=float(raw))
    return moment.strftime("%Y-%m-%d" if moment.time() == datetime.min.time() else "%Y-%m-%d %H:%M")


def _place(reference: str) -> Place:
    match = _CELL.fullmatch(reference)
    if match is None:
        raise ValueError(reference)
    column = 0
    for letter in match[1].upper():
        column = column * 26 + ord(letter) - 64
    return int(match[2]), column
