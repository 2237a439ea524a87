"""Who reaches which page of the exhibition."""

from concours.exhibition.models import Hall
from tests.access import EVERYONE, Row, World
from tests.exhibition.build import exhibition


def _hall(world: World) -> Hall:
    return exhibition(world.make, world.event, 2)[0]


def _at(world: World, rest: str) -> str:
    return f"/events/{world.event.slug}/{rest}"


RUN = {"organiser", "admin"}

ROWS = [
    Row("exhibition.desk", "GET", lambda w: _at(w, "exhibition/desk"), RUN | {"auditor"}),
    Row(
        "exhibition.hang",
        "POST",
        lambda w: (_hall(w), _at(w, "exhibition/halls"))[1],
        RUN,
        data=lambda w: {"title": "二号厅", "introduction": "", "category": ""},
    ),
    Row("exhibition.edit", "GET", lambda w: _at(w, f"exhibition/halls/{_hall(w).id}"), RUN),
    Row(
        "exhibition.edit",
        "POST",
        lambda w: _at(w, f"exhibition/halls/{_hall(w).id}"),
        RUN,
        data=lambda w: {"title": "改名", "introduction": ""},
    ),
    Row("exhibition.doors", "POST", lambda w: _at(w, f"exhibition/halls/{_hall(w).id}/doors"), RUN),
    Row(
        "exhibition.take_down",
        "POST",
        lambda w: _at(w, f"exhibition/halls/{_hall(w).id}/take-down"),
        {"organiser"},
        data=lambda w: {"number": 1},
    ),
    Row("exhibition.dissolve", "POST", lambda w: _at(w, f"exhibition/halls/{_hall(w).id}/dissolve"), {"organiser"}),
    Row("exhibition.entrance", "GET", lambda w: _at(w, "exhibition"), EVERYONE),
    Row("exhibition.hall", "GET", lambda w: _at(w, f"exhibition/{_hall(w).position}"), EVERYONE),
    Row("exhibition.work", "GET", lambda w: (_hall(w), _at(w, "works/1"))[1], EVERYONE),
    Row("exhibition.show_results", "GET", lambda w: _at(w, "results"), EVERYONE),
]
