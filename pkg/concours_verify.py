"""concours-verify: checks a poll of Concours without trusting it.

Everything here stands alone: Python's own library, and `cryptography` for Ed25519. It reads a poll's log from its
address (https://…/log/<poll>) or from a folder that `fetch` filled, as c2sp.org/tlog-tiles describes it, and answers

    receipt       is my vote in the log, as my receipt says?
    consistency   does the log still begin with what it said before?
    tally         do the published leaves give the published result?
    uniqueness    has no voter more votes than the rules allow? (for the auditor, with a sealed bundle)
    witness       the same as consistency, remembered, and signed (c2sp.org/tlog-cosignature)

How to read this file: hashes and proofs (RFC 6962), notes (c2sp.org/signed-note), the log, then one function for each
command. What it proves is that votes are counted as recorded. It cannot prove that each voter was one person.

Exit status: 0 it holds; 1 it does not; 2 it could not be checked (nothing to read, nothing to check yet).
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

HASH, WIDTH = 32, 256
ED25519, COSIGNATURE = 1, 4
HEAVIEST = 1_000  # the greatest weight of a vote
TIMEOUT_S = 30
TOGETHER = 8  # files fetched at a time
LARGEST = 32 * 1024 * 1024  # bytes of one answer
HOLDS, FAILS, UNKNOWN = 0, 1, 2


class Fault(Exception):
    """It does not hold: the sentence says what."""


class Unchecked(Exception):
    """It cannot be checked: the sentence says why."""


# ---- RFC 6962: hashes, roots, proofs --------------------------------------------------------------------------------


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 leaf)."""
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 left right)."""
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The root over these hashes: pair by pair, row by row; what is left over at a row's end waits for the next."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    sha, row = hashlib.sha256, list(hashes)
    while len(row) > 1:
        above = [sha(b"\1" + row[i] + row[i + 1]).digest() for i in range(0, len(row) - 1, 2)]
        if len(row) % 2:
            above.append(row[-1])
        row = above
    return row[0]


def split(size: int) -> int:
    """The greatest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def inclusion_path(index: int, begin: int, end: int) -> list[tuple[int, int]]:
    """The ranges of leaves whose roots prove leaf `index` among `begin` to `end` (section 2.1.1), leaf upwards."""
    if end - begin == 1:
        return []
    middle = begin + split(end - begin)
    if index < middle:
        return [*inclusion_path(index, begin, middle), (middle, end)]
    return [*inclusion_path(index, middle, end), (begin, middle)]


def consistency_path(old: int, begin: int, end: int, whole: bool = True) -> list[tuple[int, int]]:
    """The ranges whose roots prove that the tree of `end` begins with that of `old` leaves (section 2.1.2)."""
    if old == end:
        return [] if whole else [(begin, end)]
    middle = begin + split(end - begin)
    if old <= middle:
        return [*consistency_path(old, begin, middle, whole), (middle, end)]
    return [*consistency_path(old, middle, end, False), (begin, middle)]


