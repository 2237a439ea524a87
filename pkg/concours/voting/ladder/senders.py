"""Who carries a one-time password to a phone: the setting SMS_SENDER names it.

`console` writes it to the log, for trying out. `webhook:https://…` posts JSON to a gateway of your own. Any other name
is looked up among the installed Python packages' entry points of the group `concours.sms`: a callable that takes the
settings (a mapping) and returns a sender.
"""

import logging
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any, Protocol
from urllib.parse import urlsplit

from concours.base.config import ConfigError
from concours.base.outbound import Outbound, fetch

CONSOLE, WEBHOOK = "console", "webhook:"
GROUP = "concours.sms"
SECRET_HEADER = "X-Concours-Secret"  # noqa: S105 (the header's name)

log = logging.getLogger(__name__)


class NotSent(Exception):
    """The message did not leave; the text says why, without number and password."""


class Sender(Protocol):
    """Sends `text` to `number` (E.164, +86…); raises NotSent."""

    def __call__(self, number: str, text: str, *, password: str, language: str) -> None:
        """`text` holds the password already; gateways that only know templates take `password` alone."""


def sender_of(settings: Mapping[str, Any]) -> Sender:
    """The sender that the settings name. Raises ConfigError where there is none such."""
    named = str(settings["SMS_SENDER"])
    if named == CONSOLE:
        return to_the_log
    if named.startswith(WEBHOOK):
        return webhook(
            named.removeprefix(WEBHOOK),
            secret=str(settings["SMS_WEBHOOK_SECRET"]),
            allow=tuple(settings["OUTBOUND_ALLOW"]),
        )
    for found in entry_points(group=GROUP):
        if found.name == named:
            make: Callable[[Mapping[str, Any]], Sender] = found.load()
            return make(settings)
    raise ConfigError(f"SMS_SENDER: no installed package offers {named!r} as an entry point of {GROUP}")


def to_the_log(number: str, text: str, *, password: str, language: str) -> None:
    """Writes the message to the log, the number cut short. For trying out alone: who reads the log can vote."""
    del text, language
    log.warning("one-time password for %s: %s (SMS_SENDER=console, for trying out)", shortened(number), password)


def webhook(url: str, *, secret: str, allow: tuple[str, ...]) -> Sender:
    """A sender that posts {"to", "text", "password", "language"} with the secret in the header X-Concours-Secret; any
    status from 200 to 299 means that the message is on its way."""

    def send(number: str, text: str, *, password: str, language: str) -> None:
        body = {"to": number, "text": text, "password": password, "language": language}
        try:
            answer = fetch("POST", url, allow=allow, headers={SECRET_HEADER: secret}, json=body)
        except Outbound as fault:
            raise NotSent(f"the gateway at {urlsplit(url).hostname} could not be asked: {fault}") from fault
        if not 200 <= answer.status < 300:
            raise NotSent(f"the gateway at {urlsplit(url).hostname} answered {answer.status}")

    return send


def shortened(number: str) -> str:
    """The number as far as its owner needs it to know it again: its country's digits and the last two."""
    return f"{number[:3]}…{number[-2:]}"
