"""Seals a stream to an age recipient (age-encryption.org/v1, https://c2sp.org/age): only the holder of the secret key
opens it, with concours-verify or with any age program. One stanza, X25519; chunks of 64 KiB, never more in memory."""

import base64
import hmac
import os
from collections.abc import Iterable, Iterator

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from concours.base.errors import FieldProblem, Invalid
from concours.base.messages import msg

CHUNK = 65_536  # bytes of plain text
KEY_BYTES = 32
FILE_KEY_BYTES = 16
PREFIX = "age"
VERSION = b"age-encryption.org/v1"
LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def read_recipient(text: str) -> bytes:
    """The 32 bytes of a recipient (`age1…`). Raises Invalid."""
    found = _bech32(text.strip())
    if found is None or len(found) != KEY_BYTES:
        raise Invalid(
            problems=[
                FieldProblem(
                    "recipient",
                    msg("This is not a public key of the form age1…; concours-verify uniqueness --new-key makes one."),
                )
            ]
        )
    return found


def seal(recipient: bytes, parts: Iterable[bytes]) -> Iterator[bytes]:
    """The parts, side by side, sealed to the recipient: header first, then chunk by chunk."""
    file_key = os.urandom(FILE_KEY_BYTES)
    yield _header(recipient, file_key)
    nonce = os.urandom(16)
    yield nonce
    cipher = ChaCha20Poly1305(_hkdf(file_key, nonce, b"payload"))
    held, number = bytearray(), 0
    for part in parts:
        held += part
        while len(held) > CHUNK:  # the last chunk is marked, so one is always held back
            yield cipher.encrypt(number.to_bytes(11, "big") + b"\0", bytes(held[:CHUNK]), None)
            del held[:CHUNK]
            number += 1
    yield cipher.encrypt(number.to_bytes(11, "big") + b"\1", bytes(held), None)


def _header(recipient: bytes, file_key: bytes) -> bytes:
    ephemeral = X25519PrivateKey.generate()
    share = ephemeral.public_key().public_bytes_raw()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(recipient))
    wrap = _hkdf(shared, share + recipient, VERSION + b"/X25519")
    body = ChaCha20Poly1305(wrap).encrypt(bytes(12), file_key, None)
    head = b"%b\n-> X25519 %b\n%b\n---" % (VERSION, _base64(share), _base64(body))
    return head + b" " + _base64(hmac.digest(_hkdf(file_key, b"", b"header"), head, "sha256")) + b"\n"


def _hkdf(key: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(key)


def _base64(data: bytes) -> bytes:
    return base64.b64encode(data).rstrip(b"=")


def _bech32(text: str) -> bytes | None:
    """The bytes of a bech32 text (BIP 173, without its limit of length) with age's prefix; None where it is none."""
    if len(text) > 100 or not text.isascii() or text not in (text.lower(), text.upper()):
        return None
    prefix, found, data = text.lower().rpartition("1")
    if not found or prefix != PREFIX or any(letter not in LETTERS for letter in data):
        return None
    values = [LETTERS.index(letter) for letter in data]
    if _checksum([*(ord(c) >> 5 for c in prefix), 0, *(ord(c) & 31 for c in prefix), *values]) != 1:
        return None
    bits = "".join(f"{value:05b}" for value in values[:-6])
    whole = len(bits) // 8 * 8
    if len(bits) - whole >= 5 or "1" in bits[whole:]:
        return None
    return bytes(int(bits[at : at + 8], 2) for at in range(0, whole, 8))


def _checksum(values: Iterable[int]) -> int:
    found = 1
    for value in values:
        top = found >> 25
        found = (found & 0x1FFFFFF) << 5 ^ value
        for bit, step in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            if top >> bit & 1:
                found ^= step
    return found
