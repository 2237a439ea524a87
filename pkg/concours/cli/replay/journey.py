"""The whole replay, act after act, and its reckoning."""

import time

from concours.cli.replay import clips, halls, judging, polls, registration, screening, setting, works
from concours.cli.replay.people import Person
from concours.cli.replay.setting import Cast
from concours.cli.replay.stage import Stage


def play(stage: Stage) -> None:
    """Plays everything and fills in the stage's reckoning."""
    cast = setting.set_stage(stage)
    members = registration.register(stage, cast)
    registration.enter_members(stage, cast, members)
    _reckon_registration(stage, cast, members)
    clips.check_in(stage, cast, members)
    submitted = submit_works(stage, cast, members)
    accepted = screening.screen(stage, stage.admin, cast.browsers, cast.exhibition, submitted)
    _reckon_works(stage, cast, accepted)
    judge(stage, cast)
    setting.set_phases(stage, cast.exhibition, ("voting",))
    poll, candidates = polls.set_up(stage, cast.exhibition, "最受欢迎作品", "selected")
    polls.vote(stage, cast.exhibition, poll, candidates)
    polls.crowd(stage, cast.exhibition)
    setting.set_phases(stage, cast.exhibition, ("results", "exhibition"))
    halls.open_halls(stage, cast)
    _reckon_clips(stage, cast)


def play_votes(stage: Stage) -> None:
    """Plays the voting alone, and what it takes: the teams are registered, and all votes go to them."""
    cast = setting.set_stage(stage)
    members = registration.register(stage, cast)
    _reckon_registration(stage, cast, members)
    setting.set_phases(stage, cast.contest, ("voting",))
    poll, candidates = polls.set_up(stage, cast.contest, "最受欢迎队伍", "teams")
    began = time.monotonic()
    polls.vote(stage, cast.contest, poll, candidates)
    stage.reckoning.notes["seconds of voting"] = round(time.monotonic() - began, 1)


def submit_works(stage: Stage, cast: Cast, authors: list[Person]) -> list[works.Submitted]:
    """All works of the plan; nobody enters more than they may: the works are spread over as many authors."""
    plan = works.plan_works(stage, authors)
    return stage.together(
        "works", plan, lambda work: works.submit(stage, cast.browsers[work.author.staff_number], cast.exhibition, work)
    )


def judge(stage: Stage, cast: Cast) -> None:
    """Both rounds."""
    setting.set_phases(stage, cast.exhibition, ("judging",))
    cut, plan = stage.plan.first_cut, stage.plan
    first = judging.judge_round(stage, cast, title="初评", kind="yes_no", select=cut, source=None)
    second = judging.judge_round(stage, cast, title="复评", kind="points", select=plan.selected, source=first.round_id)
    for played, wanted, name in ((first, cut, "first round"), (second, plan.selected, "second round")):
        stage.reckoning.compare(
            f"marks, {name}", played.marks, judging.marks_kept(stage, cast.exhibition, played.round_id)
        )
        stage.reckoning.compare(f"selected, {name}", wanted, played.selected)


def _reckon_registration(stage: Stage, cast: Cast, members: list[Person]) -> None:
    counts = stage.admin.json(f"/events/{cast.contest}/clips/counts.json")
    stage.reckoning.compare("departments taking part", len({m.unit for m in members}), counts["departments"])
    stage.reckoning.compare("teams", stage.plan.teams, counts["teams"])
    stage.reckoning.compare("members", stage.plan.members, counts["members"])


def _reckon_works(stage: Stage, cast: Cast, accepted: int) -> None:
    counts = stage.admin.json(f"/events/{cast.exhibition}/entries/counts.json")["by_status"]
    stage.reckoning.compare("works submitted", stage.plan.works, sum(counts.values()) - counts.get("withdrawn", 0))
    stage.reckoning.compare("works accepted", accepted, counts["accepted"])
    stage.reckoning.compare("works rejected", stage.plan.works - accepted, counts["rejected"])
    stage.reckoning.compare("works still waiting", 0, counts["submitted"] + counts["returned"])


def _reckon_clips(stage: Stage, cast: Cast) -> None:
    counts = clips.wait_until_checked(stage, cast)
    stage.reckoning.compare("clips", stage.plan.clips, sum(counts["clips"].values()))
    stage.reckoning.compare("clips valid", stage.plan.clips, counts["clips"].get("valid", 0))
