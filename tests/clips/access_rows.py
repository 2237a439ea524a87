"""Who gets past the gate of every route of clips."""

from tests.access import EVERYONE, Row, World

MEMBERS = {"member", "member_other", "admin"}
LOOKING = {"coordinator", "auditor", "organiser", "admin", "member"}


def _event(w: World) -> str:
    return f"/events/{w.event.slug}"


ROWS = [
    Row("clips.mine", "GET", lambda w: f"{_event(w)}/clips/mine", MEMBERS),
    Row("clips.mine_json", "GET", lambda w: f"{_event(w)}/clips/mine.json", MEMBERS - {"admin"}),
    Row("clips.team", "GET", lambda w: f"{_event(w)}/teams/{w.team.id}/clips", LOOKING),
    Row("clips.standings", "GET", lambda w: f"{_event(w)}/clips/standings", EVERYONE),
    Row("clips.standings_json", "GET", lambda w: f"{_event(w)}/clips/standings.json", EVERYONE),
    Row(
        "clips.counts_json",
        "GET",
        lambda w: f"{_event(w)}/clips/counts.json?recount=1",
        {"auditor", "organiser", "admin"},
    ),
]
