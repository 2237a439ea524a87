"""Passwords: how they are kept, and which are too easy to guess.

Kept with Argon2id at the first setting of OWASP's Password Storage Cheat Sheet (19 MiB, two passes, one lane): some
30 ms of one core, so that a department that signs in at nine o'clock does not stall the site.
"""

import re
import unicodedata
from functools import cache
from itertools import pairwise
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from concours.base.errors import FieldProblem, Invalid
from concours.base.messages import Message, msg

MIN_LENGTH = 10  # characters, after NFKC
MAX_LENGTH = 128
MIN_DISTINCT = 5  # different characters
OWN_NAME_FROM = 4  # characters from which a name inside a password counts

_hasher = PasswordHasher(memory_cost=19_456, time_cost=2, parallelism=1)
_ROWS = ("1234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv5tgb6yhn7ujm", "1q2w3e4r5t6y7u8i9o0p")
_LEET = str.maketrans("@0$31!", "aosell")


def normal(password: str) -> str:
    """The password in one form (NFKC, no blanks at the ends): full-width and half-width digits are the same."""
    return unicodedata.normalize("NFKC", password.encode("utf-16", "surrogatepass").decode("utf-16", "replace")).strip()


def hash_password(password: str) -> str:
    """What is kept of a password."""
    return _hasher.hash(normal(password))


@cache
def _nobody() -> str:
    return _hasher.hash("the password of nobody at all")


def matches(kept: str | None, password: str) -> bool:
    """Whether `password` is the one that was kept; takes as long where nothing was kept, and answers False."""
    text = normal(password[: MAX_LENGTH * 4])
    try:
        _hasher.verify(kept or _nobody(), text)
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None


def needs_renewal(kept: str) -> bool:
    """Whether it was kept with other settings than today's."""
    return _hasher.check_needs_rehash(kept)


def weakness(password: str, *own_names: str) -> Message | None:
    """Why this may not be a new password, or None; `own_names` are the account's names, which it must not rest on."""
    text = normal(password)
    if len(text) < MIN_LENGTH:
        return msg("A password needs at least %(limit)s characters; a short sentence is fine.", limit=MIN_LENGTH)
    if len(text) > MAX_LENGTH:
        return msg("A password has at most %(limit)s characters.", limit=MAX_LENGTH)
    if len(set(text)) < MIN_DISTINCT:
        return msg("This repeats the same few characters; use at least %(limit)s different ones.", limit=MIN_DISTINCT)
    lower = text.lower()
    for name in own_names:
        own = normal(name).lower()
        rest = lower.replace(own, "")
        if len(own) >= OWN_NAME_FROM and own in lower and len(rest) < MIN_LENGTH - OWN_NAME_FROM:
            return msg("This is too close to your name or staff number. Choose something nobody would guess.")
    if _is_common(lower) or _is_sequence(lower):
        return msg("This password is on every list of common ones. Choose something nobody would guess.")
    return None


def require_strong(password: str, again: str, *own_names: str, field: str = "password") -> None:
    """Raises Invalid where the new password is too weak or was not typed the same twice."""
    problem = weakness(password, *own_names)
    if problem is not None:
        raise Invalid(problems=[FieldProblem(field, problem)], code="weak_password")
    if normal(password) != normal(again):
        raise Invalid(
            problems=[FieldProblem(f"{field}_again", msg("The two passwords differ. Please type the same one twice."))],
            code="passwords_differ",
        )


@cache
def _common() -> frozenset[str]:
    return frozenset((Path(__file__).parent / "common_passwords.txt").read_text(encoding="utf-8").split())


def _is_common(lower: str) -> bool:
    trunk = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", lower)
    known = _common()
    return lower in known or (len(lower) < 16 and bool({trunk, trunk.translate(_LEET)} & known))


def _is_sequence(lower: str) -> bool:
    """Whether four of five neighbours follow each other in the alphabet, in counting or on the keyboard."""
    rows = _ROWS + tuple(row[::-1] for row in _ROWS)
    steps = sum(
        ord(after) - ord(before) in {-1, 0, 1} or any(before + after in row for row in rows)
        for before, after in pairwise(lower)
    )
    return steps >= 0.8 * (len(lower) - 1)
