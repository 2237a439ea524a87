"""Reading a CSV file that somebody uploaded: UTF-8, UTF-16 with its mark, or GB18030 (of which GBK and GB 2312 are
parts).

Nothing is guessed silently: bytes that are none of these are refused, and so is text that can be decoded as GB18030
but reads like no Chinese (Shift-JIS and Big5 decode without an error, into characters hardly anybody has in a name).
"""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator

from concours.base.errors import Invalid, TooLarge
from concours.base.messages import Message, msg

FIELD_LIMIT = 10_000  # characters of one cell
DELIMITERS = (",", "\t", ";", "，", "|")
COMMON_SHARE = 0.6  # of the characters beyond ASCII; Chinese rosters have 0.9 and more, Shift-JIS and Big5 below 0.4


def decode(data: bytes) -> str:
    """The text of the file. Raises Invalid, with the way out, where its encoding is not one that is read."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _strictly(data, "utf-16")
    if b"\0" in data:
        raise Invalid(
            msg("This file is neither XLSX nor text."),
            hint=msg("Save the roster as XLSX or CSV and upload that."),
            code="roster_type",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        if _nearly_utf8(data):
            line = data.count(b"\n", 0, fault.start) + 1
            raise Invalid(
                msg("The file is UTF-8, but line %(line)s holds bytes that are no text.", line=line),
                hint=msg("Open it in your spreadsheet program, look at that line, and save it again as XLSX."),
                code="roster_encoding",
            ) from fault
    text = _strictly(data, "gb18030")
    if not reads_like_chinese(text):
        raise _encoding(
            msg("Read as Chinese (GBK), the file says “%(sample)s”, which is no Chinese.", sample=_sample(text))
        )
    return text


def reads_like_chinese(text: str) -> bool:
    """Whether most of its characters beyond ASCII are of GB 2312, as in ordinary Chinese text. Rare names are few."""
    counted = Counter(character for character in text if ord(character) > 127)
    common = sum(count for character, count in counted.items() if _is_common(character))
    return counted.total() < 3 or common >= COMMON_SHARE * counted.total()


def records(text: str) -> Iterator[list[str]]:
    """The file's rows in order, each a list of cells; blank rows are there too, so that numbers match the
    spreadsheet's.

    Raises Invalid where a row cannot be read and TooLarge where a cell is longer than FIELD_LIMIT.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    row = 0
    while True:
        row += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            raise Invalid(
                msg("Row %(row)s cannot be read as CSV: a quotation mark may be missing.", row=row),
                hint=msg("Open the file in your spreadsheet program, save it as XLSX, and upload that."),
                code="roster_unreadable",
            ) from fault
        if any(len(cell) > FIELD_LIMIT for cell in cells):
            raise TooLarge(
                msg("A cell in row %(row)s is longer than %(limit)s characters.", row=row, limit=FIELD_LIMIT),
                hint=msg("A quotation mark that is never closed swallows the rows after it: look at that row."),
                code="roster_too_large",
            )
        yield cells


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as fault:
        raise _encoding(msg("The file is text in an encoding that is not read here.")) from fault


def _encoding(sentence: Message) -> Invalid:
    return Invalid(
        sentence,
        hint=msg("Save it as XLSX, or as CSV in UTF-8 or GBK, and upload that. Shift-JIS and Big5 are not read."),
        code="roster_encoding",
    )


def _nearly_utf8(data: bytes) -> bool:
    """Whether it is UTF-8 but for a few bytes: most of what lies beyond ASCII decodes."""
    text = data.decode("utf-8", "replace")
    beyond = sum(ord(character) > 127 for character in text)
    return text.count("\ufffd") * 5 <= beyond


def _is_common(character: str) -> bool:
    try:
        lead = character.encode("gb2312")[0]
    except UnicodeEncodeError:
        return False
    return 0xB0 <= lead <= 0xF7 or lead in {0xA1, 0xA3}


def _sample(text: str) -> str:
    strange = next((i for i, character in enumerate(text) if ord(character) > 127), 0)
    return " ".join(text[strange : strange + 12].split())


def _delimiter(text: str) -> str:
    """What parts the cells: the delimiter that stands most often in the first lines."""
    head = "\n".join(text.splitlines()[:20]) if len(text) < 100_000 else text[:4_000]
    return max(DELIMITERS, key=head.count)
