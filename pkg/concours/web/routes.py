"""Routes of the web room: the front page, the language switch, the API's description, small files at the root."""

from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
)

from concours.base import clock
from concours.identity.access import PUBLIC, allow, signed_in
from concours.web.apidoc import description, operations
from concours.web.assets import asset, init_assets
from concours.web.frame import init_frame, relative
from concours.web.front import events_for, exhibited
from concours.web.i18n import COOKIE, LANGUAGES
from concours.web.steps import init_steps
from concours.web.words import init_words

bp = Blueprint("web", __name__, template_folder="templates")

LANGUAGE_S = 365 * 24 * 3600  # how long the switch is remembered
ROBOTS = """User-agent: *
Disallow: /api/
Disallow: /language/
Disallow: /sign-in
Disallow: /uploads
"""


@bp.get("/")
@allow(PUBLIC)
def front() -> str:
    """All events and what can be done in them now."""
    now = clock.now()
    after = request.args.get("after", type=int)
    cards, next_after = events_for(signed_in(), now, after)
    works = exhibited(now) if after is None else []
    return render_template("web/front.html", cards=cards, next_after=next_after, after=after, works=works)


@bp.get("/language/<code>")
@allow(PUBLIC)
def switch_language(code: str) -> Response:
    """Remembers the language in a cookie and goes back to where the switch was pressed."""
    if code not in LANGUAGES:
        abort(404)
    response = make_response(redirect(relative(request.args.get("next", "")), 303))
    response.set_cookie(
        COOKIE,
        code,
        max_age=LANGUAGE_S,
        samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
    )
    return response


@bp.get("/api/openapi.json")
@allow(PUBLIC)
def openapi() -> Response:
    """The JSON API's description (OpenAPI 3.1)."""
    response = jsonify(description())
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


@bp.get("/api/docs")
@allow(PUBLIC)
def api_docs() -> str:
    """The same, to be read."""
    return render_template("web/api_docs.html", groups=operations(description()))


@bp.get("/robots.txt")
@allow(PUBLIC)
def robots() -> Response:
    """What crawlers leave alone."""
    return Response(ROBOTS, mimetype="text/plain")


@bp.get("/favicon.ico")
@allow(PUBLIC)
def favicon() -> Response:
    """The seal, for those who ask without reading the page."""
    return make_response(redirect(asset("img/seal.svg"), 302))


@bp.get("/manifest.webmanifest")
@allow(PUBLIC)
def manifest() -> Response:
    """The web app manifest: name, colours and icon for a home screen."""
    name = current_app.config["SITE_NAME"]
    content: dict[str, Any] = {
        "name": name,
        "short_name": name.split(" ")[0],
        "start_url": "/",
        "display": "minimal-ui",
        "background_color": "#f7f3ea",
        "theme_color": "#f7f3ea",
        "icons": [{"src": asset("img/seal.svg"), "sizes": "any", "type": "image/svg+xml"}],
    }
    response = jsonify(content)
    response.mimetype = "application/manifest+json"
    return response


def init_app(app: Flask, csrf: Any) -> None:  # noqa: ARG001
    """Registers the room's routes and what templates may ask for."""
    init_assets(app)
    init_frame(app)
    init_words(app)
    init_steps(app)
    app.register_blueprint(bp)
