"""Where a command's settings come from: the environment first, then what the embedded stack keeps in the instance.

In production SECRET_KEY, DATABASE_URL and REDIS_URL are given and nothing of this applies. Where they are not,
`concours serve` makes a secret key, keeps it in the instance folder, and starts a Valkey there; every other command
run on the same machine finds both, so that `concours account create …` works beside a running `make run`.
"""

import hashlib
import logging
import os
import secrets
import tempfile
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import click

from concours.base import config, durability, embedded
from concours.base.logs import init_logs

KEY_FILE = "secret_key"
KEY_BYTES = 48
SOCKET_NAME = "valkey.sock"
VALKEY_FOLDER = "valkey"

log = logging.getLogger(__name__)


def secret_key(instance: Path, *, make: bool = False) -> str | None:
    """The key kept in the instance; `make` makes and keeps one (mode 600) where there is none.

    Raises click.ClickException where it cannot be read or kept. Nothing is put in its place: the keys of polls
    hang on it.
    """
    path = instance / KEY_FILE
    try:
        if path.exists():
            return path.read_text().strip()
        return _made_key(path) if make else None
    except (OSError, UnicodeDecodeError) as fault:
        hint = "bring it back from a backup, or name the key by SECRET_KEY"
        raise click.ClickException(f"the secret key {path} cannot be used ({fault}); {hint}") from None


def _made_key(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = secrets.token_urlsafe(KEY_BYTES)
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
    return key


def socket_path(instance: Path) -> Path:
    """Where the instance's Valkey listens: in the instance, or in a private folder where that path is too long."""
    path = instance / SOCKET_NAME
    if len(os.fsencode(path)) <= embedded.SOCKET_PATH_LIMIT:
        return path
    name = hashlib.sha256(os.fsencode(instance)).hexdigest()[:16]
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    return base / f"concours-{os.getuid()}-{name}" / SOCKET_NAME


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches `address`."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def resolve(environ: Mapping[str, str] | None = None, *, embedded_stack: bool = False) -> dict[str, str]:
    """The environment with the embedded stack's values where none are given.

    `embedded_stack` makes the instance's key where there is none, and names its Valkey though it may not run yet.
    """
    found = dict(os.environ if environ is None else environ)
    instance = config.instance_of(found)
    found["INSTANCE"] = str(instance)
    ours = embedded_stack or (instance / VALKEY_FOLDER).exists()
    if not found.get("SECRET_KEY", "").strip():
        key = secret_key(instance, make=embedded_stack)
        if key is None:
            return found
        found["SECRET_KEY"] = key
        ours = True
    if not found.get("REDIS_URL", "").strip() and ours:
        found["REDIS_URL"] = embedded.url(socket_path(instance))
    plain = not found.get("SITE_URL", "").startswith("https://")
    if ours and plain and not found.get("SECURE_COOKIES", "").strip():
        found["SECURE_COOKIES"] = "false"  # whichever servers keep the data, the page is at http://
    return found


def settings(
    environ: Mapping[str, str] | None = None, *, process: str = "concours", embedded_stack: bool = False
) -> dict[str, Any]:
    """The checked settings for a command, put into the process' environment; log lines begin with `process`.

    Raises click.ClickException, whose text names every fault.
    """
    found = resolve(environ, embedded_stack=embedded_stack)
    try:
        checked = config.load(found, root=config.PROJECT)
    except config.ConfigError as fault:
        raise click.ClickException(f"the configuration cannot be used:\n{_indented(str(fault))}") from None
    os.environ.update(found)
    init_logs(process, level=checked["LOG_LEVEL"], form=checked["LOG_FORMAT"])
    return checked


def require_durable(checked: Mapping[str, Any]) -> None:
    """Warns of what is recommended and missing; refuses to start where what was recorded could be lost."""
    refused: list[str] = []
    for finding in durability.findings(checked):
        if finding.weight == "away" or (finding.weight == "unsafe" and not checked["UNSAFE_FSYNC"]):
            refused.append(finding.sentence)
        else:
            log.warning(finding.sentence)
    if refused:
        raise click.ClickException("this cannot be relied on:\n" + _indented("\n".join(refused)))


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
