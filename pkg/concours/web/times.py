"""Times and numbers as people read them: in the event's zone, in the reader's language."""

from datetime import datetime
from typing import Any

from babel.dates import format_datetime, get_timezone
from babel.numbers import format_decimal
from flask import Flask, current_app, g
from flask_babel import get_locale


def _zone(zone: str | None) -> str:
    return zone or g.get("zone") or current_app.config["DEFAULT_TIMEZONE"]


def _locale() -> Any:
    return get_locale() or current_app.config["DEFAULT_LOCALE"]


def moment(value: datetime | None, zone: str | None = None) -> str:
    """Date and time to the minute, for example 2021年6月9日 09:00."""
    if value is None:
        return "–"
    pattern = "y年M月d日 HH:mm" if _locale().language == "zh" else "d MMM y, HH:mm"
    return str(format_datetime(value, pattern, tzinfo=get_timezone(_zone(zone)), locale=_locale()))


def day(value: datetime | None, zone: str | None = None) -> str:
    """The date alone."""
    if value is None:
        return "–"
    pattern = "y年M月d日" if _locale().language == "zh" else "d MMM y"
    return str(format_datetime(value, pattern, tzinfo=get_timezone(_zone(zone)), locale=_locale()))


def wall(value: datetime | None, zone: str | None = None) -> str:
    """The value of a `datetime-local` input, in the event's zone, to the second."""
    if value is None:
        return ""
    return value.astimezone(get_timezone(_zone(zone))).strftime("%Y-%m-%dT%H:%M:%S")


def number(value: float | int) -> str:
    """Digits grouped as the language does."""
    return str(format_decimal(value, locale=_locale()))


def size(value: int) -> str:
    """Bytes as KB or MB (powers of 1,024), one decimal."""
    if value < 1024 * 1024:
        return f"{max(1, round(value / 1024))} KB"
    return f"{value / 1024 / 1024:.1f} MB"


def init_times(app: Flask) -> None:
    """Registers the filters."""
    app.jinja_env.filters.update(moment=moment, day=day, wall=wall, number=number, size=size)
