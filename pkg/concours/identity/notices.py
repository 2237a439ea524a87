"""The sentence that the next page begins with; kept as a Message, so that it is said in the reader's language."""

from typing import cast

from flask import flash

from concours.base.messages import Message


def tell(message: Message, tone: str = "success") -> None:
    """Says `message` at the top of the next page; tone: success, info, warning or danger."""
    flash(cast(str, message), tone)
