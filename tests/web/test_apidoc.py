"""The API's description is the application's own, and reads as a page."""

from apiflask import APIBlueprint, APIFlask
from flask.testing import FlaskClient
from pydantic import BaseModel, Field

from concours.identity.access import PUBLIC, allow


class Brush(BaseModel):
    """What is sent."""

    hair: str = Field(description="Wolf or goat", max_length=8)
    sizes: list[int] = []


class Stroke(BaseModel):
    """What comes back."""

    brush: Brush
    length: int | None = Field(default=None, description="In pixels")


def _draw(app: APIFlask) -> None:
    room = APIBlueprint("drawing", __name__, tag="Drawing")

    @room.post("/api/v1/papers/<int:paper>/strokes")
    @allow(PUBLIC)
    @room.input(Brush, arg_name="brush")
    @room.output(Stroke, status_code=201)
    def stroke(paper: int, brush: Brush) -> dict[str, object]:
        """Draws a stroke.

        On paper.
        """
        return {"brush": brush.model_dump(), "length": paper}

    app.register_blueprint(room)


def test_the_document_is_openapi(client: FlaskClient) -> None:
    told = client.get("/api/openapi.json").get_json()
    assert told["openapi"].startswith("3.")
    assert told["info"]["title"] == "Concours"


def test_only_the_api_is_described(client: FlaskClient) -> None:
    described = set(client.get("/api/openapi.json").get_json()["paths"])
    assert "/api/v1/polls/{poll_id}/votes" in described
    assert not {"/", "/me", "/sign-in", "/uploads", "/events/{event_slug}/"} & described


def test_the_page_shows_addresses_fields_and_limits(app: APIFlask, client: FlaskClient) -> None:
    _draw(app)
    page = client.get("/api/docs").text
    assert "/api/v1/papers/{paper}/strokes" in page
    assert "Draws a stroke." in page
    for seen in ("hair", "Wolf or goat", "string ≤ 8", "[integer]", "brush.hair", "In pixels", "201"):
        assert seen in page, seen


def test_what_does_not_fit_the_model_is_a_problem_with_its_fields(app: APIFlask, client: FlaskClient) -> None:
    _draw(app)
    answer = client.post("/api/v1/papers/3/strokes", json={"hair": "far too long"})
    assert (answer.status_code, answer.mimetype) == (422, "application/problem+json")
    told = answer.get_json()
    assert told["code"] == "http_422"
    assert [problem["field"] for problem in told["problems"]] == ["hair"]


def test_small_files_at_the_root(client: FlaskClient) -> None:
    manifest = client.get("/manifest.webmanifest")
    assert manifest.mimetype == "application/manifest+json"
    assert client.get(manifest.get_json()["icons"][0]["src"]).mimetype == "image/svg+xml"
    assert client.get("/favicon.ico", follow_redirects=True).mimetype == "image/svg+xml"
    assert "Disallow: /api/" in client.get("/robots.txt").text
