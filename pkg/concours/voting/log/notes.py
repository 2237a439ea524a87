"""Signed notes, checkpoints and cosignatures: c2sp.org/signed-note, /tlog-checkpoint, /tlog-cosignature.

A note is a text that ends with a newline, an empty line, and lines of signatures:

    — <key name> base64(key id, 4 bytes || signature)

The key id is SHA-256(name 0x0A type key)[:4]; type 0x01 is Ed25519 over the text, type 0x04 a witness' Ed25519
cosignature with its time. A verifier key is `<name>+<key id, hex>+base64(type || key)`.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from concours.voting.log.merkle import HASH_BYTES

ED25519, COSIGNATURE = 0x01, 0x04
KEY_BYTES, ID_BYTES, TIME_BYTES, SIGNATURE_BYTES = 32, 4, 8, 64
DASH = "— "


class BadNote(ValueError):
    """What should be a note (a key, a checkpoint) is none, or its signature does not hold."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A key by which signatures are recognised: its name, its type and its 32 bytes."""

    name: str
    kind: int
    key: bytes

    @property
    def id(self) -> bytes:
        """The key's id, 4 bytes."""
        return key_id(self.name, self.kind, self.key)

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.key).decode()}"


@dataclass(frozen=True, slots=True)
class Head:
    """What a checkpoint says: the log's origin, its size in leaves, and its root."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The checkpoint's note text."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def key_id(name: str, kind: int, key: bytes) -> bytes:
    """SHA-256(name 0x0A type key)[:4]."""
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) + key).digest()[:ID_BYTES]


def read_verifier(text: str) -> Verifier:
    """The verifier key of that line. Raises BadNote with what is wrong."""
    name, _, rest = text.strip().partition("+")
    found, _, encoded = rest.partition("+")
    data = _decode(encoded)
    if not is_name(name) or len(data) != 1 + KEY_BYTES or data[0] not in (ED25519, COSIGNATURE):
        raise BadNote("not a verifier key of the form name+id+key")
    verifier = Verifier(name, data[0], data[1:])
    if verifier.id.hex() != found.lower():
        raise BadNote("the key's id does not fit its name and its bytes")
    return verifier


def is_name(name: str) -> bool:
    """Whether that may be a key's name: not empty, without spaces, pluses and control characters."""
    return bool(name) and "+" not in name and not any(c.isspace() or ord(c) < 0x20 for c in name)


def sign(text: str, name: str, key: Ed25519PrivateKey) -> str:
    """The line that signs the text, with its newline."""
    return _line(name, key_id(name, ED25519, key.public_key().public_bytes_raw()) + key.sign(text.encode()))


def cosign(text: str, name: str, key: Ed25519PrivateKey, at: int) -> str:
    """A witness' line under a checkpoint; `at` in s since 1970."""
    identity = key_id(name, COSIGNATURE, key.public_key().public_bytes_raw())
    return _line(name, identity + at.to_bytes(TIME_BYTES, "big") + key.sign(_cosigned(text, at)))


def note(text: str, *lines: str) -> str:
    """The text with its signatures."""
    return text + "\n" + "".join(lines)


def split(signed: str) -> tuple[str, list[str]]:
    """The text of a note and its lines of signatures. Raises BadNote."""
    text, gap, lines = signed.rpartition("\n\n")
    found = lines.splitlines()
    if not gap or not lines.endswith("\n") or not found or not all(line.startswith(DASH) for line in found):
        raise BadNote("not a signed note")
    return text + "\n", found


def verify(signed: str, verifier: Verifier) -> str:
    """The text of a note that the key has signed. Raises BadNote where it has not."""
    text, lines = split(signed)
    if not any(check(text, line, verifier) is not None for line in lines):
        raise BadNote(f"not signed by {verifier.name}")
    return text


def check(text: str, line: str, verifier: Verifier) -> int | None:
    """0 (a cosignature: its time, s since 1970) where the line is the key's, None where it is another key's.

    Raises BadNote where it should be the key's and its signature does not hold.
    """
    name, _, encoded = line.removeprefix(DASH).strip().partition(" ")
    if name != verifier.name:
        return None
    data = _decode(encoded)
    if data[:ID_BYTES] != verifier.id:
        return None
    signature, at, message = data[ID_BYTES:], 0, text.encode()
    if verifier.kind == COSIGNATURE:
        at, signature = int.from_bytes(signature[:TIME_BYTES], "big"), signature[TIME_BYTES:]
        message = _cosigned(text, at)
    try:
        Ed25519PublicKey.from_public_bytes(verifier.key).verify(signature, message)
    except InvalidSignature:
        raise BadNote(f"the signature of {verifier.name} does not hold") from None
    return at


def read_head(text: str) -> Head:
    """What a checkpoint's text says. Raises BadNote."""
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0] or not _is_size(lines[1]) or len(root := _decode(lines[2])) != HASH_BYTES:
        raise BadNote("not a checkpoint")
    return Head(lines[0], int(lines[1]), root)


def _is_size(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20 and (text == "0" or text[0] != "0")


def _cosigned(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _line(name: str, data: bytes) -> str:
    return f"{DASH}{name} {base64.b64encode(data).decode()}\n"


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadNote("not base64") from None
