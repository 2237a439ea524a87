"""An act of an administrator from the command line: one transaction, refusals as plain sentences, exit status 1."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import click
import sqlalchemy as sa

from concours.base import clock
from concours.base.errors import DomainError, Invalid
from concours.cli import database, environment


@contextmanager
def act(process: str) -> Iterator[datetime]:
    """Opens the database and commits at the end; gives the present moment. Raises click.ClickException."""
    from concours.base.db import session

    settings = environment.settings(process=process)
    app = database.application(settings["DATABASE_URL"])
    with app.app_context():
        try:
            yield clock.now()
            session().commit()
        except DomainError as refusal:
            session().rollback()
            raise click.ClickException(explain(refusal)) from None
        except sa.exc.OperationalError as fault:
            raise click.ClickException(
                f"the database cannot be used ({fault.orig}); is it up to date? `concours db upgrade`"
            ) from None
        finally:
            session().close()


def explain(refusal: DomainError) -> str:
    """The refusal in English, with what to do next."""
    lines = [str(refusal.message)]
    if isinstance(refusal, Invalid) and refusal.problems:
        lines = [f"{problem.field}: {problem.message}" for problem in refusal.problems]
    if refusal.hint is not None:
        lines.append(str(refusal.hint))
    return "\n".join(lines)
