"""What people type, made fit to keep: no control characters, no lone surrogates, one form of each character.

Every text from a form, a roster or the API goes through `line` or `paragraphs` before a rule looks at it, so that
no database refuses it later (PostgreSQL takes neither NUL nor half of a surrogate pair).
"""

import re
import unicodedata

GREATEST_NUMBER = 2**63 - 1  # what both databases take for a row's number
_DROPPED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2060\ufeff]")
"""Control characters (Unicode's category Cc) but line feed and tab; spaces of no width, pasted along unnoticed."""


def _clean(value: str) -> str:
    whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    composed = unicodedata.normalize("NFC", whole.replace("\r\n", "\n").replace("\r", "\n"))
    return _DROPPED.sub("", composed)


def line(value: str) -> str:
    """One line: cleaned, with every run of white space (also the ideographic one) as one blank, none at the ends."""
    return " ".join(_clean(value).split())


def paragraphs(value: str) -> str:
    """Several lines: cleaned, no blanks at the ends of lines, none before the first or after the last line."""
    return "\n".join(part.rstrip() for part in _clean(value).split("\n")).strip()


def number(text: str | None) -> int | None:
    """A row's number from an address, a form or a header: digits that a database takes; None for all else."""
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > 19:
        return None
    found = int(text)
    return found if found <= GREATEST_NUMBER else None
