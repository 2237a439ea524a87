"""Who gets past the gate of every route of teams and rosters."""

from typing import Any

from concours.teams.models import ImportStatus, Member
from tests.access import Row, World
from tests.clips.builders import clip
from tests.teams.builders import roster

LOOKING = {"coordinator", "coordinator_other", "auditor", "organiser", "admin"}
CHANGING = {"coordinator", "coordinator_other", "organiser", "admin"}
OWN_CHANGING = {"coordinator", "organiser", "admin"}
OWN_LOOKING = OWN_CHANGING | {"auditor"}


def _team(w: World) -> str:
    return f"/events/{w.event.slug}/teams/{w.team.id}"


def _roster(w: World, **values: Any) -> str:
    return f"/events/{w.event.slug}/rosters/{roster(w.make, w.event, w.coordinator, **values).id}"


def _somebody(w: World) -> Member:
    """Somebody who cannot be taken out (there is a clip), so that asking again is not asking for nobody."""
    member = w.make.member(w.team)
    clip(w.make, member)
    return member


ROWS = [
    Row("teams.index", "GET", lambda w: f"/events/{w.event.slug}/teams", LOOKING),
    Row("teams.export_roster", "GET", lambda w: f"/events/{w.event.slug}/teams/export.csv", LOOKING),
    Row("teams.create_form", "GET", lambda w: f"/events/{w.event.slug}/teams/new", CHANGING),
    Row("teams.create", "POST", lambda w: f"/events/{w.event.slug}/teams/new", CHANGING, data=lambda w: {"name": ""}),
    Row("teams.team", "GET", _team, OWN_LOOKING | {"member"}),
    Row("teams.edit_form", "GET", lambda w: _team(w) + "/edit", OWN_CHANGING),
    Row("teams.edit", "POST", lambda w: _team(w) + "/edit", OWN_CHANGING, data=lambda w: {"name": ""}),
    Row("teams.remove", "POST", lambda w: _team(w) + "/remove", OWN_CHANGING),
    Row("teams.add_member", "POST", lambda w: _team(w) + "/members", OWN_CHANGING, data=lambda w: {"name": ""}),
    Row(
        "teams.remove_member",
        "POST",
        lambda w: f"{_team(w)}/members/{_somebody(w).id}/remove",
        OWN_CHANGING,
    ),
    Row("teams.rosters", "GET", lambda w: f"/events/{w.event.slug}/rosters", LOOKING),
    Row("teams.upload_roster", "POST", lambda w: f"/events/{w.event.slug}/rosters", CHANGING, data=lambda w: {}),
    Row("teams.roster_template", "GET", lambda w: f"/events/{w.event.slug}/rosters/template.xlsx", LOOKING),
    Row("teams.roster", "GET", _roster, OWN_LOOKING),
    Row("teams.roster_json", "GET", lambda w: _roster(w) + ".json", OWN_LOOKING),
    Row("teams.roster_fates", "GET", lambda w: _roster(w) + "/fates.json", OWN_LOOKING),
    Row("teams.confirm_roster", "POST", lambda w: _roster(w, counts={}) + "/confirm", OWN_CHANGING),
    Row(
        "teams.restart_roster",
        "POST",
        lambda w: _roster(w, status=ImportStatus.CHECKED) + "/restart",
        OWN_CHANGING,
    ),
    Row("teams.dismiss_roster", "POST", lambda w: _roster(w, status=ImportStatus.APPLIED) + "/dismiss", OWN_CHANGING),
]
