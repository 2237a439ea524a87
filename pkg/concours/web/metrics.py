"""/metrics for Prometheus, added up over the web server's processes; only for METRICS_ALLOW."""

import os
import time
from collections.abc import Iterator

from flask import Blueprint, Flask, Response, current_app, g, request
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from concours.base.errors import Forbidden
from concours.base.messages import msg
from concours.identity.access import PUBLIC, allow
from concours.web.health import readiness
from concours.web.proxies import FORWARDED, address_of, networks, within

SECONDS = Histogram(
    "concours_http_request_seconds",
    "Time from the first line of a view's work to its answer.",
    ("endpoint", "method", "status"),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

bp = Blueprint("metrics", __name__)


class Now(Collector):
    """What is asked at the moment of the scrape: the parts' state and the queues of jobs."""

    def collect(self) -> Iterator[Metric]:
        """The gauges."""
        up = GaugeMetricFamily("concours_part_up", "1 where the part is usable.", labels=["part"])
        for name, part in readiness().parts().items():
            up.add_metric([name], float(part.ok))
        yield up
        waiting = GaugeMetricFamily("concours_jobs_waiting", "Jobs in the queue.", labels=["queue"])
        failed = GaugeMetricFamily("concours_jobs_failed", "Jobs that failed for good, kept a week.", labels=["queue"])
        try:
            for name, queue in current_app.extensions["concours_queues"].items():
                waiting.add_metric([name], float(len(queue)))
                failed.add_metric([name], float(queue.failed_job_registry.get_job_count(cleanup=False)))
        except RedisError:
            return
        yield waiting
        yield failed


@bp.get("/metrics")
@allow(PUBLIC)
def metrics() -> Response:
    """Prometheus' text format. The gate is the network, not an account."""
    address = address_of(request.remote_addr or "")
    if request.environ.get(FORWARDED) or not within(address, networks(current_app.config["METRICS_ALLOW"])):
        raise Forbidden(msg("Figures are for the machines that METRICS_ALLOW names."))
    registry = CollectorRegistry()
    registry.register(Now())
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        text = generate_latest(registry)
    else:
        text = generate_latest(registry) + generate_latest(REGISTRY)
    return Response(text, content_type=CONTENT_TYPE_LATEST)


def _begin() -> None:
    g.metrics_begun = time.perf_counter()


def _end(response: Response) -> Response:
    begun = g.get("metrics_begun")
    if begun is not None and request.endpoint is not None:
        labels = SECONDS.labels(request.endpoint, request.method, str(response.status_code))
        labels.observe(time.perf_counter() - begun)
    return response


def init_metrics(app: Flask) -> None:
    """Measures every request and registers the route."""
    app.before_request_funcs.setdefault(None, []).insert(0, _begin)
    app.after_request(_end)
    app.register_blueprint(bp)
