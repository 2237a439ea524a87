"""Small tables as people paste or send them (from a spreadsheet, CSV in UTF-8 or GB18030), and CSV that goes out."""

import csv
import io
from collections.abc import Iterable, Sequence

from concours.base import typed
from concours.base.errors import Invalid, TooLarge
from concours.base.messages import msg

CELL_LIMIT = 500  # characters of one cell
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def decode(data: bytes) -> str:
    """The text of a CSV file: UTF-8 (with or without a mark), UTF-16 with a mark, else GB18030 (which holds GBK).

    Raises Invalid when it is none of these.
    """
    marked = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Invalid(
        msg("The characters of this file cannot be read."),
        hint=msg("Save it as CSV in UTF-8 and send it again."),
        code="unknown_encoding",
    )


def read_rows(text: str, *, limit: int) -> list[tuple[int, list[str]]]:
    """The rows of a pasted or decoded table with their line numbers (from 1); empty rows are left out, cells cleaned.

    Cells are parted by tabs where the first line has one, else by commas (also the Chinese one) or semicolons.
    Raises TooLarge above `limit` rows and Invalid for a cell of more than 500 characters.
    """
    first = next((part for part in text.splitlines() if part.strip()), "")
    delimiter = "\t" if "\t" in first else ("," if "," in first else next((d for d in "，;；" if d in first), ","))
    rows: list[tuple[int, list[str]]] = []
    reader = csv.reader(io.StringIO(text.replace("\x00", ""), newline=""), delimiter=delimiter)
    try:
        for cells in reader:
            clean = [typed.line(cell) for cell in cells]
            if not any(clean):
                continue
            if any(len(cell) > CELL_LIMIT for cell in clean):
                raise Invalid(
                    msg(
                        "A cell in line %(line)s has more than %(limit)s characters.",
                        line=reader.line_num,
                        limit=CELL_LIMIT,
                    )
                )
            rows.append((reader.line_num, clean))
            if len(rows) > limit:
                raise TooLarge(
                    msg("This table has more than %(limit)s rows.", limit=limit),
                    hint=msg("Divide it into several and send one after the other."),
                )
    except csv.Error as reason:
        raise Invalid(msg("The table cannot be read from line %(line)s on.", line=reader.line_num)) from reason
    return rows


def quote(cell: object) -> str:
    """A cell that no spreadsheet takes for a formula: text that begins like one gets an apostrophe before it."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if isinstance(cell, str) and text.startswith(_FORMULA_STARTS) else text


def write_csv(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """A CSV file in UTF-8 with a mark (so that spreadsheets read Chinese), formulas made harmless."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([quote(cell) for cell in headings])
    writer.writerows([quote(cell) for cell in row] for row in rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()
