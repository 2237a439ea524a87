"""Settings: every one documented, every wrong value refused by name, no secret shown."""

from pathlib import Path

import pytest

from concours.base.config import SETTINGS, ConfigError, instance_of, load
from concours.cli import config as command
from concours.cli import environment

GOOD = {"SECRET_KEY": "correct horse battery staple, and more", "REDIS_URL": "redis://cache:6379/0"}


def refused(tmp_path: Path, **values: str) -> str:
    with pytest.raises(ConfigError) as fault:
        load(GOOD | values, root=tmp_path)
    return str(fault.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", "a" * 64),
        ("POLL_KEY_SECRET", "short"),
        ("DATABASE_URL", "mysql://somewhere/db"),
        ("REDIS_URL", "http://somewhere"),
        ("MEDIA_URL", "ftp://somewhere"),
        ("SITE_URL", "example.org"),
        ("DEFAULT_LOCALE", "de"),
        ("DEFAULT_TIMEZONE", "../../etc/passwd"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, everyone"),
        ("METRICS_ALLOW", "localhost"),
        ("SECURE_COOKIES", "perhaps"),
        ("PORT", "70000"),
        ("WEB_WORKERS", "0"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FORMAT", "xml"),
        ("UNSAFE_FSYNC", "2"),
        ("MAX_UPLOAD_MIB", "-1"),
        ("SMS_SENDER", "webhook:ftp://gateway"),
        ("SMS_SENDER", "a pigeon"),
        ("SMS_SENDER", "webhook:http://gateway.example/"),
        ("PHONE_REGION", "China"),
        ("OIDC_ISSUER", "http://sso.example"),
        ("OUTBOUND_ALLOW", "intranet"),
    ],
)
def test_a_wrong_value_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    assert refused(tmp_path, **{name: value}).startswith(name)


def test_who_is_asked_over_http_is_set_as_a_whole(tmp_path: Path) -> None:
    assert "SMS_WEBHOOK_SECRET" in refused(tmp_path, SMS_SENDER="webhook:https://gateway.example/send")
    assert "OIDC_CLIENT_ID" in refused(tmp_path, OIDC_ISSUER="https://sso.example")
    assert "OIDC_ISSUER" in refused(tmp_path, OIDC_CLIENT_ID="concours")
    inward = {"OIDC_ISSUER": "http://10.1.2.3/sso", "OIDC_CLIENT_ID": "concours", "OUTBOUND_ALLOW": "10.0.0.0/8"}
    assert load(GOOD | inward, root=tmp_path)["OUTBOUND_ALLOW"] == ("10.0.0.0/8",)


def test_a_refusal_shows_no_password(tmp_path: Path) -> None:
    said = refused(tmp_path, DATABASE_URL="mysql://app:hunter22@db/x", REDIS_URL="amqp://app:hunter22@mq")
    assert "DATABASE_URL" in said
    assert "REDIS_URL" in said
    assert "hunter22" not in said


def test_postgresql_is_spoken_by_psycopg_whatever_the_address_calls_it(tmp_path: Path) -> None:
    for given in ("postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg://u@h/d"):
        assert load(GOOD | {"DATABASE_URL": given}, root=tmp_path)["DATABASE_URL"] == "postgresql+psycopg://u@h/d"


def test_an_instance_of_its_own_keeps_its_media_with_it(tmp_path: Path) -> None:
    usual = load(GOOD, root=tmp_path)
    assert usual["INSTANCE"] == str(tmp_path / "instance")
    assert usual["MEDIA_URL"] == (tmp_path / "media").as_uri()
    other = load(GOOD | {"INSTANCE": str(tmp_path / "other")}, root=tmp_path)
    assert other["MEDIA_URL"] == (tmp_path / "other" / "media").as_uri()
    assert other["DATABASE_URL"].startswith(f"sqlite:///{tmp_path / 'other'}/")


def test_the_instances_key_is_made_once_kept_privately_and_found_by_other_commands(tmp_path: Path) -> None:
    environ = {"INSTANCE": str(tmp_path / "i")}
    assert "SECRET_KEY" not in environment.resolve(environ)
    made = environment.resolve(environ, embedded_stack=True)
    assert environment.resolve(environ)["SECRET_KEY"] == made["SECRET_KEY"]
    assert made["SECURE_COOKIES"] == "false"
    assert (instance_of(environ) / "secret_key").stat().st_mode & 0o777 == 0o600
    assert load(made, root=tmp_path)["SECRET_KEY"] == made["SECRET_KEY"]


def test_what_is_given_comes_before_what_the_instance_keeps(tmp_path: Path) -> None:
    environment.resolve({"INSTANCE": str(tmp_path)}, embedded_stack=True)
    given = environment.resolve(GOOD | {"INSTANCE": str(tmp_path)})
    assert given["SECRET_KEY"] == GOOD["SECRET_KEY"]
    assert given["REDIS_URL"] == GOOD["REDIS_URL"]
    assert "SECURE_COOKIES" not in given, "production keeps its cookies to HTTPS"


def test_every_setting_says_what_it_is_for() -> None:
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)
    for setting in SETTINGS:
        assert len(setting.meaning) > 15
        assert setting.meaning.endswith(".")
        assert setting.kind


def test_the_list_of_settings_shows_no_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secrets = {
        "SECRET_KEY": "correct horse battery staple, and more",
        "DATABASE_URL": "postgresql://app:hunter22@db/concours",
        "REDIS_URL": "redis://:hunter22@cache/0",
        "S3_SECRET_ACCESS_KEY": "hunter22hunter22",
        "INSTANCE": str(tmp_path),
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    shown = command.listing(current=True)
    assert "hunter22" not in shown
    assert "battery" not in shown
    assert "@db/concours" in shown


def test_production_that_forgets_redis_is_refused_and_not_sent_to_an_embedded_one(tmp_path: Path) -> None:
    found = environment.resolve({"SECRET_KEY": GOOD["SECRET_KEY"], "INSTANCE": str(tmp_path)})
    assert "REDIS_URL" not in found
    with pytest.raises(ConfigError, match="REDIS_URL"):
        load(found, root=tmp_path)
