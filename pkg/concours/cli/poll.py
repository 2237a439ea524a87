"""`concours poll`: what whoever runs the platform does with a poll from the command line."""

import json
import time
from typing import Any

import click

from concours.cli.acts import act


@click.group(name="poll")
def command() -> None:
    """Acts on a poll."""


@command.command("evidence")
@click.argument("slug")
@click.option("--json", "as_json", is_flag=True, help="Print the groups as JSON.")
def evidence(slug: str, as_json: bool) -> None:
    """Look through the votes of the poll SLUG for what seems arranged, and keep what is found for its page."""
    with act("worker") as now:
        import sqlalchemy as sa

        from concours.base.db import db, reading, session
        from concours.voting.evidence import runs, words
        from concours.voting.models import Poll

        poll = session().scalar(sa.select(Poll).where(Poll.slug == slug))
        if poll is None:
            raise click.ClickException(f"there is no poll {slug!r}")
        run = runs.ask(poll, actor=None, now=now)
        session().commit()
        begun = time.monotonic()
        with reading(), db.engine.connect() as connection:
            found = runs.look(connection, poll.id)
        runs.keep(run, found, now=now)
        session().flush()
        groups, _ = runs.groups_of(run, runs.Wanted(strong=True))
        shown: list[dict[str, Any]] = [
            {
                "number": group.number,
                "candidate": group.candidate_id,
                "votes": group.votes,
                "honest": round(group.honest, 3),
                "evidence": [str(said) for said in words.sentences(group)],
            }
            for group in groups
        ]
        summary = {"poll": slug, "votes": run.votes, "seconds": round(time.monotonic() - begun, 1), "strong": shown}
    if as_json:
        click.echo(json.dumps(summary, ensure_ascii=False))
        return
    click.echo(
        f"{summary['votes']} votes looked through in {summary['seconds']} s; {len(shown)} groups with strong evidence"
    )
    for line in shown:
        click.echo(
            f"{line['number']}. {line['votes']} votes, candidate {line['candidate']}: {'; '.join(line['evidence'])}"
        )
