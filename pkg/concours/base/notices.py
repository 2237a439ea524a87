"""One sentence for the next page a person sees: what they just did, or what came of it."""

from typing import Any

from flask import flash

from concours.base.messages import Message


def kept(message: Message) -> dict[str, Any]:
    """A sentence as plain JSON, {text, values}, to be translated when it is shown."""
    values = {key: kept(value) if isinstance(value, Message) else value for key, value in message.values.items()}
    return {"text": message.text, "values": values}


def notify(message: Message, kind: str = "success") -> None:
    """Shows `message` on the next page; `kind` is success, info, warning or danger."""
    flash(kept(message), kind)  # type: ignore[arg-type]