def included(index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path leads from the leaf's hash to the root (RFC 9162 section 2.1.3.2)."""
    node, last = index, size - 1
    for sibling in path:
        if last == 0:
            return False
        if node % 2 or node == last:
            leaf = node_hash(sibling, leaf)
            while node and not node % 2:
                node, last = node // 2, last // 2
        else:
            leaf = node_hash(leaf, sibling)
        node, last = node // 2, last // 2
    return 0 <= index < size and last == 0 and leaf == root


def consistent(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the path shows that the new tree begins with the old one (RFC 9162 section 2.1.4.2)."""
    if old == 0:
        return not path and old_root == root_of([])
    if old == new:
        return not path and old_root == new_root
    nodes = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if old > new or not nodes:
        return False
    node, last = old - 1, new - 1
    while node % 2:
        node, last = node // 2, last // 2
    first = second = nodes[0]
    for sibling in nodes[1:]:
        if last == 0:
            return False
        if node % 2 or node == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while node and not node % 2:
                node, last = node // 2, last // 2
        else:
            second = node_hash(second, sibling)
        node, last = node // 2, last // 2
    return last == 0 and first == old_root and second == new_root


# ---- Signed notes ---------------------------------------------------------------------------------------------------


class Key(NamedTuple):
    """A verifier key, written name+id+base64(kind key)."""

    name: str
    kind: int
    key: bytes

    @property
    def id(self) -> bytes:
        """SHA-256(name newline kind key)[:4]."""
        return hashlib.sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(bytes([self.kind]) + self.key).decode()}"


class Head(NamedTuple):
    """What a checkpoint says."""

    origin: str
    size: int
    root: bytes


def read_key(text: str) -> Key:
    """Reads a verifier key."""
    name, _, rest = text.strip().partition("+")
    data = decode(rest.partition("+")[2])
    key = Key(name, data[0] if data else 0, data[1:])
    if not name or len(key.key) != HASH or rest.partition("+")[0] != key.id.hex():
        raise Unchecked(f"this is not a key of the form name+id+key: {text.strip()[:80]}")
    return key


def decode(text: str) -> bytes:
    """Base64, strictly."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise Fault(f"not base64: {text[:40]!r}") from None


def parts(note: str) -> tuple[str, list[str]]:
    """A note's text and its signature lines."""
    text, gap, lines = note.rpartition("\n\n")
    if not gap or not lines.startswith("— ") or not lines.endswith("\n"):
        raise Fault("this is not a signed note")
    return text + "\n", lines.splitlines()


def signed_by(note: str, key: Key) -> bool:
    """Whether the key has signed the note; a signature that names the key and does not hold is a fault."""
    text, lines = parts(note)
    for line in lines:
        name, _, encoded = line.removeprefix("— ").partition(" ")
        data = decode(encoded)
        if name == key.name and data[:4] == key.id:
            signature, message = data[4:], text.encode()
            if key.kind == COSIGNATURE:
                at, signature = int.from_bytes(signature[:8], "big"), signature[8:]
                message = f"cosignature/v1\ntime {at}\n{text}".encode()
            require_signature(key.key, signature, message, f"the signature of {name}")
            return True
    return False


def require_signature(key: bytes, signature: bytes, message: bytes, what: str) -> None:
    """Ed25519 (RFC 8032)."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        raise Fault(f"{what} does not hold") from None


def read_head(note: str) -> Head:
    """What a checkpoint says."""
    lines = parts(note)[0].split("\n")
    if len(lines) < 4 or not lines[1].isascii() or not lines[1].isdigit() or len(root := decode(lines[2])) != HASH:
        raise Fault("this is not a checkpoint")
    return Head(lines[0], int(lines[1]), root)


# ---- The log --------------------------------------------------------------------------------------------------------


def tile_path(number: int, width: int = WIDTH) -> str:
    """A tile's number as tlog-tiles writes it: x001/x234/067, 067.p/112."""
    digits = f"{number:03d}"
    digits = "0" * (-len(digits) % 3) + digits
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    name = "/".join([*("x" + group for group in groups[:-1]), groups[-1]])
    return name if width == WIDTH else f"{name}.p/{width}"


class Log:
    """A poll's log, at an address or in a folder. Without pinned keys it takes those it is told, and says so."""

    def __init__(self, place: str, key: str | None = None) -> None:
        self.place = place.rstrip("/")
        self.remote = place.startswith(("http://", "https://"))
        self.note = self.read("checkpoint").decode()  # before the keys: a key that has just followed is among them
        self.keys: dict[str, Any] = json.loads(self.read("keys"))
        self.pinned = key is not None
        self.trusted = self._trusted(read_key(key) if key else None)
        self.tiles: dict[tuple[int, int], bytes] = {}
        self.head = self.check(self.note)

    def read(self, name: str) -> bytes:
        """A file of the log."""
        if not self.remote:
            try:
                return Path(self.place, name).read_bytes()
            except OSError as missing:
                raise Unchecked(f"{missing.strerror}: {missing.filename}") from None
        request = urllib.request.Request(f"{self.place}/{name}", headers={"Accept-Encoding": "gzip"})
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                data: bytes = answer.read(LARGEST)
                return unpacked(data) if answer.headers.get("Content-Encoding") == "gzip" else data
        except urllib.error.HTTPError as refused:
            raise Unchecked(f"{name}: the log answers {refused.code}{_detail(refused)}") from None
        except (OSError, ValueError, zlib.error) as away:
            raise Unchecked(f"{self.place}/{name}: {away}") from None

    def _trusted(self, pinned: Key | None) -> list[Key]:
        """The log's keys, each signed by the one before; from the pinned one on."""
        trusted: list[Key] = []
        for entry in self.keys["log_keys"]:
            key = read_key(entry["key"])
            if trusted and not self._handed_over(entry["note"], trusted[-1], key):
                raise Fault(f"key {entry['number']} of the log is not signed by the key before it")
            if trusted or pinned is None or key == pinned:
                trusted.append(key)
        if not trusted:
            raise Fault("the log does not know the key that you trust")
        return trusted

    def _handed_over(self, note: str, old: Key, new: Key) -> bool:
        lines = parts(note)[0].splitlines()
        told = lines[0] == "concours-log-key/v1" and lines[1] == self.keys["origin"] and lines[3] == str(new)
        return told and signed_by(note, old) and signed_by(note, new)

    def check(self, note: str) -> Head:
        """What a checkpoint of this log says, if one of its keys has signed it."""
        head = read_head(note)
        if head.origin != self.keys["origin"] or any(key.name != head.origin for key in self.trusted):
            raise Fault(f"this is a checkpoint of another log: {head.origin}")
        if not any(signed_by(note, key) for key in self.trusted):
            raise Fault("no key of the log has signed this checkpoint")
        return head

    def root(self, begin: int, end: int) -> bytes:
        """The root over a range of leaves of a proof, out of the tiles. What comes is proven by what it leads to."""
        edge: list[bytes] = []
        while begin < end:
            height = (end - begin).bit_length() - 1
            level, low = divmod(height, 8)
            first = begin >> 8 * level
            tile = self.tile(level, first // WIDTH)
            at = first % WIDTH * HASH
            part = tile[at : at + (HASH << low)]
            if len(part) != HASH << low:
                raise Fault(f"tile {level}/{first // WIDTH} is too short")
            edge.append(root_of([part[i : i + HASH] for i in range(0, len(part), HASH)]))
            begin += 1 << height
        root = edge.pop()
        while edge:
            root = node_hash(edge.pop(), root)
        return root

    def tile(self, level: int, number: int) -> bytes:
        """A tile, as wide as the checkpoint says it is."""
        if (level, number) not in self.tiles:
            width = min(WIDTH, (self.head.size >> 8 * level) - WIDTH * number)
            self.tiles[level, number] = self.read(f"tile/{level}/{tile_path(number, width)}")
        return self.tiles[level, number]

    def bundles(self) -> Iterator[tuple[int, str]]:
        """The width and name of each bundle of leaves."""
        for number in range((self.head.size + WIDTH - 1) // WIDTH):
            width = min(WIDTH, self.head.size - WIDTH * number)
            yield width, f"tile/entries/{tile_path(number, width)}"

    def leaves(self) -> Iterator[bytes]:
        """All leaves, in order."""
        with ThreadPoolExecutor(TOGETHER if self.remote else 1) as pool:
            for (width, name), data in zip(
                self.bundles(), pool.map(lambda b: self.read(b[1]), self.bundles()), strict=True
            ):
                at = count = 0
                while at < len(data):
                    length = int.from_bytes(data[at : at + 2], "big")
                    yield data[at + 2 : at + 2 + length]
                    at, count = at + 2 + length, count + 1
                if count != width or at != len(data):
                    raise Fault(f"{name} holds {count} leaves, not {width}")


def unpacked(data: bytes) -> bytes:
    """What was packed with gzip, as far as LARGEST: a few bytes may unpack to more than this machine holds."""
    packed = zlib.decompressobj(wbits=31)
    found = packed.decompress(data, LARGEST)
    if not packed.eof:
        raise ValueError("it is too large, or cut")
    return found


def _detail(refused: urllib.error.HTTPError) -> str:
    try:
        return f": {json.loads(refused.read(LARGEST))['detail']}"
    except (ValueError, KeyError, OSError):
        return ""


# ---- The commands ---------------------------------------------------------------------------------------------------

Say = Callable[[str], None]


def receipt(args: argparse.Namespace, say: Say) -> dict[str, Any]:
    """Is my vote in the log, as my receipt says?"""
    told = read_json(args.receipt)
    told = told.get("receipt", told)
    if told.get("status") != "recorded":
        raise Unchecked("this receipt is provisional: ask for it again when the vote is recorded")
    log = Log(args.log, args.key)
    leaf = json.dumps(
        {"candidate": told["candidate"], "commitment": told["commitment"], "day": told["day"], "poll": told["poll"],
         "type": "vote", "v": 1, "weight": told["weight"]}, sort_keys=True, separators=(",", ":"),
    ).encode()  # fmt: skip
    index, hashed = told["leaf"], leaf_hash(leaf)
    if hashed.hex() != told["leaf_hash"]:
        raise Fault("the receipt's leaf hash is not that of its vote")
    weight = f", counted {told['weight']} times" if told["weight"] != 1 else ""
    say(f"The receipt names candidate {told['candidate']} on {told['day']}{weight}; its leaf hash fits.")
    at = round(time_of(told["recorded_at"]) * 1000)
    signed = f"concours-receipt-v1\n{log.keys['origin']}\n{index}\n{hashed.hex()}\n{at}\n".encode()
    key = args.receipt_key or log.keys["receipt_key"]
    require_signature(bytes.fromhex(key), decode(told["signature"]), signed, "the receipt's signature")
    say("The poll's key has signed it: the poll cannot deny it.")
    if not args.receipt_key:
        say(f"That key is the one that the log names today; to hold it to this one, keep it: --receipt-key {key}")
    mine = "tag" in told and "nonce" in told
    if mine:
        commitment = hashlib.sha256(b"commit\0" + bytes.fromhex(told["tag"]) + bytes.fromhex(told["nonce"]))
        if commitment.hexdigest() != told["commitment"]:
            raise Fault("tag and nonce do not make the receipt's commitment: it is somebody else's vote")
        say("Tag and nonce make its commitment: whoever holds them gave this vote.")
    if index >= log.head.size:
        raise Unchecked(f"vote {index} is newer than the checkpoint of {log.head.size}; try again in ten seconds")
    path = [log.root(*span) for span in inclusion_path(index, 0, log.head.size)]
    if not included(index, log.head.size, hashed, path, log.head.root):
        raise Fault(f"the vote is NOT in the log at place {index}. Keep the receipt: it proves the fault")
    say(f"It is leaf {index} of the {log.head.size} under the signed checkpoint, proven by {len(path)} hashes.")
    say("Whether a later decision voided it is seen after the close: tally --receipt says so.")
    return {"leaf": index, "size": log.head.size, "root": log.head.root.hex(), "mine": mine, **pinning(log, say)}


def consistency(args: argparse.Namespace, say: Say) -> dict[str, Any]:
    """Does the log still begin with what it said before?"""
    log = Log(args.log, args.key)
    old = log.check(read_text(args.checkpoint))
    require_growth(log, old)
    say(f"The log of {log.head.size} leaves begins with the {old.size} leaves of your checkpoint, unchanged.")
    return {"old": old.size, "size": log.head.size, "root": log.head.root.hex(), **pinning(log, say)}


def require_growth(log: Log, old: Head) -> None:
    """Raises Fault where the log does not begin with the old one."""
    new = log.head
    if old.size > new.size:
        raise Fault(f"the log has shrunk from {old.size} to {new.size} leaves")
    path = [log.root(*span) for span in consistency_path(old.size, 0, new.size)] if old.size else []
    if not consistent(old.size, new.size, old.root, new.root, path):
        raise Fault(f"the log is FORKED: its {new.size} leaves do not begin with the {old.size} it signed before")


class Closing(NamedTuple):
    """What a closing note says: the final size and root, the result, and which close it corrects."""

    size: int
    root: bytes
    votes: dict[int, int]
    corrects: tuple[int, bytes] | None


def read_closing(log: Log, note: str) -> Closing:
    """Reads a closing note that one of the log's keys has signed."""
    if not any(signed_by(note, key) for key in log.trusted):
        raise Fault("no key of the log has signed the closing note")
    lines = parts(note)[0].splitlines()
    if lines[0] != "concours-closing/v1" or lines[1] != log.head.origin:
        raise Fault("this is not the closing note of this log")
    rest, corrects = lines[5:], None
    if rest and rest[0].startswith("corrects "):
        _, size, root = rest.pop(0).split(" ")
        corrects = int(size), decode(root)
    votes = {int(candidate): int(count) for candidate, count in (line.split() for line in rest)}
    if len(votes) != len(rest):
        raise Fault("the closing note names a candidate twice")
    return Closing(int(lines[2]), decode(lines[3]), votes, corrects)


def closings(log: Log) -> list[Closing]:
    """All closing notes, the first close first; each correction names the one before it."""
    found = [read_closing(log, log.read(f"closings/{n}").decode()) for n in range(log.keys.get("closings", 1) - 1)]
    found.append(read_closing(log, log.read("closing").decode()))
    if (found[-1].size, found[-1].root) != (log.head.size, log.head.root):
        raise Fault("the closing note is not about the newest checkpoint: the log went on after its close")
    for before, note in zip([None, *found], found, strict=False):
        if note.corrects != (None if before is None else (before.size, before.root)):
            raise Fault("the closing notes do not follow one another: one is missing or there are two first ones")
        if before is not None and note.size <= before.size:
            raise Fault(f"the log was closed with {before.size} leaves and again with {note.size}")
    return found


COMMITMENT, DAY = re.compile("[0-9a-f]{64}"), re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def vote_leaf(poll: int, said: dict[str, Any]) -> bytes:
    """A vote's leaf as the format writes it: two readers must never find different votes in the same bytes."""
    candidate, commitment, day = said["candidate"], said["commitment"], said["day"]
    if type(candidate) is not int or not COMMITMENT.fullmatch(commitment) or not DAY.fullmatch(day):
        return b""
    return (
        f'{{"candidate":{candidate},"commitment":"{commitment}","day":"{day}",'
        f'"poll":{poll},"type":"vote","v":1,"weight":{said["weight"]}}}'
    ).encode()


def decision_leaf(poll: int, said: dict[str, Any]) -> bytes:
    """A decision's leaf as the format writes it."""
    told = {"of": said["of"], "poll": poll, "reason": said["reason"], "type": said["type"], "v": 1}
    return json.dumps(told, sort_keys=True, separators=(",", ":")).encode()


class Count:
    """Counts leaves in their order: a vote counts as long as the last decision about it is not a void.

    `closed`: with how many leaves the poll was closed first; behind them there may be decisions, and no votes.
    """

    def __init__(self, poll: int, candidates: Sequence[int] = (), closed: int | None = None) -> None:
        self.poll, self.votes, self.closed = poll, dict.fromkeys(candidates, 0), closed
        self.leaves: list[tuple[int, int] | None] = []  # candidate and weight; None for an amendment
        self.commitments: set[str] = set()
        self.void: dict[int, tuple[int, str]] = {}  # a vote's leaf -> the leaf of the void, and its reason
        self._same: dict[tuple[int, int], tuple[int, int]] = {}

    def add(self, leaf: bytes) -> dict[str, Any]:
        """Counts the next leaf, and returns what it says."""
        index, said = len(self.leaves), json.loads(leaf)
        if said.get("v") != 1 or said["poll"] != self.poll:
            raise Fault(f"leaf {index} is not of this poll, or of a format that this program does not know")
        if said.get("type") == "vote":
            candidate, weight = vote = said["candidate"], said["weight"]
            if type(weight) is not int or not 0 < weight <= HEAVIEST:
                raise Fault(f"leaf {index} counts {weight} votes: a vote counts from 1 to {HEAVIEST}")
            if leaf != vote_leaf(self.poll, said):
                raise Fault(f"a vote is not written as the format has it: leaf {index}")
            if self.closed is not None and index >= self.closed:
                raise Fault(f"leaf {index} is a vote from after the close, which had {self.closed} leaves")
            self.leaves.append(self._same.setdefault(vote, vote))
            self.votes[candidate] = self.votes.get(candidate, 0) + weight
            self.commitments.add(said["commitment"])
        elif said.get("type") in ("void", "restore"):
            if leaf != decision_leaf(self.poll, said):
                raise Fault(f"a decision is not written as the format has it: leaf {index}")
            self._amend(index, said)
            self.leaves.append(None)
        else:
            raise Fault(f"leaf {index} is neither a vote nor a decision about votes")
        return dict(said)

    def _amend(self, index: int, said: dict[str, Any]) -> None:
        behind, void = -1, said["type"] == "void"
        if not said["of"]:
            raise Fault(f"leaf {index} is a decision about no vote")
        for first, last in said["of"]:
            if type(first) is not int or type(last) is not int or not behind < first <= last < index:
                raise Fault(f"leaf {index} is a decision about leaves {first} to {last}, which is out of order")
            behind = last
            for number in range(first, last + 1):
                vote = self.leaves[number]
                if vote is None:
                    raise Fault(f"leaf {index} is a decision about leaf {number}, which is no vote")
                if void != (number in self.void):
                    self.votes[vote[0]] += -vote[1] if void else vote[1]
                if void:
                    self.void.setdefault(number, (index, said["reason"]))
                else:
                    self.void.pop(number, None)

    @property
    def amendments(self) -> int:
        """How many leaves are decisions."""
        return self.leaves.count(None)


def tally(args: argparse.Namespace, say: Say) -> dict[str, Any]:
    """Do the published leaves give the published result?"""
    log = Log(args.log, args.key)
    notes = closings(log)
    if args.note and read_closing(log, read_text(args.note)) not in notes:
        raise Fault("the closing note that you kept is signed, and is not among those that the log has now")
    due = {note.size: note for note in notes}
    begun, hashes, sha = time.monotonic(), [], hashlib.sha256
    count = Count(log.keys["poll"], list(notes[0].votes), notes[0].size)
    wrong = _difference(due[0], count) if 0 in due else ""
    for leaf in log.leaves():
        hashes.append(sha(b"\0" + leaf).digest())
        count.add(leaf)
        if len(hashes) in due:
            note = due[len(hashes)]
            wrong = wrong or _difference(note, count)
            if note.size < log.head.size and root_of(hashes) != note.root:
                raise Fault(f"the first {note.size} leaves are NOT those of the close that was corrected")
    if root_of(hashes) != log.head.root:
        raise Fault(f"the leaves are NOT those of the signed checkpoint{_where(log, hashes)}")
    say(f"All {len(hashes)} leaves are those of the signed checkpoint ({time.monotonic() - begun:.1f} s).")
    votes = len(hashes) - count.amendments
    if len(count.commitments) != votes:
        raise Fault(f"{votes - len(count.commitments)} votes are there twice")
    if wrong:
        raise Fault(f"the published result is WRONG for candidate {wrong}")
    if count.amendments:
        say(f"{votes} of them are votes; {count.amendments} are decisions, by which {len(count.void)} votes are void.")
    if len(notes) > 1:
        say(f"The result was corrected {len(notes) - 1} times after the close; every one of the results holds.")
    say(f"Counted again, every one of {len(notes[-1].votes)} candidates has the votes that were published.")
    if sum(count.votes.values()) != votes - len(count.void):
        say(f"By their weights, the {votes - len(count.void)} votes count {sum(count.votes.values())}.")
    for candidate, number in sorted(count.votes.items(), key=lambda pair: (-pair[1], pair[0])):
        say(f"{number:>10}  candidate {candidate}")
    found = {"size": len(hashes), "root": log.head.root.hex(), "votes": count.votes, "void": len(count.void)}
    if args.receipt:
        found["counts"] = _mine(args.receipt, count, hashes, say)
    return {**found, "closings": len(notes), **pinning(log, say)}


def _mine(path: str, count: Count, hashes: Sequence[bytes], say: Say) -> bool:
    """Whether the vote of that receipt counts."""
    told = read_json(path)
    told = told.get("receipt", told)
    index = told["leaf"]
    if type(index) is not int or not 0 <= index < len(hashes) or hashes[index].hex() != told["leaf_hash"]:
        raise Fault(f"the vote of the receipt is NOT leaf {index} of the log. Keep the receipt: it proves the fault")
    if index in count.void:
        by, reason = count.void[index]
        say(f"The vote of the receipt, leaf {index}, does not count: leaf {by} has voided it. Reason: {reason}")
    else:
        say(f"The vote of the receipt, leaf {index}, counts.")
    return index not in count.void


def _difference(note: Closing, count: Count) -> str:
    """The candidates of whom the note says something else than the leaves so far."""
    wrong = sorted(c for c in {*count.votes, *note.votes} if count.votes.get(c, 0) != note.votes.get(c, 0))
    return ", ".join(f"{c}: published {note.votes.get(c, 0)}, counted {count.votes.get(c, 0)}" for c in wrong[:10])


# ---- The auditor's bundle -------------------------------------------------------------------------------------------

LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
CHUNK = 65_536


LIMITED = {
    "per_day": ("voter", "day"),
    "per_candidate_day": ("voter", "day", "candidate"),
    "total": ("voter",),
    "per_candidate_total": ("voter", "candidate"),
}
"""The rules of a poll that limit a voter's votes, and what each counts by."""


def uniqueness(args: argparse.Namespace, say: Say) -> dict[str, Any]:
    """Has no voter more votes than the rules allow? (For the auditor, who has the sealed bundle and its key.)"""
    if args.new_key:
        return _auditors_key(args.new_key, say)
    if not (args.bundle and args.secret and args.log):
        raise Unchecked("give the bundle, --secret and --log (or --new-key)")
    log = Log(args.log, args.key)
    rows = _lines(opened(args.bundle, _age_secret(read_text(args.secret))))
    head = json.loads(next(rows))
    if head["format"] != "concours-bundle/v1" or head["origin"] != log.head.origin or head["size"] > log.head.size:
        raise Fault("this is not a bundle of this log")
    count, hashes = Count(log.keys["poll"]), []
    first, last = _days(head)
    latest = first
    voters: dict[str, int] = {}
    used: dict[str, dict[Any, int]] = {name: {} for name in LIMITED if head["rules"].get(name)}
    for index, leaf in enumerate(log.leaves()):
        hashes.append(leaf_hash(leaf))
        said = count.add(leaf)
        if said["type"] == "vote":
            if index >= head["size"]:
                raise Fault(f"the bundle ends before leaf {index}, which is a vote: ask for one of the whole log")
            latest = max(latest, _in_order(index, said["day"], first, last, latest))
            tag = _shown(index, said["commitment"], next(rows, b"").decode().split())
            vote = {**said, "voter": voters.setdefault(tag, len(voters))}
            for name, kept in used.items():
                key = tuple(vote[part] for part in LIMITED[name])
                kept[key] = kept.get(key, 0) + 1
    if root_of(hashes) != log.head.root:
        raise Fault(f"the leaves are NOT those of the signed checkpoint{_where(log, hashes)}")
    if root_of(hashes[: head["size"]]) != decode(head["root"]):
        raise Fault("the leaves are NOT those that the bundle was made for")
    if next(rows, None) is not None:
        raise Fault("the bundle has more lines than the log has votes")
    votes = len(hashes) - count.amendments
    say(f"Every one of {votes} votes has its line, and each commitment is that of its tag and nonce.")
    most = {name: max(kept.values(), default=0) for name, kept in used.items()}
    broken = {name: sum(n > head["rules"][name] for n in kept.values()) for name, kept in used.items()}
    for name, found in most.items():
        say(f"{name}: the rule says {head['rules'][name]}, the most that a voter has is {found}.")
    if any(broken.values()):
        told = ", ".join(f"{name} {number} times" for name, number in broken.items() if number)
        raise Fault(f"the rules are BROKEN: {told}. If they were changed while the poll was open, ask for the record")
    say(f"Every vote's day lies between {first} and {last} ({head['zone']}), and the days are in their order.")
    say(f"{len(voters)} voters keep the rules. Compare these rules and times with those on the poll's page.")
    return {"votes": votes, "voters": len(voters), "most": most, "rules": head["rules"], **pinning(log, say)}


def _days(head: dict[str, Any]) -> tuple[date, date]:
    """The first and the last day of the poll, in its own zone."""
    try:
        zone = ZoneInfo(head["zone"])
    except ZoneInfoNotFoundError:
        raise Unchecked(f"this computer does not know the time zone {head['zone']}") from None
    first, last = (datetime.fromisoformat(head[name]).astimezone(zone).date() for name in ("opens", "closes"))
    return first, last


def _in_order(index: int, text: str, first: date, last: date, latest: date) -> date:
    """The day of a vote: in the poll's time, and at most one day (a clock set back at midnight) before others."""
    day = date.fromisoformat(text)
    if not first <= day <= last:
        raise Fault(f"leaf {index} is of {day}, but the poll was open from {first} to {last}")
    if day < latest - timedelta(days=1):
        raise Fault(f"leaf {index} is of {day}, behind one of {latest}: votes are recorded in the order of their days")
    return day


def _shown(index: int, commitment: str, line: Sequence[str]) -> str:
    """The tag of a line of the bundle, which belongs to the vote of that leaf."""
    if len(line) != 3 or line[0] != str(index):
        raise Fault(f"the bundle has no line for the vote of leaf {index}, or not in its place")
    tag, nonce = bytes.fromhex(line[1]), bytes.fromhex(line[2])
    if len(tag) != HASH or hashlib.sha256(b"commit\0" + tag + nonce).hexdigest() != commitment:
        raise Fault(f"tag and nonce of leaf {index} do not make its commitment")
    return tag.hex()  # however it is written: one voter must not pass for several


def opened(path: str, secret: bytes) -> Iterator[bytes]:
    """The plain text of a file sealed to the secret's public key (age-encryption.org/v1), chunk by chunk."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    private = X25519PrivateKey.from_private_bytes(secret)
    mine = private.public_key().public_bytes_raw()
    try:
        with Path(path).open("rb") as file:
            lines, file_key = [file.readline(200)], b""
            if lines[0] != b"age-encryption.org/v1\n":
                raise Unchecked(f"{path} is not a bundle that this program can open")
            while (line := file.readline(2_000)).startswith(b"-> ") and len(lines) < 1_000:
                lines.append(line)
                body = b""
                while len(piece := file.readline(100)) == 65:  # a full line; the stanza's last one is shorter
                    lines.append(piece)
                    body += piece.strip()
                lines.append(piece)
                body += piece.strip()
                name, share = (*line.split()[1:], b"", b"")[:2]
                if name == b"X25519" and not file_key:  # others are somebody else's
                    public = _unpadded(share)
                    shared = private.exchange(X25519PublicKey.from_public_bytes(public))
                    wrap = _derive(shared, public + mine, b"age-encryption.org/v1/X25519")
                    file_key = ChaCha20Poly1305(wrap).decrypt(bytes(12), _unpadded(body), None)
            signed, _, mac = line.partition(b" ")
            told = hmac.digest(_derive(file_key, b"", b"header"), b"".join(lines) + signed, "sha256")
            if not file_key or not hmac.compare_digest(told, _unpadded(mac)):
                raise Fault("the header of the bundle was changed")
            cipher, number = ChaCha20Poly1305(_derive(file_key, file.read(16), b"payload")), 0
            piece = file.read(CHUNK + 16)
            while piece:
                behind = file.read(CHUNK + 16)
                yield cipher.decrypt(number.to_bytes(11, "big") + (b"\0" if behind else b"\1"), piece, None)
                piece, number = behind, number + 1
    except InvalidTag:
        raise Fault("the bundle is not for this key, or it was changed or cut") from None
    except OSError as missing:
        raise Unchecked(f"{path} cannot be read: {missing}") from None


def _lines(parts: Iterator[bytes]) -> Iterator[bytes]:
    held = b""
    for part in parts:
        *whole, held = (held + part).split(b"\n")
        yield from whole
    if held:
        raise Fault("the bundle ends in the middle of a line")


def _derive(key: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-SHA256 (RFC 5869), 32 bytes."""
    return hmac.digest(hmac.digest(salt or bytes(32), key, "sha256"), info + b"\1", "sha256")


def _unpadded(text: bytes) -> bytes:
    return base64.b64decode(text.strip() + b"=" * (-len(text.strip()) % 4), validate=True)


def _auditors_key(path: str, say: Say) -> dict[str, Any]:
    """Makes an auditor's key, as age-keygen does; the file is for its owner alone."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    private = X25519PrivateKey.generate()
    public = _to_bech32("age", private.public_key().public_bytes_raw())
    secret = _to_bech32("age-secret-key-", private.private_bytes_raw()).upper()
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"# public key: {public}\n{secret}\n")
    except OSError as refused:
        raise Unchecked(f"{refused.strerror}: {path}") from None
    say(f"Give this line where the bundle is asked for:\n{public}")
    return {"key": public}


def _age_secret(text: str) -> bytes:
    """The 32 bytes of a line AGE-SECRET-KEY-1…, as age-keygen writes it."""
    for line in text.split():
        if line.startswith("AGE-SECRET-KEY-1"):
            values = [LETTERS.find(letter) for letter in line.lower().rpartition("1")[2]]
            bits = "".join(f"{value:05b}" for value in values[:-6]) if min(values) >= 0 else ""
            found = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits) // 8 * 8, 8))
            if len(found) == HASH and _to_bech32("age-secret-key-", found) == line.lower():
                return found
    raise Unchecked("the file holds no key of the form AGE-SECRET-KEY-1…")


def _to_bech32(prefix: str, data: bytes) -> str:
    """BIP 173, without its limit of length."""
    bits = "".join(f"{byte:08b}" for byte in data)
    values = [int(bits[at : at + 5].ljust(5, "0"), 2) for at in range(0, len(bits), 5)]
    found = 1
    for value in [*(ord(c) >> 5 for c in prefix), 0, *(ord(c) & 31 for c in prefix), *values, 0, 0, 0, 0, 0, 0]:
        top, found = found >> 25, (found & 0x1FFFFFF) << 5 ^ value
        for bit, step in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            found ^= step if top >> bit & 1 else 0
    values += [(found ^ 1) >> 5 * (5 - at) & 31 for at in range(6)]
    return f"{prefix}1{''.join(LETTERS[value] for value in values)}"


def _where(log: Log, hashes: Sequence[bytes]) -> str:
    """The first leaf that is not what the tiles say, as far as they can be read."""
    try:
        for number in range((log.head.size + WIDTH - 1) // WIDTH):
            tile = log.tile(0, number)
            for at in range(0, len(tile), HASH):
                index = number * WIDTH + at // HASH
                if index >= len(hashes) or hashes[index] != tile[at : at + HASH]:
                    return f"; the first that differs is leaf {index}"
    except Unchecked:
        pass
    return ""


def witness(args: argparse.Namespace, say: Say) -> dict[str, Any]:
    """Follows a log: signs its checkpoint if it continues what was signed before, refuses a fork."""
    if args.new_key:
        return new_key(args.new_key, args.name, say)
    if not (args.log and args.secret and args.state):
        raise Unchecked("a witness needs --log, --secret and --state (or --new-key and --name)")
    with _alone(Path(args.state)):  # two at once could sign both sides of a fork
        return _follow(args, say)


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Waits until no other process uses this state; the lock ends with the process, however that ends."""
    try:
        import fcntl
    except ImportError:
        raise Unchecked("a witness needs a system that can lock files (fcntl)") from None
    try:
        with state.with_name(state.name + ".lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except OSError as refused:
        raise Unchecked(f"{refused.strerror or refused}: {refused.filename or state}") from None


def _follow(args: argparse.Namespace, say: Say) -> dict[str, Any]:
    name, _, secret = read_text(args.secret).strip().rpartition(" ")
    private = Ed25519PrivateKey.from_private_bytes(decode(secret))
    key = Key(name, COSIGNATURE, private.public_key().public_bytes_raw())
    log, state = Log(args.log, args.key), Path(args.state)
    before: Head | None = None
    if state.exists():
        before = log.check(state.read_text(encoding="utf-8"))
        require_growth(log, before)
        say(f"The log of {log.head.size} leaves continues the one of {before.size} seen before.")
    else:
        say(f"This is the first checkpoint that this witness sees: {log.head.size} leaves.")
    text, at = parts(log.note)[0], int(time.time())
    signature = private.sign(f"cosignature/v1\ntime {at}\n{text}".encode())
    line = f"— {name} {base64.b64encode(key.id + at.to_bytes(8, 'big') + signature).decode()}\n"
    write(state, log.note)  # remembered before anybody gets the signature
    if args.post:
        request = urllib.request.Request(
            f"{log.place}/cosignatures", (text + "\n" + line).encode(), {"Content-Type": "text/plain; charset=utf-8"}
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S):
                say("The log has taken the cosignature.")
        except urllib.error.HTTPError as refused:
            raise Unchecked(f"the log did not take the cosignature: {refused.code}{_detail(refused)}") from None
    else:
        say((text + "\n" + line).rstrip("\n"))
    old = before.size if before else None
    return {"old": old, "size": log.head.size, "cosignature": line.strip(), **pinning(log, say)}


def new_key(path: str, name: str | None, say: Say) -> dict[str, Any]:
    """Makes a witness' key; the file is for its owner alone."""
    if not name or "+" in name or any(c.isspace() for c in name):
        raise Unchecked("give the witness a --name without spaces and pluses, for instance example.org/witness")
    private = Ed25519PrivateKey.generate()
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{name} {base64.b64encode(private.private_bytes_raw()).decode()}\n")
    except OSError as refused:
        raise Unchecked(f"{refused.strerror}: {path}") from None
    public = str(Key(name, COSIGNATURE, private.public_key().public_bytes_raw()))
    say(f"Give this line to the poll's organiser:\n{public}")
    return {"key": public}


def fetch(args: argparse.Namespace, say: Say) -> dict[str, Any]:
    """Downloads a log into a folder, to be checked without the network."""
    log, folder = Log(args.log, args.key), Path(args.folder)
    names = [
        f"tile/{level}/{tile_path(number, min(WIDTH, count - WIDTH * number))}"
        for level in range(8)
        if (count := log.head.size >> 8 * level)
        for number in range((count + WIDTH - 1) // WIDTH)
    ]
    if log.keys["closed_at"]:
        names += [f"closings/{number}" for number in range(log.keys.get("closings", 1) - 1)]
        names += ["closing", *(name for _, name in log.bundles())]
    with ThreadPoolExecutor(TOGETHER) as pool:
        for name, data in zip(names, pool.map(log.read, names), strict=True):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "keys").write_text(json.dumps(log.keys), encoding="utf-8")
    (folder / "checkpoint").write_text(log.note, encoding="utf-8")
    say(f"{len(names) + 2} files of a log of {log.head.size} leaves are in {folder}.")
    return {"files": len(names) + 2, "size": log.head.size}


def pinning(log: Log, say: Say) -> dict[str, Any]:
    """Says whose keys were believed."""
    if not log.pinned:
        say(f"The keys are those that the log itself names. To trust no one, pin this one: --key '{log.trusted[-1]}'")
    return {"pinned": log.pinned, "key": str(log.trusted[-1])}


def time_of(text: str) -> float:
    """Seconds since 1970 of an ISO time in UTC."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def read_text(path: str) -> str:
    """A file (or `-`: the input)."""
    try:
        return sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as missing:
        raise Unchecked(f"{path} cannot be read: {missing}") from None


def read_json(path: str) -> dict[str, Any]:
    """A file with a JSON object."""
    try:
        found = json.loads(read_text(path))
    except ValueError:
        raise Unchecked(f"{path} is not JSON") from None
    if not isinstance(found, dict):
        raise Unchecked(f"{path} is not a receipt")
    return found


def write(path: Path, text: str) -> None:
    """Writes a file as a whole or not at all, also where the power fails."""
    new = path.with_name(path.name + ".new")
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog="concours-verify", description=(__doc__ or "").split("\n\n")[0])
    commands = found.add_subparsers(dest="command", required=True)
    for verb in (receipt, consistency, tally, uniqueness, witness, fetch):
        one = commands.add_parser(verb.__name__, help=(verb.__doc__ or "").strip(), description=verb.__doc__)
        one.set_defaults(verb=verb)
        one.add_argument(
            "--log", required=verb not in (witness, uniqueness), help="address or folder of the log: …/log/<poll>"
        )
        one.add_argument("--key", help="the log key that you trust (name+id+key); without it, the log's own word")
        one.add_argument("--json", action="store_true", help="answer in JSON")
        if verb is receipt:
            one.add_argument("receipt", help="file with the receipt as JSON; - reads it from the input")
            one.add_argument("--receipt-key", help="the poll's receipt key that you trust, in hexadecimal")
        elif verb is consistency:
            one.add_argument("checkpoint", help="file with a checkpoint that the log signed earlier")
        elif verb is tally:
            one.add_argument("--note", help="file with a closing note that you kept: it must be one of the log's")
            one.add_argument("--receipt", help="file with a receipt: says whether its vote counts")
        elif verb is uniqueness:
            one.add_argument("bundle", nargs="?", help="file with the sealed bundle")
            one.add_argument("--secret", help="file with the auditor's key")
            one.add_argument("--new-key", help="make a key in this file instead")
        elif verb is witness:
            one.add_argument("--secret", help="file with the witness' key")
            one.add_argument("--state", help="file that remembers the last checkpoint")
            one.add_argument("--post", action="store_true", help="send the cosignature to the log")
            one.add_argument("--new-key", help="make a key in this file instead")
            one.add_argument("--name", help="name of the new key, for instance example.org/witness")
        elif verb is fetch:
            one.add_argument("folder", help="where the files go")
    return found


def main(given: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status."""
    args = parser().parse_args(given)
    said: list[str] = []
    answer: dict[str, Any] = {}
    try:
        answer = args.verb(args, said.append)
        status, word = HOLDS, "It holds."
    except Fault as fault:
        status, word = FAILS, f"IT DOES NOT HOLD: {fault}."
    except Unchecked as why:
        status, word = UNKNOWN, f"Not checked: {why}."
    except (KeyError, TypeError, ValueError, IndexError) as strange:
        status, word = FAILS, f"IT DOES NOT HOLD: what was read is malformed ({type(strange).__name__}: {strange})."
    if args.json:
        told = {"command": args.command, "holds": {HOLDS: True, FAILS: False}.get(status), "said": [*said, word]}
        print(json.dumps(told | answer, ensure_ascii=False))
    else:
        print("\n".join([*said, word]))
    return status


if __name__ == "__main__":
    sys.exit(main())
