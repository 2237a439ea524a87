"""`concours replay`: plays the model case at a scale, from outside, and reconciles."""

import json
import os
import time
from pathlib import Path

import click
import httpx
from rich.console import Console

from concours.cli.replay.browser import Browser, Refused
from concours.cli.replay.plan import plan_of
from concours.cli.replay.stage import Stage

PASSWORD = "replay-2021-赛展"  # noqa: S105 - of the replay's own people, who exist for it alone


def known_admin(instance: str) -> tuple[str, str]:
    """The demonstration administrator's name and password, as the instance folder keeps them; else both empty."""
    try:
        accounts = json.loads((Path(instance) / "demo.json").read_text())["accounts"]
    except (OSError, ValueError, KeyError):
        return "", ""
    found = next((account for account in accounts if account["role"] == "admin"), None)
    return (found["username"], found["password"]) if found else ("", "")


def sign_in_admin(url: str, name: str, password: str) -> Browser:
    """A browser in which the administrator is signed in. Raises click.ClickException."""
    browser = Browser(url)
    try:
        browser.submit(browser.get("/sign-in"), "/sign-in", {"username": name, "password": password})
    except httpx.TransportError as fault:
        raise click.ClickException(f"nothing answers at {url} ({fault}); is `make run` running?") from None
    except Refused as refused:
        raise click.ClickException(f"{name!r} cannot sign in at {url}: {refused.sentence}") from None
    return browser


@click.command(name="replay")
@click.option("--scale", type=click.FloatRange(0, 1, min_open=True), required=True, help="1 is the whole model case.")
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="The platform's address.")
@click.option("--seed", default=2021, show_default=True, help="What is drawn and marked and voted follows from it.")
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures here, as JSON.")
@click.option("--admin", default="", help="The administrator who plays the organiser; default: the demonstration's.")
@click.option(
    "--part",
    type=click.Choice(["all", "votes"]),
    default="all",
    show_default=True,
    help="Everything, or one act alone.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def command(scale: float, url: str, seed: int, report: Path | None, admin: str, part: str, as_json: bool) -> None:
    """Play the model case at a scale against a running platform, over HTTP, and reconcile every figure.

    The administrator's password is read from CONCOURS_ADMIN_PASSWORD where --admin names one. Exit status 1 on any
    difference between what was played and what the platform has.
    """
    from concours.cli.replay.journey import play, play_votes

    password = os.environ.get("CONCOURS_ADMIN_PASSWORD", "")
    if not admin:
        admin, password = known_admin(os.environ.get("INSTANCE") or "instance")
    if not admin or not password:
        raise click.ClickException(
            "no administrator is known: `concours account create NAME --role admin`, then --admin NAME"
            " with CONCOURS_ADMIN_PASSWORD"
        )
    console = Console(stderr=as_json)
    stage = Stage(url, plan_of(scale), seed, sign_in_admin(url, admin, password), PASSWORD, console)
    console.print(f"Replay at scale {scale:g} of {url}: {stage.plan}")
    began = time.monotonic()
    (play_votes if part == "votes" else play)(stage)
    stage.reckoning.notes["seconds"] = round(time.monotonic() - began, 1)
    stage.reckoning.show(console)
    if report is not None:
        stage.reckoning.write(report)
    if as_json:
        click.echo(stage.reckoning.as_json())
    if not stage.reckoning.holds:
        raise click.exceptions.Exit(1)
