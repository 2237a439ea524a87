"""Configuration: every setting with its type, default and meaning, read from the environment, checked once at start.

A wrong or dangerous value stops the start with a sentence that says which and why. `concours config
--help` prints this list; docker-compose.yml is held against it by a test.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from concours.base.cluster_map import is_cluster, nodes_of

PROJECT = Path(__file__).resolve().parents[3]
"""The project folder: migrations/, and by default instance/ and media/, are in it."""


class ConfigError(Exception):
    """A setting cannot be used; the text says which, why, and what would do."""


@dataclass(frozen=True)
class Setting:
    """One setting: its environment variable, how to read it, its default and meaning."""

    name: str
    read: Callable[[str], Any]
    default: str
    meaning: str
    secret: bool = False

    @property
    def kind(self) -> str:
        """The type in a word or two, for people."""
        return str(getattr(self.read, "kind", "text"))


def _is(kind: str) -> Callable[[Callable[[str], Any]], Callable[[str], Any]]:
    """Names the type that a reader reads."""

    def mark(read: Callable[[str], Any]) -> Callable[[str], Any]:
        read.kind = kind  # type: ignore[attr-defined]
        return read

    return mark


@_is("text")
def _text(value: str) -> str:
    return value.strip()


def _whole(low: int, high: int) -> Callable[[str], int]:
    @_is(f"whole number, {low} to {high}")
    def read(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            raise ConfigError(f"must be a whole number, not {value!r}") from None
        if not low <= number <= high:
            raise ConfigError(f"must be from {low} to {high}, not {number}")
        return number

    return read


@_is("true or false")
def _switch(value: str) -> bool:
    if value.lower() in {"1", "true", "yes", "on"}:
        return True
    if value.lower() in {"0", "false", "no", "off", ""}:
        return False
    raise ConfigError(f"must be true or false, not {value!r}")


@_is("IANA time zone")
def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(f"is no IANA time zone: {value!r}; for example Asia/Shanghai") from None
    return value


@_is("zh or en")
def _locale(value: str) -> str:
    if value not in {"zh", "en"}:
        raise ConfigError(f"must be zh or en, not {value!r}")
    return value


def _one_of(*choices: str) -> Callable[[str], str]:
    @_is(" or ".join(choices))
    def read(value: str) -> str:
        for choice in choices:
            if value.lower() == choice.lower():
                return choice
        raise ConfigError(f"must be one of {', '.join(choices)}, not {value!r}")

    return read


def _url(*schemes: str) -> Callable[[str], str]:
    @_is("address")
    def read(value: str) -> str:
        if urlsplit(value).scheme not in schemes:
            raise ConfigError(f"must begin with {' or '.join(s + '://' for s in schemes)}")
        return value

    return read


@_is("address, or several of a Cluster")
def _votes_redis(value: str) -> str:
    if not is_cluster(value):
        return _url("redis", "rediss", "unix", "redis+cluster", "rediss+cluster")(value)
    try:
        nodes_of(value)
    except ValueError:
        raise ConfigError("must name nodes of the Cluster: redis+cluster://HOST:PORT,HOST:PORT") from None
    if urlsplit(value).path.strip("/"):
        raise ConfigError("must not name a database by number: a Cluster has but one")
    return value


@_is("address of a database")
def _database(value: str) -> str:
    value = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", value)
    return _url("sqlite", "postgresql+psycopg")(value)


@_is("console, webhook:https://… or a name")
def _sender(value: str) -> str:
    if value.startswith("webhook:"):
        if urlsplit(value.removeprefix("webhook:")).scheme not in {"https", "http"}:
            raise ConfigError("must name the webhook's address: webhook:https://…")
    elif not re.fullmatch(r"[A-Za-z0-9_.-]{1,60}", value):
        raise ConfigError("must be console, webhook:https://…, or the name of an installed sender")
    return value


@_is("country, two letters")
def _country(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2}", value):
        raise ConfigError(f"must be a country in two letters, such as CN, not {value!r}")
    return value.upper()


@_is("list of networks")
def _networks(value: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in value.split(",") if part.strip())
    for part in parts:
        try:
            ip_network(part, strict=False)
        except ValueError:
            raise ConfigError(f"must be addresses or networks parted by commas; {part!r} is none") from None
    return parts


SETTINGS: tuple[Setting, ...] = (
    Setting("INSTANCE", _text, "", "The data folder of the embedded stack: SQLite, Valkey's data, generated keys; empty: instance/."),
    Setting("SECRET_KEY", _text, "", "Signs sessions and tokens: 32 characters or more, secret, kept for ever. The embedded stack makes one.", True),
    Setting("POLL_KEY_SECRET", _text, "", "Wraps the keys of polls; 32 characters or more. Empty: derived from SECRET_KEY.", True),
    Setting("DATABASE_URL", _database, "", "sqlite:///FILE or postgresql://… ; empty: SQLite in the instance folder."),
    Setting("REDIS_URL", _url("redis", "rediss", "unix"), "", "redis://, rediss:// or unix:// of Redis or Valkey 6.2+; the embedded stack starts its own when empty.", True),
    Setting("VOTES_REDIS_URL", _votes_redis, "", "Redis or Valkey for votes alone: as REDIS_URL, or a Cluster: redis+cluster://HOST:PORT,HOST:PORT (rediss+cluster:// with TLS; USER:PASSWORD@ before the first host); empty: REDIS_URL.", True),
    Setting("MEDIA_URL", _url("file", "s3"), "", "Where files are kept: file:///FOLDER or s3://BUCKET/PREFIX; empty: media/, or media/ in the instance folder where INSTANCE names one."),
    Setting("S3_ENDPOINT", _text, "", "Address of an S3-compatible server, where it is not AWS."),
    Setting("S3_ACCESS_KEY_ID", _text, "", "Key id for the bucket.", True),
    Setting("S3_SECRET_ACCESS_KEY", _text, "", "Secret for the bucket.", True),
    Setting("S3_REGION", _text, "us-east-1", "Region of the bucket."),
    Setting("SITE_NAME", _text, "赛展 Concours", "The name in the page head."),
    Setting("SITE_URL", _url("https", "http"), "", "The public address (https://…), for links in invitations and receipts; empty: as requested."),
    Setting("DEFAULT_LOCALE", _locale, "zh", "Language of those who state none: zh or en."),
    Setting("DEFAULT_TIMEZONE", _zone, "Asia/Shanghai", "IANA zone of new events."),
    Setting("TRUSTED_PROXIES", _networks, "", "Addresses or networks whose X-Forwarded-For is believed, parted by commas."),
    Setting("METRICS_ALLOW", _networks, "127.0.0.1/32,::1/128", "Addresses or networks that may read /metrics."),
    Setting("SECURE_COOKIES", _switch, "true", "Send cookies over HTTPS only; turn off for plain HTTP on a local machine alone."),
    Setting("SESSION_DAYS", _whole(1, 90), "14", "Days after which an unused session ends."),
    Setting("MAX_UPLOAD_MIB", _whole(1, 10_240), "2048", "Greatest size of one uploaded file, in MiB; a category's rule may be lower."),
    Setting("MAX_ROSTER_MIB", _whole(1, 64), "8", "Greatest size of a roster file, in MiB."),
    Setting("VOTE_PATIENCE_MS", _whole(50, 10_000), "1000", "How long a vote's answer waits for its record before it is 202, in ms."),
    Setting("SMS_SENDER", _sender, "console", "Who carries one-time passwords to phones: console (written to the log, for trying out), webhook:https://… (POST of JSON), or the name of an installed sender (entry point of concours.sms)."),
    Setting("SMS_WEBHOOK_SECRET", _text, "", "Sent with each message to the webhook, in the header X-Concours-Secret; 16 characters or more.", True),
    Setting("PHONE_REGION", _country, "CN", "Country of phone numbers that are typed without a country code."),
    Setting("OIDC_ISSUER", _url("https", "http"), "", "Identity provider (OpenID Connect) with which voters can sign in, https://…; empty: none. Its way back is SITE_URL/voting/signed-in."),
    Setting("OIDC_CLIENT_ID", _text, "", "This platform's name at the identity provider."),
    Setting("OIDC_CLIENT_SECRET", _text, "", "Its secret there; empty for a public client.", True),
    Setting("OIDC_NAME", _text, "", "What the identity provider is called on the pages; empty: its host."),
    Setting("OUTBOUND_ALLOW", _networks, "", "Networks that the webhook and the identity provider may lie in though they are not public ones, parted by commas; within them http:// is taken too."),
    Setting("SEQUENCER_BATCH", _whole(1, 10_000), "1000", "Greatest number of votes in one transaction of the sequencer."),
    Setting("UNSAFE_FSYNC", _switch, "false", "Accept SQL or Redis that does not flush to disk before answering. For tests alone."),
    Setting("BIND_ADDRESS", _text, "127.0.0.1", "Address the web server listens on; 0.0.0.0 for all."),
    Setting("PORT", _whole(1, 65_535), "8000", "Port the web server listens on."),
    Setting("WEB_WORKERS", _whole(1, 64), "2", "Processes of the web server."),
    Setting("WEB_THREADS", _whole(1, 512), "32", "Requests that one process of the web server works on at the same time."),
    Setting("LOG_LEVEL", _one_of("DEBUG", "INFO", "WARNING", "ERROR"), "INFO", "DEBUG, INFO, WARNING or ERROR."),
    Setting("LOG_FORMAT", _one_of("text", "json"), "text", "Log lines for people (text) or one JSON object a line (json)."),
)  # fmt: skip

SECRET_MIN_LENGTH = 32
WEBHOOK_SECRET_MIN_LENGTH = 16
SECRET_MIN_VARIETY = 8  # different characters


def instance_of(environ: Mapping[str, str], *, root: Path = PROJECT) -> Path:
    """The instance folder: what INSTANCE names (relative to the working directory), else instance/ below `root`."""
    return Path(environ.get("INSTANCE", "").strip() or root / "instance").expanduser().resolve()


def load(environ: Mapping[str, str], *, root: Path) -> dict[str, Any]:
    """The checked settings by name, plus the ones that follow from them.

    `root` is the project folder, where instance/ and media/ are by default. INSTANCE names another
    instance folder. Raises ConfigError with one line per fault.
    """
    faults: list[str] = []
    found: dict[str, Any] = {}
    for setting in SETTINGS:
        raw = environ.get(setting.name, "").strip() or setting.default
        if raw == "" and setting.default == "":
            found[setting.name] = () if setting.read is _networks else ""
            continue
        try:
            found[setting.name] = setting.read(raw)
        except ConfigError as fault:
            faults.append(f"{setting.name} {fault}")
    key = str(found.get("SECRET_KEY", ""))
    if len(key) < SECRET_MIN_LENGTH:
        faults.append(
            f"SECRET_KEY must be a secret of at least {SECRET_MIN_LENGTH} characters;"
            " make one with: python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    elif len(set(key)) < SECRET_MIN_VARIETY:
        faults.append("SECRET_KEY is too easy to guess: it repeats the same few characters")
    poll_key = str(found.get("POLL_KEY_SECRET", ""))
    if poll_key and len(poll_key) < SECRET_MIN_LENGTH:
        faults.append(f"POLL_KEY_SECRET must be at least {SECRET_MIN_LENGTH} characters, or empty")
    if not environ.get("REDIS_URL", "").strip():
        faults.append("REDIS_URL must name a Redis or Valkey server (the embedded stack sets it by itself)")
    faults += _outbound_faults(found)
    if faults:
        raise ConfigError("\n".join(faults))
    instance = instance_of(environ, root=root)
    media = root / "media" if instance == (root / "instance").resolve() else instance / "media"
    found["INSTANCE"] = str(instance)
    found["DATABASE_URL"] = found["DATABASE_URL"] or f"sqlite:///{instance / 'concours.sqlite3'}"
    found["MEDIA_URL"] = found["MEDIA_URL"] or media.resolve().as_uri()
    found["POLL_KEY_SECRET"] = found["POLL_KEY_SECRET"] or key
    found["VOTES_REDIS_URL"] = found["VOTES_REDIS_URL"] or found["REDIS_URL"]
    return found


def _outbound_faults(found: Mapping[str, Any]) -> list[str]:
    """What is wrong with those whom the platform itself asks over HTTP."""
    faults = []
    inward = bool(found.get("OUTBOUND_ALLOW"))
    sender = str(found.get("SMS_SENDER", ""))
    if sender.startswith("webhook:"):
        if not sender.startswith("webhook:https://") and not inward:
            faults.append("SMS_SENDER must be webhook:https://…; http:// is for a network in OUTBOUND_ALLOW alone")
        if len(str(found.get("SMS_WEBHOOK_SECRET", ""))) < WEBHOOK_SECRET_MIN_LENGTH:
            faults.append(f"SMS_WEBHOOK_SECRET must have at least {WEBHOOK_SECRET_MIN_LENGTH} characters for a webhook")
    issuer = str(found.get("OIDC_ISSUER", ""))
    if issuer and not issuer.startswith("https://") and not inward:
        faults.append("OIDC_ISSUER must begin with https://; http:// is for a network in OUTBOUND_ALLOW alone")
    if issuer and not found.get("OIDC_CLIENT_ID"):
        faults.append("OIDC_CLIENT_ID is missing: OIDC_ISSUER is set")
    if not issuer and (found.get("OIDC_CLIENT_ID") or found.get("OIDC_CLIENT_SECRET")):
        faults.append("OIDC_ISSUER is missing: OIDC_CLIENT_ID or OIDC_CLIENT_SECRET is set")
    return faults
