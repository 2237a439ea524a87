"""`concours worker`: works on the jobs of the queues, the urgent ones first."""

import logging
import os
import socket
from typing import Any

import click
from flask import Flask
from rq import Queue, SimpleWorker
from rq import Worker as _Worker
from rq.exceptions import SchedulerNotFound
from rq.intermediate_queue import IntermediateQueue
from rq.job import Job
from rq.registry import StartedJobRegistry
from rq.scheduler import RQScheduler

from concours.base import lifeline
from concours.base.queue import QUEUES
from concours.cli import environment

LOOK_AFTER_LOST_EVERY_S = 60
ANNOUNCED_ENDED = 0  # a score of the past: the registry takes the job for abandoned

log = logging.getLogger(__name__)


class Worker(SimpleWorker):
    """RQ's worker that does its jobs in its own process, within the application's context.

    A fork for every job, RQ's other way, doubles what a check of a small clip costs. What strangers' bytes could break
    runs in a process of its own all the same (`media.sandbox`); a job that takes too long is ended by a signal.
    """

    app: Flask

    def perform_job(self, job: Job, queue: Queue, execution: Any) -> bool:
        """One job; its session and connection are given back afterwards."""
        with self.app.app_context():
            return bool(super().perform_job(job, queue, execution))

    def run_maintenance_tasks(self) -> None:
        """Once a minute, besides RQ's own: what was left lying between SQL, Redis and the disk."""
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call]
        from concours.media import jobs as media_jobs

        with self.app.app_context():
            try:
                media_jobs.sweep()
            except Exception:
                log.exception("the sweep failed; it is tried again in a minute")


def alive(hostname: str | None, pid: int | None) -> bool:
    """Whether what registered itself with RQ can still be at work: on this machine its process is asked for, elsewhere
    its record (which expires by itself) is believed."""
    if hostname != socket.gethostname():
        return True
    if not pid or pid == os.getpid():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def pick_up_lost(connection: Any, queues: list[Queue]) -> int:
    """Gives back to the queues what a killed worker had begun; the number of jobs.

    A job that was begun counts as tried once. RQ alone would find it after minutes.
    """
    found = 0
    living = set()
    for worker in _Worker.all(connection=connection):
        if alive(worker.hostname, worker.pid):
            living.add(worker.name)
        else:
            worker.register_death()  # type: ignore[no-untyped-call]
    _free_schedulers(connection, queues)
    for queue in queues:
        registry = StartedJobRegistry(queue=queue)
        for job_id, execution_id in registry.get_job_and_execution_ids(cleanup=False):
            job = queue.fetch_job(job_id)
            if job is not None and job.worker_name in living:
                continue
            connection.zadd(registry.key, {f"{job_id}:{execution_id}": ANNOUNCED_ENDED})
            found += 1
        registry.cleanup()
        if not living:
            waiting = IntermediateQueue(queue.key, connection)
            for job_id in waiting.get_job_ids():
                queue.push_job_id(job_id, at_front=True)
                waiting.remove(job_id)
                found += 1
    return found


def _free_schedulers(connection: Any, queues: list[Queue]) -> None:
    """Takes the locks from a killed scheduler: till they ran out, after a minute, no retry would be due."""
    lost: set[str] = set()
    for key in (RQScheduler.get_locking_key(queue.name) for queue in queues):
        holder = connection.get(key)
        if holder is None:
            continue
        try:
            scheduler = RQScheduler.fetch(holder.decode(), connection)
        except SchedulerNotFound:
            continue
        if not alive(scheduler.hostname, scheduler.pid):
            lost |= {key, scheduler.key}
    if lost:
        connection.delete(*lost)


@click.command(name="worker")
@click.option("--burst", is_flag=True, help="End when the queues are empty.")
@click.option("--queue", "names", multiple=True, type=click.Choice(QUEUES), help="Only these queues; may be repeated.")
def command(burst: bool, names: tuple[str, ...]) -> None:
    """Works on jobs: media checks and renditions, imports, reports. Run as many as there are cores to spare."""
    settings = environment.settings(process="worker")
    environment.require_durable(settings)
    from concours.factory import create_app

    lifeline.forks_follow()
    app = create_app()
    connection = app.extensions["concours_redis"]
    queues = [app.extensions["concours_queues"][name] for name in (names or QUEUES)]
    lost = pick_up_lost(connection, queues)
    if lost:
        log.info("%d jobs of a worker that was killed are in the queue again", lost)
    worker = Worker(queues, connection=connection, maintenance_interval=LOOK_AFTER_LOST_EVERY_S)
    worker.app = app
    log.info("working on %s", ", ".join(queue.name for queue in queues))
    worker.work(burst=burst, with_scheduler=True, logging_level=None)
