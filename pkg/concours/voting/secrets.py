"""A poll's secrets: the key behind its voters' pseudonyms, the key that signs its receipts, the keys that sign its log.

All are random and kept in SQL wrapped with AES-256-GCM (NIST SP 800-38D) under a key derived from POLL_KEY_SECRET by
HKDF-SHA256 (RFC 5869); the poll's slug and the key's purpose are bound in, so that a wrapped key cannot be moved to
another poll. Destroying a poll's key makes its pseudonyms unlinkable for ever.
"""

import hashlib
import hmac
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 16  # of a vote, chosen by the voter's client
GCM_NONCE_BYTES = 12
PSEUDONYM = b"pseudonym"
RECEIPTS = b"receipts"
LOG = b"log"


class WrongSecret(Exception):
    """A poll's key cannot be unwrapped: POLL_KEY_SECRET (or SECRET_KEY) is not the one it was wrapped under."""


@dataclass(frozen=True)
class NewKeys:
    """The columns of a new poll."""

    wrapped_key: bytes
    wrapped_signing_key: bytes
    signing_public: bytes


def derive(secret: str, purpose: bytes) -> bytes:
    """32 bytes for one `purpose` from a secret of the configuration."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"concours " + purpose).derive(secret.encode())


def make_keys(secret: str, slug: str) -> NewKeys:
    """Fresh keys for the poll `slug`; `secret` is POLL_KEY_SECRET."""
    signing = Ed25519PrivateKey.generate()
    return NewKeys(
        wrapped_key=_wrap(secret, slug, PSEUDONYM, os.urandom(KEY_BYTES)),
        wrapped_signing_key=_wrap(secret, slug, RECEIPTS, signing.private_bytes_raw()),
        signing_public=signing.public_key().public_bytes_raw(),
    )


def unwrap_key(secret: str, slug: str, wrapped: bytes) -> bytes:
    """The key of the pseudonyms. Raises WrongSecret.

    Of a destroyed one (empty) a random key each time: whoever asks is nobody the poll knows, and no tag comes out that
    stands in the ledger.
    """
    if not wrapped:
        return os.urandom(KEY_BYTES)
    return _unwrap(secret, slug, PSEUDONYM, wrapped)


def unwrap_signing_key(secret: str, slug: str, wrapped: bytes) -> Ed25519PrivateKey:
    """The key that signs receipts. Raises WrongSecret."""
    return Ed25519PrivateKey.from_private_bytes(_unwrap(secret, slug, RECEIPTS, wrapped))


def make_log_key(secret: str, slug: str) -> tuple[Ed25519PrivateKey, bytes]:
    """A fresh key that signs the poll's checkpoints, and how it is kept."""
    key = Ed25519PrivateKey.generate()
    return key, _wrap(secret, slug, LOG, key.private_bytes_raw())


def unwrap_log_key(secret: str, slug: str, wrapped: bytes) -> Ed25519PrivateKey:
    """The key that signs checkpoints; only the sequencer asks for it. Raises WrongSecret."""
    return Ed25519PrivateKey.from_private_bytes(_unwrap(secret, slug, LOG, wrapped))


def seal(secret: str, slug: str, purpose: bytes, plain: bytes) -> bytes:
    """Anything of the poll `slug` that must be kept closed for a while; `secret` is POLL_KEY_SECRET."""
    return _wrap(secret, slug, purpose, plain)


def unseal(secret: str, slug: str, purpose: bytes, sealed: bytes) -> bytes:
    """What was sealed. Raises WrongSecret."""
    return _unwrap(secret, slug, purpose, sealed)


def tag_of(key: bytes, poll_id: int, voter_id: bytes) -> bytes:
    """The voter's pseudonym in the poll: HMAC-SHA256(key, "tag" 0 poll 0 voter), 32 bytes."""
    return hmac.digest(key, b"tag\x00%d\x00%b" % (poll_id, voter_id), "sha256")


def network_tag(key: bytes, poll_id: int, network: str) -> bytes:
    """The pseudonym of a network in the poll, 16 bytes: addresses never reach Redis in clear."""
    return hmac.digest(key, b"network\x00%d\x00%b" % (poll_id, network.encode()), "sha256")[:16]


def nonces_of(nonce: bytes, picks: int) -> list[bytes]:
    """The nonces of a ballot's picks: the first has the client's own, each other SHA-256("pick" 0 nonce place)[:16],
    with its place from 2 on in one byte."""
    later = (hashlib.sha256(b"pick\x00" + nonce + bytes([place])) for place in range(2, picks + 1))
    return [nonce, *(found.digest()[:NONCE_BYTES] for found in later)]


def commitment_of(tag: bytes, nonce: bytes) -> bytes:
    """What names a vote in public: SHA-256("commit" 0 tag nonce), 32 bytes."""
    return hashlib.sha256(b"commit\x00" + tag + nonce).digest()


def _wrap(secret: str, slug: str, purpose: bytes, plain: bytes) -> bytes:
    nonce = os.urandom(GCM_NONCE_BYTES)
    return nonce + AESGCM(derive(secret, b"poll keys")).encrypt(nonce, plain, _bound(slug, purpose))


def _unwrap(secret: str, slug: str, purpose: bytes, wrapped: bytes) -> bytes:
    nonce, sealed = wrapped[:GCM_NONCE_BYTES], wrapped[GCM_NONCE_BYTES:]
    try:
        return AESGCM(derive(secret, b"poll keys")).decrypt(nonce, sealed, _bound(slug, purpose))
    except InvalidTag:
        raise WrongSecret(f"the key of poll {slug!r} was wrapped under another POLL_KEY_SECRET") from None


def _bound(slug: str, purpose: bytes) -> bytes:
    return purpose + b"\x00" + slug.encode()
