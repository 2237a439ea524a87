"""Who reaches which page of the exhibition."""

import sqlalchemy as sa

from concours.base.db import session
from concours.exhibition import verbs
from concours.exhibition.models import Hall
from tests.access import EVERYONE, Row, World
from tests.exhibition.build import exhibition


def _hall(world: World) -> Hall:
    if not hasattr(world, "exhibited"):
        world.exhibited = exhibition(world.make, world.event, 2)[1]
        return session().scalars(sa.select(Hall).where(Hall.event_id == world.event.id)).one()
    hall = verbs.hang(
        world.event, title="又一厅", introduction="", category_id=None, actor=world.organiser, now=world.make.now
    )
    session().commit()
    return hall


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
        RUN,
        data=lambda w: {"number": 1},
        anew=True,
    ),
    Row("exhibition.dissolve", "POST", lambda w: _at(w, f"exhibition/halls/{_hall(w).id}/dissolve"), RUN, anew=True),
    Row("exhibition.entrance", "GET", lambda w: _at(w, "exhibition"), EVERYONE),
    Row("exhibition.hall", "GET", lambda w: _at(w, f"exhibition/{_hall(w).position}"), EVERYONE),
    Row("exhibition.work", "GET", lambda w: (_hall(w), _at(w, "works/1"))[1], EVERYONE),
    Row("exhibition.show_results", "GET", lambda w: _at(w, "results"), EVERYONE),
]
