"""docker-compose.yml and Dockerfile, held against the settings the program knows and the promises it makes."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from concours.base.config import SETTINGS, load
from concours.cli import main

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("migrate", "web", "worker", "sequencer")
GIVEN = dict.fromkeys(("SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD"), "a secret long enough to be one" * 2)


def filled(value: str, environ: dict[str, str]) -> str:
    """The value as compose interpolates it; raises KeyError where it demands a variable that is missing."""

    def put(match: re.Match[str]) -> str:
        name, kind, rest = match.groups()
        found = environ.get(name, "")
        if not found and kind == ":?":
            raise KeyError(name)
        return found or (rest if kind == ":-" else "")

    return re.sub(r"\$\{(\w+)(:[?-])?([^}]*)\}", put, value)


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting_and_together_they_can_be_used(name: str, tmp_path: Path) -> None:
    environment: dict[str, str] = SERVICES[name]["environment"]
    assert set(environment) <= {setting.name for setting in SETTINGS}
    given = {**GIVEN, "SITE_URL": "https://contest.example"}
    settings = load({key: filled(value, given) for key, value in environment.items()}, root=tmp_path)
    assert settings["DATABASE_URL"].startswith("postgresql+psycopg://")
    assert settings["REDIS_URL"].startswith("redis://")
    assert settings["SECURE_COOKIES"] is True
    assert settings["UNSAFE_FSYNC"] is False


@pytest.mark.parametrize("missing", ["SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "SITE_URL"])
def test_nothing_starts_without_its_secrets(missing: str) -> None:
    given = {name: value for name, value in {**GIVEN, "SITE_URL": "https://x"}.items() if name != missing}
    demanded = " ".join((*SERVICES["web"]["environment"].values(), *SERVICES["redis"]["command"]))
    with pytest.raises(KeyError, match=missing):
        filled(demanded, given)


def test_no_secret_has_a_default_anywhere() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    for name in ("SECRET_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "S3_SECRET_ACCESS_KEY", "POLL_KEY_SECRET"):
        assert not re.search(rf"\$\{{{name}:-[^}}]", text), name


def test_the_program_can_be_given_everything_that_is_deployment() -> None:
    settable = set(SERVICES["web"]["environment"])
    for name in (
        "SECRET_KEY",
        "DATABASE_URL",
        "REDIS_URL",
        "MEDIA_URL",
        "SITE_URL",
        "TRUSTED_PROXIES",
        "METRICS_ALLOW",
    ):
        assert name in settable


def test_redis_and_postgresql_flush_before_they_answer() -> None:
    redis = SERVICES["redis"]["command"]
    assert redis[redis.index("--appendonly") + 1] == "yes"
    assert redis[redis.index("--appendfsync") + 1] == "always"
    assert redis[redis.index("--maxmemory-policy") + 1] == "noeviction"
    assert {"fsync=on", "synchronous_commit=on"} <= set(SERVICES["postgres"]["command"])


def test_every_service_that_stays_is_watched_and_every_command_exists() -> None:
    for name, service in SERVICES.items():
        if name != "migrate":
            assert service["healthcheck"]["test"], name
    for name in OURS:
        assert SERVICES[name]["command"][0] in main.list_commands(None)  # type: ignore[arg-type]
    for name in ("web", "worker", "sequencer"):
        assert SERVICES[name]["healthcheck"]["test"] == ["CMD", "concours", "health", name]
        assert SERVICES[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"


def test_uploads_under_way_outlive_the_web_server_and_the_worker_can_sweep_them_up() -> None:
    """In memory they would be lost with each new image, and what nobody finishes would stay for ever."""
    image = (ROOT / "Dockerfile").read_text()
    folder = re.search(r"INSTANCE=(\S+)", image)
    assert folder
    for name in ("web", "worker"):
        volumes = dict(reversed(volume.split(":")) for volume in SERVICES[name]["volumes"])
        assert volumes[folder[1]] in COMPOSE["volumes"]
        assert not any(place.startswith(folder[1]) for place in SERVICES[name]["tmpfs"])
    assert SERVICES["web"]["volumes"] == SERVICES["worker"]["volumes"]


def test_only_the_web_server_is_reached_and_only_from_this_host() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["web"]["ports"])


def test_the_image_runs_without_rights_and_takes_neither_secrets_nor_data() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    last = max(number for number, line in enumerate(lines) if line.startswith("FROM"))
    users = [line.split()[1] for line in lines[last:] if line.startswith("USER")]
    assert users == ["concours"]
    assert (ROOT / ".dockerignore").read_text().splitlines()[0] == "*", "only what is named goes into the image"
    for name in OURS:
        assert SERVICES[name]["read_only"] is True
        assert SERVICES[name]["cap_drop"] == ["ALL"]
