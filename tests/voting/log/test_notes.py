"""Notes as others write them: the specification's own example, and what must be refused."""

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from concours.voting.log import notes
from concours.voting.log.notes import COSIGNATURE, ED25519, BadNote, Head, Verifier

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
HEAD = Head("concours/polls/demo-1", 3, hashlib.sha256(b"").digest())
LOG = Verifier("concours/polls/demo-1", ED25519, PUBLIC)
WITNESS = Verifier("witness.example/w1", COSIGNATURE, PUBLIC)
# golang.org/x/mod/sumdb/note, the format's first implementation, and its documentation's example
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_a_note_of_the_formats_own_documentation_is_read() -> None:
    key = notes.read_verifier(GO_KEY)
    assert str(key) == GO_KEY
    assert notes.verify(GO_NOTE, key).startswith("If you think cryptography")
    with pytest.raises(BadNote, match="does not hold"):
        notes.verify(GO_NOTE.replace("answer", "Answer"), key)


def test_a_checkpoint_reads_as_it_was_written() -> None:
    signed = notes.note(HEAD.text, notes.sign(HEAD.text, LOG.name, KEY))
    assert signed.split("\n")[:4] == ["concours/polls/demo-1", "3", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=", ""]
    assert notes.read_head(notes.verify(signed, LOG)) == HEAD
    line = base64.b64decode(signed.splitlines()[-1].split(" ")[2])
    assert line[:4] == hashlib.sha256(b"concours/polls/demo-1\n\x01" + PUBLIC).digest()[:4]
    assert len(line) == 4 + 64


def test_a_cosignature_signs_its_time_as_well() -> None:
    line = notes.cosign(HEAD.text, WITNESS.name, KEY, 1_679_315_147)
    assert notes.check(HEAD.text, line, WITNESS) == 1_679_315_147
    data = base64.b64decode(line.split(" ")[2])
    assert data[:4] == hashlib.sha256(b"witness.example/w1\n\x04" + PUBLIC).digest()[:4]
    assert len(data) == 4 + 8 + 64
    KEY.public_key().verify(data[12:], b"cosignature/v1\ntime 1679315147\n" + HEAD.text.encode())
    later = bytearray(data)
    later[11] += 1
    with pytest.raises(BadNote):
        notes.check(HEAD.text, f"— {WITNESS.name} {base64.b64encode(bytes(later)).decode()}", WITNESS)


def test_signatures_of_unknown_keys_do_not_disturb() -> None:
    other = Ed25519PrivateKey.generate()
    mine, theirs = notes.sign(HEAD.text, LOG.name, KEY), notes.sign(HEAD.text, LOG.name, other)
    assert notes.verify(notes.note(HEAD.text, theirs, mine), LOG) == HEAD.text
    with pytest.raises(BadNote, match="not signed by"):
        notes.verify(notes.note(HEAD.text, theirs), LOG)


@pytest.mark.parametrize(
    "text",
    ["", "x", "x\n", "x\n\n", "x\n\nno dash\n", "x\n\n— name AAAA", GO_NOTE.replace("x08go", "!08go"), GO_NOTE[:-1]],
)
def test_what_is_no_note_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        notes.verify(text, notes.read_verifier(GO_KEY))


@pytest.mark.parametrize(
    "text", ["", "a", "a+b", "a+b+c", GO_KEY.replace("c74f20a3", "c74f20a4"), GO_KEY[1:], "+" + GO_KEY]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        notes.read_verifier(text)


@pytest.mark.parametrize(
    "text",
    ["", "o\n", "o\n3\n", "o\n03\nAA==\n", "o\n-1\nAA==\n", "o\n3\nAA==\n", "o\n３\n" + HEAD.text, "\n3\nAA==\n"],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadNote):
        notes.read_head(text)
