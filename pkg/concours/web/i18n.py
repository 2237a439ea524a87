"""Languages: Chinese first, English complete.

Sentences are written in English in the code; each room keeps its Chinese in `translations/zh.po`. The
catalogues are read as they are when the application starts (no compiled files to go stale).
"""

import io
from functools import lru_cache
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, request
from flask_babel import Babel, get_locale, gettext
from flask_babel import Domain as _Domain
from werkzeug.datastructures import LanguageAccept

from concours.base.messages import Message

PACKAGE = Path(__file__).resolve().parent.parent
LANGUAGES = {"zh": "中文", "en": "English"}
COOKIE = "language"


@lru_cache(maxsize=1)
def load_chinese() -> Translations:
    """All rooms' Chinese in one catalogue, read once per process."""
    merged = Translations()
    merged.plural = lambda _count: 0  # Chinese has one form; merge() does not bring it along
    for path in sorted(PACKAGE.glob("*/translations/zh.po")):
        with path.open("rb") as source:
            catalog = read_po(source, locale="zh", ignore_obsolete=True)
        compiled = io.BytesIO()
        write_mo(compiled, catalog)
        compiled.seek(0)
        merged.merge(Translations(compiled))
    return merged


class _Catalogues(_Domain):  # type: ignore[misc]
    """Flask-Babel's domain, reading from the merged catalogue instead of .mo files."""

    def __init__(self) -> None:
        super().__init__()
        self._chinese = load_chinese()
        self._english = NullTranslations()

    def get_translations(self) -> Any:
        """The catalogue of the reader's language."""
        return self._chinese if language() == "zh" else self._english


def language() -> str:
    """The reader's language, `zh` or `en`."""
    locale = get_locale()
    return "zh" if locale is None or locale.language == "zh" else "en"


def gap() -> str:
    """What stands between two sentences: a space, and in Chinese nothing."""
    return "" if language() == "zh" else " "


def select_language(default: str) -> str:
    """What the reader asked for: the switch in the page, the account, the browser, else the site's default."""
    asked = request.cookies.get(COOKIE)
    if asked in LANGUAGES:
        return asked
    account = None if g.get("frame_is_quiet") else g.get("_login_user")
    if account is not None and getattr(account, "locale", None) in LANGUAGES:
        return str(account.locale)
    return heard_language(None, request.accept_languages, default)


def heard_language(asked: str | None, accepted: LanguageAccept, default: str) -> str:
    """The language of a reader without an account: of the switch (`asked`), the browser, else the site's default."""
    if asked in LANGUAGES:
        return str(asked)
    best = accepted.best_match(["zh-CN", "zh-Hans", "zh", "en"])
    if best is None:
        return default
    return "zh" if best.startswith("zh") else "en"


def translate(message: object) -> str:
    """A domain sentence in the reader's language; a text (or a number) is what it is."""
    if not isinstance(message, Message):
        return message if isinstance(message, str) else str(message)
    values = {key: translate(value) if isinstance(value, Message) else value for key, value in message.values.items()}
    translated: str = gettext(message.text)
    return translated % values if values else translated


def revive(kept: dict[str, Any]) -> Message:
    """The sentence that was kept as {text, values}; values may be sentences themselves."""
    values = {
        key: revive(value) if isinstance(value, dict) and "text" in value else value
        for key, value in (kept.get("values") or {}).items()
    }
    return Message(str(kept["text"]), values)


def stored(message: dict[str, Any] | None) -> str:
    """A sentence that was kept in the database as {text, values}, in the reader's language."""
    return translate(revive(message)) if message else ""


def init_i18n(app: Flask) -> None:
    """Languages for the application and its templates."""
    app.config["BABEL_DEFAULT_LOCALE"] = app.config["DEFAULT_LOCALE"]
    babel = Babel()
    babel.init_app(
        app,
        default_locale=app.config["DEFAULT_LOCALE"],
        locale_selector=lambda: select_language(app.config["DEFAULT_LOCALE"]),
    )
    app.extensions["babel"].instance.domain_instance = _Catalogues()
    app.jinja_env.globals.update(language=language, gap=gap, LANGUAGES=LANGUAGES)
    app.jinja_env.filters.update(said=translate, stored=stored)


__all__ = ["COOKIE", "LANGUAGES", "init_i18n", "language", "revive", "stored", "translate"]
