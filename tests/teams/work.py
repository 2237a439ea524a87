"""Lets the queued jobs run, as a worker would, in this process."""

from apiflask import APIFlask
from rq import SimpleWorker

from concours.base.db import session
from concours.base.queue import QUEUES


def work(app: APIFlask) -> None:
    """Runs everything that waits in the queues, then lets the test see what came of it."""
    session().commit()
    queues = [app.extensions["concours_queues"][name] for name in QUEUES]
    SimpleWorker(queues, connection=app.extensions["concours_redis"]).work(burst=True, logging_level="ERROR")
    session().rollback()
    session().expire_all()
