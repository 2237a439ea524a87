"""What goes over the sockets between the platform and the decoding process.

A task is one datagram of JSON with three descriptors: the file to look into, the socket for the answer, and a file for
a playable copy. The answer is a line of JSON, then the bytes of the renditions it lists, one after the other.
"""

import json
import socket
from dataclasses import asdict, dataclass, field
from typing import Any

TASK_BYTES = 64 * 1024
ANSWER_HEAD_BYTES = 64 * 1024
ANSWER_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Task:
    """What to do: `form` is the format by the first bytes; `widths` in pixels; `size` in bytes; `playable`: make a copy
    without metadata that browsers can play; `seconds` is the time after which the child is ended."""

    form: str
    size: int
    widths: tuple[int, ...]
    playable: bool
    max_pixels: int
    seconds: float

    def encode(self) -> bytes:
        """As the datagram."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, data: bytes) -> "Task":
        """From the datagram."""
        found = json.loads(data)
        found["widths"] = tuple(found["widths"])
        return cls(**found)


@dataclass(frozen=True)
class Picture:
    """One encoded rendition: its name, content type, sides in pixels and bytes."""

    name: str
    content_type: str
    width: int
    height: int
    data: bytes = b""


@dataclass
class Findings:
    """What was found: `facts` of the content, or the `fault` why it cannot be used, and the renditions.

    `playable` describes the copy written to the task's third file: {name, content_type, width, height}, or is empty.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    fault: str = ""
    pictures: list[Picture] = field(default_factory=list)
    playable: dict[str, Any] = field(default_factory=dict)


class Unusable(Exception):
    """The content cannot be used; `fault` says why: one of the keys of `media.rules.FAULTS`."""

    def __init__(self, fault: str, **facts: Any) -> None:
        super().__init__(fault)
        self.fault = fault
        self.facts = facts


def send(answer: socket.socket, findings: Findings) -> None:
    """Writes the answer whole."""
    listed = [
        {
            "name": p.name,
            "content_type": p.content_type,
            "width": p.width,
            "height": p.height,
            "bytes": len(p.data),
        }
        for p in findings.pictures
    ]
    head = {"facts": findings.facts, "fault": findings.fault, "pictures": listed, "playable": findings.playable}
    answer.sendall(json.dumps(head).encode() + b"\n")
    for picture in findings.pictures:
        answer.sendall(picture.data)


def parse(raw: bytes) -> Findings:
    """The findings of a whole answer. Raises ValueError for anything but one: what a decoder says is not trusted."""
    line, newline, rest = raw.partition(b"\n")
    if not newline or len(line) > ANSWER_HEAD_BYTES:
        raise ValueError("no head")
    head = json.loads(line)
    pictures: list[Picture] = []
    at = 0
    try:
        for listed in head["pictures"]:
            length = int(listed["bytes"])
            data = rest[at : at + length]
            if length <= 0 or len(data) != length:
                raise ValueError("bytes are missing")
            at += length
            pictures.append(
                Picture(
                    name=str(listed["name"])[:16],
                    content_type=str(listed["content_type"])[:40],
                    width=int(listed["width"]),
                    height=int(listed["height"]),
                    data=data,
                )
            )
        facts, playable = dict(head["facts"]), dict(head["playable"])
        return Findings(facts=facts, fault=str(head["fault"])[:40], pictures=pictures, playable=playable)
    except (KeyError, TypeError) as wrong:
        raise ValueError("not an answer") from wrong
