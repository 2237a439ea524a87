"""`concours poll`: what whoever runs the platform does with a poll from the command line."""

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from concours.cli import environment
from concours.cli.acts import act

if TYPE_CHECKING:
    from concours.voting.models import Poll


@click.group(name="poll")
def command() -> None:
    """Acts on a poll."""


def _named(slug: str) -> "Poll":
    import sqlalchemy as sa

    from concours.base.db import session
    from concours.voting.models import Poll

    found = session().scalar(sa.select(Poll).where(Poll.slug == slug))
    if found is None:
        raise click.ClickException(f"there is no poll {slug!r}; its short name is the last part of its address")
    return found


@command.command("evidence")
@click.argument("slug")
@click.option("--json", "as_json", is_flag=True, help="Print the groups as JSON.")
def evidence(slug: str, as_json: bool) -> None:
    """Look through the votes of the poll SLUG for what seems arranged, and keep what is found for its page."""
    with act("worker") as now:
        from concours.base.db import db, reading, session
        from concours.voting.booth import booth
        from concours.voting.evidence import runs, words

        poll = _named(slug)
        run = runs.ask(poll, actor=None, now=now)
        session().commit()
        begun = time.monotonic()
        with reading(), db.engine.connect() as connection:
            found = runs.look(connection, poll.id, booth().client)
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


@command.command("bundle")
@click.argument("slug")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--to", "recipient", required=True, help="The auditor's public key, age1…")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def bundle_command(slug: str, file: Path, recipient: str, as_json: bool) -> None:
    """Seal the auditor's bundle of the closed poll SLUG into FILE.

    It shows that no voter has more votes than the rules allow. Only who holds the key's other half opens it:
    `concours-verify uniqueness FILE --secret KEY --log …`. That it was made goes into the record.
    """
    with act("bundle") as now:
        from concours import audit
        from concours.base.db import db, session
        from concours.voting.amendments import bundle, sealing

        poll = _named(slug)
        sealed_to = sealing.read_recipient(recipient)
        head = bundle.head_of(session().connection(), poll, now)
        partial = file.with_name(f"{file.name}.partial")
        if file.exists():
            raise click.ClickException(f"{file} is there already")
        audit.record(None, "voting.seal_bundle", poll, now=now, event_id=poll.event_id, recipient=recipient.strip())
        session().commit()  # before a byte of it leaves
        try:
            _write(partial, sealing.seal(sealed_to, bundle.lines(db.engine, head)))
            partial.rename(file)
        except OSError as fault:
            partial.unlink(missing_ok=True)
            raise click.ClickException(f"{file} cannot be written: {fault.strerror}") from None
    found = {"poll": slug, "file": str(file), "votes": head["votes"], "size": head["size"]}
    click.echo(
        json.dumps(found, ensure_ascii=False)
        if as_json
        else f"{found['votes']} votes of a log of {found['size']} leaves are sealed in {file}"
    )


def _write(path: Path, parts: Iterable[bytes]) -> None:
    """Writes a file that only its owner may read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        for part in parts:
            out.write(part)
        out.flush()
        os.fsync(out.fileno())


@command.command("destroy-key")
@click.argument("slug")
@click.option("--sure", "typed", metavar="SLUG", help="The poll's short name once more, instead of being asked for it.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def destroy_key(slug: str, typed: str | None, as_json: bool) -> None:
    """Destroy the key behind the pseudonyms of the closed poll SLUG, for good.

    Ledger, receipts and result stay. No account, device, number or network leads to a vote any more. Backups that were
    made before still hold the key: delete those as well.
    """
    with act("destroy-key") as now:
        from redis.exceptions import RedisError

        from concours.base.db import db, session
        from concours.voting import limits
        from concours.voting.amendments import key

        poll = _named(slug)
        if typed is None:
            typed = click.prompt(f"This cannot be undone. Type the poll's short name ({poll.slug})", err=True)
        key.destroy(poll, typed=typed, actor=None, now=now)
        number = poll.id
        session().commit()
        settings = environment.settings(process="destroy-key")
        forgotten = True
        client = limits.connect(settings["VOTES_REDIS_URL"])
        try:
            key.announce(client, db.engine, number, settings["POLL_KEY_SECRET"])
            key.forget(client, number)
        except RedisError:
            forgotten = False
        finally:
            client.close()
        scrubbed = key.scrub(db.engine)
    found = {"poll": slug, "destroyed": True, "redis_forgot": forgotten, "overwritten": scrubbed}
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    click.echo("the key is destroyed: nobody can tell any more which votes an account or a device gave")
    if not forgotten:
        click.echo("Redis is away: it forgets the voters when it is loaded anew", err=True)
    if not scrubbed:
        click.echo("the database still holds the old row's bytes: it was busy; run VACUUM when it is quiet", err=True)
