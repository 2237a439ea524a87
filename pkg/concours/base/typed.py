"""What people type, made fit to keep: no control characters, no lone surrogates, one form of each character.

Every text from a form, a roster or the API goes through `line` or `paragraphs` before a rule looks at it, so that
no database refuses it later (PostgreSQL takes neither NUL nor half of a surrogate pair).
"""

import unicodedata

_KEPT = {"\n", "\t"}
_UNSEEN = {"\u200b", "\u2060", "\ufeff"}  # spaces of no width, pasted along unnoticed


def _clean(value: str) -> str:
    whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    composed = unicodedata.normalize("NFC", whole.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(
        char for char in composed if char in _KEPT or (unicodedata.category(char) != "Cc" and char not in _UNSEEN)
    )


def line(value: str) -> str:
    """One line: cleaned, with every run of white space (also the ideographic one) as one blank, none at the ends."""
    return " ".join(_clean(value).split())


def paragraphs(value: str) -> str:
    """Several lines: cleaned, no blanks at the ends of lines, none before the first or after the last line."""
    return "\n".join(part.rstrip() for part in _clean(value).split("\n")).strip()
