"""Within a room: edges (routes, forms, jobs) > verbs > models. Verbs and models never see a request."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "pkg" / "concours"
WEB = {"flask", "apiflask", "werkzeug", "flask_login", "flask_babel"}
ROOMS = ("audit", "identity", "events", "media", "teams", "clips", "entries", "jury", "voting", "exhibition")

EDGES = {
    "identity": {
        "access",
        "address",
        "addresses",
        "admin_routes",
        "blueprint",
        "forms",
        "my_routes",
        "routes",
        "sign_in",
    },
    "events": {
        "api",
        "blueprint",
        "category_forms",
        "category_routes",
        "context",
        "desk_routes",
        "navigation",
        "people_routes",
        "routes",
        "words",
    },
    "media": {"delivery", "form", "jobs", "protocol", "routes", "tus"},
    "teams": {"blueprint", "roster_routes", "routes"},
    "clips": {"routes", "words"},
    "entries": {"answers", "api", "author_routes", "blueprint", "desk_routes", "file_routes", "form_page", "routes"},
    "jury": {
        "api",
        "conflict_routes",
        "desk_routes",
        "forms",
        "judge_routes",
        "discussion_routes",
        "kind_routes",
        "pair_routes",
        "pages",
        "panel_routes",
        "protocol_routes",
        "remark_routes",
        "result_routes",
        "routes",
    },
    "voting": {
        "api",
        "ballots",
        "booth",
        "by_form",
        "check_pages",
        "closing_desk",
        "desk",
        "doorway",
        "entrance",
        "front",
        "pages",
        "public",
        "refused",
        "routes",
        "sequencer",
        "told",
    },
    "exhibition": {"routes"},
}
"""The modules of each room that may see a request (or, the sequencer, an application). Everything else may not."""


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _modules() -> Iterator[tuple[str, str, set[str]]]:
    for room in ROOMS:
        for path in sorted((PACKAGE / room).rglob("*.py")):
            yield room, path.stem, set(_imported(path))


def test_only_the_edges_of_a_room_see_a_request() -> None:
    wrong = [
        f"{room}/{module}.py"
        for room, module, imported in _modules()
        if module not in EDGES.get(room, set()) and any(name.split(".")[0] in WEB for name in imported)
    ]
    assert not wrong, f"these see a request and are not edges of their room: {wrong}"


def test_what_is_not_an_edge_does_not_lean_on_one() -> None:
    pages = {f"concours.{room}.{name}" for room, names in EDGES.items() for name in names if "routes" in name}
    wrong = [
        f"{room}/{module}.py imports {name}"
        for room, module, imported in _modules()
        if module not in EDGES.get(room, set())
        for name in imported & pages
    ]
    assert not wrong
