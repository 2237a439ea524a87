"""`create_app`: configuration, extensions, rooms, error pages."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from flask import request
from flask_migrate import Migrate

from concours import __version__
from concours.base import config as configuration
from concours.base.db import db, engine_options, prepare_engine, set_reading
from concours.base.queue import init_queue
from concours.base.redis import init_redis
from concours.base.storage import init_storage
from concours.identity.access import init_access
from concours.web.errors import init_errors
from concours.web.forgery import Protection
from concours.web.headers import init_headers
from concours.web.health import init_health
from concours.web.i18n import init_i18n
from concours.web.metrics import init_metrics
from concours.web.proxies import init_proxies
from concours.web.rooms import register_rooms
from concours.web.times import init_times

ROOT = Path(__file__).resolve().parents[2]
BODY_LIMIT = 16 * 1024 * 1024  # bytes of one request; uploads come in chunks of at most 8 MiB

csrf = Protection()


def create_app(environ: Mapping[str, str] | None = None, **overrides: Any) -> APIFlask:
    """The application. `environ` is where settings are read (default: the process'); `overrides` are for tests.

    Raises ConfigError when a setting cannot be used.
    """
    settings = configuration.load(os.environ if environ is None else environ, root=ROOT)
    app = APIFlask(
        "concours",
        title="Concours",
        version=__version__,
        static_folder="web/static",
        static_url_path="/static",
        template_folder="web/templates",
        instance_path=settings["INSTANCE"],
        spec_path=None,
        docs_path=None,
        json_errors=False,
    )
    app.config.update(settings)
    app.config.update(
        SQLALCHEMY_DATABASE_URI=settings["DATABASE_URL"],
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings),
        MAX_CONTENT_LENGTH=BODY_LIMIT,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        SESSION_COOKIE_NAME="concours",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings["SECURE_COOKIES"],
        WTF_CSRF_TIME_LIMIT=None,
        SEND_FILE_MAX_AGE_DEFAULT=3600,
        JSON_AS_ASCII=False,
    )
    app.config.update(overrides)
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.url_value_preprocessor(_note_reading)  # before anything that may read the database

    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)
    Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
    init_redis(app)
    init_queue(app)
    init_storage(app)
    csrf.init_app(app)
    init_i18n(app)
    init_times(app)
    init_errors(app)
    init_headers(app)
    init_metrics(app)
    register_rooms(app, csrf)
    init_health(app)
    init_access(app)
    init_proxies(app)
    return app


def _note_reading(_endpoint: str | None, _values: dict[str, Any] | None) -> None:
    set_reading(request.method in {"GET", "HEAD", "OPTIONS"})
