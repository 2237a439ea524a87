"""Days as people read them, in the reader's language."""

from datetime import date

from babel.dates import format_date
from flask import Flask
from flask_babel import get_locale


def _format(day: date, chinese: str, english: str) -> str:
    locale = get_locale()
    is_english = locale is not None and locale.language == "en"
    return str(format_date(day, english if is_english else chinese, locale="en" if is_english else "zh"))


def calendar_day(day: date) -> str:
    """6月9日, or 9 Jun."""
    return _format(day, "M月d日", "d MMM")


def calendar_short(day: date) -> str:
    """6/9, or 9 Jun: the head of a week."""
    return _format(day, "M/d", "d MMM")


def init_words(app: Flask) -> None:
    """Registers the filters."""
    app.jinja_env.filters.update(calendar_day=calendar_day, calendar_short=calendar_short)
