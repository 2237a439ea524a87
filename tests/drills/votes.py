"""A poll over a few teams on a real platform, set up through the browser's forms as an organiser does."""

from rich.console import Console

from concours.cli.replay import polls, registration, setting
from concours.cli.replay.ballots import Voters
from concours.cli.replay.command import PASSWORD, sign_in_admin
from concours.cli.replay.plan import Plan
from concours.cli.replay.stage import Stage
from tests.drills.stack import Stack, until

ADMIN_PASSWORD = "drill-password-2021"


def plan_of_votes(votes: int) -> Plan:
    """A plan with two departments, eight teams and that many votes."""
    return Plan(
        scale=0, departments=2, teams=8, members=8, clips=0, works=0, selected=0, votes=votes, judges=1, reviews=1
    )


def stage_of(stack: Stack, votes: int) -> tuple[Stage, str]:
    """The stage and the slug of an event with teams, in which polls can be set up."""
    made = stack.command("account", "create", "admin", "--role", "admin", "--password-stdin", stdin=ADMIN_PASSWORD)
    assert made.returncode == 0, made.stderr
    admin = sign_in_admin(stack.url, "admin", ADMIN_PASSWORD)
    stage = Stage(stack.url, plan_of_votes(votes), 1, admin, PASSWORD, Console(quiet=True))
    cast = setting.set_stage(stage)
    registration.register(stage, cast)
    setting.set_phases(stage, cast.contest, ("voting",))
    return stage, cast.contest


def poll_of_teams(stack: Stack, votes: int) -> tuple[Stage, str, int, list[int]]:
    """The stage, the event's slug, the poll's number and its candidates; everything is open."""
    stage, slug = stage_of(stack, votes)
    poll, candidates = polls.set_up(stage, slug, "最受欢迎队伍", "teams")
    return stage, slug, poll, candidates


def holds(stack: Stack, stage: Stage, slug: str, voters: Voters, votes: int, *, within: float = 60) -> None:
    """Once the platform is whole again: every one of `votes` acknowledged votes is in the ledger, once, and receipts,
    ledger and Redis agree for each candidate."""
    until(lambda: stack.get("/readyz")[0] == 200, within, "the platform is whole again")
    found = polls.reconcile(stage, slug, voters.poll)
    count = voters.count
    assert not count.wrong, count.wrong[:3]
    assert count.accepted == votes
    assert found["difference"] == 0
    assert found["ledger"] == found["redis"] == len(count.receipts) == votes
    standings = {row["candidate"]: row["votes"] for row in stage.admin.json(f"/api/v1/polls/{voters.poll}/standings")}
    assert {number: given for number, given in standings.items() if given} == dict(count.per_candidate())
    assert polls.leaves(voters) == set(range(votes)), "every receipt names a leaf of its own, without a gap"
