"""Sentences for people, written where the rule is and translated at the edge.

Verbs never see a request, so they cannot know the reader's language: they hand over a `Message`
(an English sentence and its values); the page, the API or the command line translates it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Message:
    """An English sentence with %(name)s places and the values for them."""

    text: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """The sentence in English, with its values: for logs and the command line."""
        return self.text % self.values if self.values else self.text


def msg(text: str, **values: Any) -> Message:
    """Marks `text` for translation (the catalogues' extractor looks for this name)."""
    return Message(text, values)


def nmsg(singular: str, plural: str, count: int, **values: Any) -> Message:
    """Like `msg`, choosing the English form by `count`, which is also a value."""
    return Message(singular if count == 1 else plural, {"count": count, **values})
