"""/healthz, /readyz and /metrics: true of each part, in bounded time, figures only for those allowed."""

import threading
import time
from pathlib import Path

import pytest
import redis
from apiflask import APIFlask
from flask.testing import FlaskClient

from concours.base.storage import Storage
from concours.voting.booth import booth
from concours.voting.keys import HEARTBEAT, HEARTBEAT_S
from concours.web import health
from tests.conftest import both_databases


def beat() -> None:
    booth().client.set(HEARTBEAT, "a sequencer", ex=HEARTBEAT_S)


@both_databases
def test_all_parts_are_named_and_ready(app: APIFlask, client: FlaskClient) -> None:
    beat()
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["ok"] is True
    assert set(answer.json["parts"]) == {"sql", "redis", "sequencer", "storage"}
    assert all(part["ok"] and part["ms"] >= 0 for part in answer.json["parts"].values())


def test_without_a_sequencer_it_is_not_ready_and_says_so(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert [name for name, part in answer.json["parts"].items() if not part["ok"]] == ["sequencer"]
    assert "not recorded" in answer.json["parts"]["sequencer"]["detail"]


def test_redis_away_is_told_without_its_address(app: APIFlask, client: FlaskClient, tmp_path: Path) -> None:
    app.extensions["concours_redis"] = redis.Redis(unix_socket_path=str(tmp_path / "nobody.sock"))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["parts"]["redis"]["ok"] is False
    assert answer.json["parts"]["sql"]["ok"] is True
    assert "nobody.sock" not in answer.text
    assert client.get("/healthz").status_code == 200


def test_storage_that_cannot_be_written_is_not_ready(
    app: APIFlask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat()

    def full(self: Storage, name: str, data: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Storage, "put", full)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["parts"]["storage"]["ok"] is False


def test_a_part_that_hangs_does_not_make_the_answer_hang_and_is_not_asked_again_meanwhile(
    app: APIFlask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat()
    release = threading.Event()
    asked: list[float] = []

    def hang() -> str:
        asked.append(time.monotonic())
        release.wait(30)
        return "at last"

    monkeypatch.setattr(health, "ANSWER_WITHIN_S", 0.3)
    monkeypatch.setitem(health.CHECKS, "sql", (hang, 1.0))
    try:
        for _ in range(3):
            begun = time.monotonic()
            answer = client.get("/readyz")
            assert time.monotonic() - begun < 2
            assert answer.status_code == 503
            assert answer.json is not None
            assert "no answer" in answer.json["parts"]["sql"]["detail"]
        assert len(asked) == 1
    finally:
        release.set()


def test_answers_are_kept_for_a_moment_so_that_probes_cost_nothing(
    app: APIFlask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat()
    asked: list[int] = []
    monkeypatch.setitem(health.CHECKS, "sql", (lambda: asked.append(1) or "fine", 60.0))  # type: ignore[func-returns-value]
    for _ in range(20):
        assert client.get("/readyz").status_code == 200
    assert len(asked) == 1


def test_figures_count_requests_by_endpoint_and_show_the_queues(app: APIFlask, client: FlaskClient) -> None:
    app.extensions["concours_queues"]["bulk"].enqueue(time.sleep, 0)
    client.get("/healthz")
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain")
    assert 'concours_http_request_seconds_count{endpoint="health.healthz",method="GET",status="200"}' in answer.text
    assert 'concours_jobs_waiting{queue="bulk"} 1.0' in answer.text
    assert 'concours_part_up{part="sql"} 1.0' in answer.text


@pytest.mark.parametrize(
    ("allow", "address", "headers", "status"),
    [
        (("127.0.0.1/32",), "127.0.0.1", {}, 200),
        (("127.0.0.1/32",), "::ffff:127.0.0.1", {}, 200),
        (("127.0.0.1/32",), "10.0.0.9", {}, 403),
        (("10.0.0.0/8",), "10.0.0.9", {}, 200),
        (("127.0.0.1/32",), "127.0.0.1", {"X-Forwarded-For": "8.8.8.8"}, 403),  # through a proxy nobody declared
        (("127.0.0.1/32",), "8.8.8.8", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ((), "127.0.0.1", {}, 403),
    ],
)
def test_figures_are_only_for_allowed_addresses(
    app: APIFlask, client: FlaskClient, allow: tuple[str, ...], address: str, headers: dict[str, str], status: int
) -> None:
    app.config["METRICS_ALLOW"] = allow
    answer = client.get("/metrics", headers=headers, environ_overrides={"REMOTE_ADDR": address})
    assert answer.status_code == status
