"""`concours demo`: the demonstration, played over HTTP by the replay's own acts, left in the middle of life.

Nothing of it is written into the database directly but its administrator: what a newcomer finds came in through the
same forms, uploads, marks and votes as everything else.
"""

import json
import secrets
from datetime import timedelta
from typing import Any

import click
from rich.console import Console

from concours.cli.acts import act
from concours.cli.replay import clips, halls, judging, polls, registration, screening, setting
from concours.cli.replay.ballots import Voters
from concours.cli.replay.command import sign_in_admin
from concours.cli.replay.journey import submit_works
from concours.cli.replay.plan import Plan
from concours.cli.replay.stage import Stage
from concours.voting.ladder.ways import CODE, KINDS, OIDC

PLAN = Plan(scale=0, departments=4, teams=6, members=24, clips=48, works=24, selected=12, votes=420, judges=6)
FAMILIAR = {"C0": "coordinator", "J0": "judge", "M0": "member"}
ADMIN = "admin"
LASTING = timedelta(days=60)
STORY_TITLE = "我身边的故事分享会"
GUESTS, GUEST_WEIGHT = 20, 3  # invitation codes, and what each vote with one of them counts
GUESTS_VOTED = 7
TO_TRY = 3  # codes that are told at the start
EVERY_PHASE = ("registration", "submission", "screening", "judging", "voting", "results", "exhibition")


LETTERS = "bdfghkmnprstvwz"  # no vowels: no words; none that is mistaken for another or for a digit


def a_password() -> str:
    """The demonstration's password, drawn anew: easy to type from a terminal, and strong enough for the platform.

    Letters alone: digits at the end do not count there, and what is left would be a common word.
    """
    return "saizhan-" + "".join(secrets.choice(LETTERS) for _ in range(7))


@click.group(name="demo")
def command() -> None:
    """The demonstration event."""


@command.command("load")
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The running platform's address.")
@click.option("--json", "as_json", is_flag=True, help="Print addresses and sign-ins as JSON on the last line.")
def load(url: str, as_json: bool) -> None:
    """Load the demonstration into a running, empty platform."""
    password = a_password()
    with act("demo") as now:
        from concours.identity import accounts

        accounts.create_account(
            None, username=ADMIN, name="管理员", now=now, department=None, password=password, is_admin=True
        )
    console = Console(stderr=True)
    stage = Stage(
        url,
        PLAN,
        2021,
        sign_in_admin(url, ADMIN, password),
        password,
        console,
        familiar=FAMILIAR,
        run="D",
        lasting=LASTING,
    )
    found = play(stage)
    found["accounts"] = [
        {"role": role, "username": name, "password": password}
        for role, name in (
            ("admin", ADMIN),
            ("organiser", "organiser"),
            ("coordinator", "coordinator"),
            ("judge", "judge"),
            ("member", "member"),
        )
    ]
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))


def play(stage: Stage) -> dict[str, Any]:
    """Plays the demonstration; returns its addresses."""
    cast = setting.set_stage(stage)
    members = registration.register(stage, cast)
    registration.enter_members(stage, cast, members)
    for slug in (cast.contest, cast.exhibition):
        setting.set_phases(stage, slug, EVERY_PHASE)
    submitted = submit_works(stage, cast, members)
    clips.check_in(stage, cast, members)
    screening.screen(stage, stage.admin, cast.browsers, cast.exhibition, submitted)
    cut = stage.plan.first_cut
    first = judging.judge_round(stage, cast, title="初评", kind="yes_no", select=cut, source=None)
    judging.judge_round(stage, cast, title="复评", kind="points", select=stage.plan.selected, source=first.round_id)
    poll, candidates = polls.set_up(stage, cast.exhibition, "我最喜爱的作品", "selected")
    voters = Voters(stage.url, poll)
    stage.together("votes", polls.turns(stage, candidates), lambda turn: polls.take_turn(voters, turn, candidates))
    guests = _guests_vote(stage, cast.exhibition)
    halls.open_halls(stage, cast)
    third = judging.make_round(stage, cast.exhibition, title="终评", kind="points", select=3, source=first.round_id)
    page = judging.seat_judges(stage, cast.exhibition, third)
    stage.admin.submit(page, f"/rounds/{third}/open")
    story = setting.create_event(stage, "story_session", STORY_TITLE)
    setting.set_phases(stage, story, ("submission", "screening"))
    setting.publish(stage, story)
    for slug in (cast.contest, cast.exhibition, story):
        setting.make_organiser(stage, slug, "organiser")
    slug = cast.exhibition
    return {
        "addresses": [
            {"title": "投票", "path": f"/events/{slug}/polls"},
            {"title": "展览", "path": f"/events/{slug}/exhibition"},
        ],
        "invited": guests,
    }


def _guests_vote(stage: Stage, slug: str) -> dict[str, Any]:
    """A poll that lets in who holds an invitation code; some guests have voted. Where it is, and codes to try."""
    offered = {f"way_{kind}": int(kind == CODE) for kind in KINDS if kind != OIDC}  # no identity provider here
    poll, candidates = polls.set_up(stage, slug, "特邀嘉宾投票", "selected", **offered)
    codes = polls.make_codes(stage, slug, poll, "特邀嘉宾", GUESTS, GUEST_WEIGHT)
    voters = Voters(stage.url, poll)
    for number, code in enumerate(codes[TO_TRY:][:GUESTS_VOTED]):
        token = voters.newcomer(code)
        for candidate in {candidates[number * step % len(candidates)] for step in (1, 2, 3)}:
            voters.vote(token, candidate)
    short_name = stage.admin.json(f"/api/v1/polls/{poll}")["slug"]
    return {
        "title": "特邀嘉宾投票",
        "path": f"/events/{slug}/polls/{short_name}/code",
        "sheet": f"/events/{slug}/voting/{poll}/codes",
        "codes": codes[:TO_TRY],
    }
