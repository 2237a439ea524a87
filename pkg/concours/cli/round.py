"""`concours round`: a jury's round as one file, and working it out again from that file alone."""

from pathlib import Path

import click

from concours.cli.acts import act


@click.group(name="round")
def command() -> None:
    """Export a jury's round, and work it out again."""


@command.command("export")
@click.argument("number", type=int)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def export(number: int, file: Path) -> None:
    """Write the closed round NUMBER (the last number of its page's address) to FILE and print its SHA-256."""
    with act("worker"):
        from concours.base.db import session
        from concours.jury import archive
        from concours.jury.lookup import require
        from concours.jury.models import Round, RoundStatus

        found = session().get(Round, number)
        if found is None:
            raise click.ClickException(f"there is no round {number}")
        require(found, RoundStatus.CLOSED, RoundStatus.SELECTED)
        content = archive.written(archive.export(found))
    file.write_bytes(content)
    click.echo(f"{archive.digest(content)}  {file}")


@command.command("replay")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def replay(file: Path) -> None:
    """Work out the round in FILE again: assignment, scores, selection. Exit status 1 where something differs."""
    from concours.jury import archive
    from concours.jury import replay as again

    content = file.read_bytes()
    try:
        verdicts = again.replay(content)
    except ValueError as fault:
        raise click.ClickException(str(fault)) from None
    click.echo(f"sha256      {archive.digest(content)}")
    for verdict in verdicts:
        said = {True: "equal", False: "different", None: "not told"}[verdict.equal]
        click.echo(f"{verdict.what:<12}{said}{f': {verdict.why}' if verdict.why else ''}")
    if any(verdict.equal is False for verdict in verdicts):
        raise SystemExit(1)
