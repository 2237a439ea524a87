"""Jobs: RQ queues by urgency. A job is a plain function `(…ids)` in `<room>/jobs.py`; it opens its
own transaction and can run twice without harm."""

from collections.abc import Callable
from typing import Any

from flask import Flask, current_app
from rq import Queue, Retry
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus

QUEUES = ("urgent", "default", "bulk")  # the order in which a worker looks
RETRY_AFTER_S = [2, 10, 60]
JOB_TIMEOUT_S = 300
RESULT_TTL_S = 600
FAILURE_TTL_S = 7 * 24 * 3600


def init_queue(app: Flask) -> None:
    """Gives the application its queues, over the connection of `base.redis`."""
    connection = app.extensions["concours_redis"]
    app.extensions["concours_queues"] = {name: Queue(name, connection=connection) for name in QUEUES}


def enqueue(function: Callable[..., Any], *args: Any, queue: str = "default", job_id: str | None = None) -> Job:
    """Puts `function(*args)` into `queue`; call it after the commit that the job relies on.

    Arguments must be plain values (ids, strings). A `job_id` (`[A-Za-z0-9_-]`) names the work, so that the same
    work waits only once.
    """
    queues: dict[str, Queue] = current_app.extensions["concours_queues"]
    return queues[queue].enqueue(
        function,
        *args,
        job_id=job_id,
        job_timeout=JOB_TIMEOUT_S,
        result_ttl=RESULT_TTL_S,
        failure_ttl=FAILURE_TTL_S,
        retry=Retry(max=len(RETRY_AFTER_S), interval=RETRY_AFTER_S),
    )


def is_waiting(job_id: str) -> bool:
    """Whether the job of that name is still to be done: it waits, is at work, or will be tried again."""
    try:
        status = Job.fetch(job_id, connection=current_app.extensions["concours_redis"]).get_status(refresh=False)
    except NoSuchJobError:
        return False
    return status in {JobStatus.QUEUED, JobStatus.STARTED, JobStatus.SCHEDULED, JobStatus.DEFERRED}
