"""Small words of pages: statuses with their tone, waiting times, the characters of a seal."""

from flask import Flask
from flask_babel import ngettext

from concours.base.messages import Message, msg
from concours.web.i18n import translate

STATUSES: dict[str, tuple[Message, str]] = {
    "draft": (msg("Draft"), "neutral"),
    "submitted": (msg("Submitted"), "info"),
    "returned": (msg("Returned"), "wait"),
    "accepted": (msg("Accepted"), "good"),
    "rejected": (msg("Rejected"), "bad"),
    "withdrawn": (msg("Withdrawn"), "neutral"),
    "selected": (msg("Selected"), "seal"),
    "published": (msg("Published"), "good"),
    "archived": (msg("Archived"), "neutral"),
    "checking": (msg("Being checked"), "wait"),
    "ready": (msg("Ready"), "good"),
    "valid": (msg("Counted"), "good"),
    "refused": (msg("Refused"), "bad"),
    "open": (msg("Under way"), "good"),
    "closed": (msg("Closed"), "neutral"),
    "reading": (msg("Being read"), "wait"),
    "checked": (msg("Checked"), "info"),
    "applying": (msg("Being applied"), "wait"),
    "applied": (msg("Applied"), "good"),
    "failed": (msg("Failed"), "bad"),
    "dismissed": (msg("Dismissed"), "neutral"),
    "recorded": (msg("Recorded"), "good"),
    "provisional": (msg("Being recorded"), "wait"),
}


def status_name(status: str) -> str:
    """The word for a status, in the reader's language; an unknown status is shown as it is."""
    known = STATUSES.get(str(status))
    return translate(known[0]) if known else str(status)


def tone(status: str) -> str:
    """The tone of a status: neutral, wait, good, bad, info or seal."""
    known = STATUSES.get(str(status))
    return known[1] if known else "neutral"


def wait(seconds: int) -> str:
    """A waiting time as people say it: seconds up to 90, then minutes, then hours, rounded up."""
    if seconds <= 90:
        return str(ngettext("%(num)d second", "%(num)d seconds", max(1, seconds)))
    if seconds <= 90 * 60:
        return str(ngettext("%(num)d minute", "%(num)d minutes", -(-seconds // 60)))
    return str(ngettext("%(num)d hour", "%(num)d hours", -(-seconds // 3600)))


def sealed(text: str) -> str:
    """What a seal of this text shows: its first two characters where they are Chinese, else its first letter."""
    letters = [character for character in str(text) if character.isalnum()]
    chinese = [character for character in letters if ord(character) >= 0x3400]
    return "".join(chinese[:2]) or "".join(letters[:1]).upper() or "·"


def init_words(app: Flask) -> None:
    """Registers the filters."""
    app.jinja_env.filters.update(status_name=status_name, tone=tone, wait=wait, sealed=sealed)
