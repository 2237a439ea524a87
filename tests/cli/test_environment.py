"""What `concours serve` decides where the environment says nothing."""

from pathlib import Path

import pytest

from concours.cli import environment


@pytest.mark.parametrize(
    "servers",
    [{}, {"DATABASE_URL": "postgresql+psycopg://u@h/d", "REDIS_URL": "redis://h/0"}],
    ids=["embedded", "own servers"],
)
def test_a_stack_on_plain_http_sends_cookies_a_browser_gives_back(servers: dict[str, str], tmp_path: Path) -> None:
    given = {"INSTANCE": str(tmp_path), **servers}
    assert environment.resolve(given, embedded_stack=True)["SECURE_COOKIES"] == "false"
    behind_https = environment.resolve({**given, "SITE_URL": "https://x.example"}, embedded_stack=True)
    assert "SECURE_COOKIES" not in behind_https
    assert environment.resolve({**given, "SECURE_COOKIES": "true"}, embedded_stack=True)["SECURE_COOKIES"] == "true"


def test_a_process_of_its_own_keeps_the_strict_default(tmp_path: Path) -> None:
    given = {"INSTANCE": str(tmp_path), "SECRET_KEY": "k" * 40, "REDIS_URL": "redis://h/0"}
    assert "SECURE_COOKIES" not in environment.resolve(given)
