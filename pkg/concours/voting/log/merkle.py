"""The Merkle tree of RFC 6962 section 2.1 and RFC 9162 section 2.1: hashes, roots and proofs. Pure.

A complete subtree is named by its height and its number in that height: (0, 5) is the hash of leaf 5, (3, 1) that over
the leaves 8 to 15. Who has a way to read complete subtrees (`Read`: from a list, from tiles) gets every root and
every proof of every size; who appends keeps a `Frontier`, the complete subtrees of the right edge.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

EMPTY_ROOT = hashlib.sha256(b"").digest()
HASH_BYTES = 32

Read = Callable[[int, int], bytes]
"""`read(height, number)`: the hash over the leaves number * 2**height up to (number + 1) * 2**height, not included."""


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf: SHA-256(0x00 data)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 left right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass
class Frontier:
    """A tree that only grows: `size` leaves, and the roots of its complete subtrees, the largest first."""

    size: int = 0
    edge: list[bytes] = field(default_factory=list)

    def append(self, hashed: bytes) -> None:
        """Adds the hash of the next leaf: on average two hashes, whatever the size."""
        full = self.size
        while full & 1:
            hashed = node_hash(self.edge.pop(), hashed)
            full >>= 1
        self.edge.append(hashed)
        self.size += 1

    def root(self) -> bytes:
        """The root as it is now."""
        return fold(self.edge)


def fold(edge: Sequence[bytes]) -> bytes:
    """The root over complete subtrees that stand side by side, from the largest to the smallest."""
    if not edge:
        return EMPTY_ROOT
    root = edge[-1]
    for left in reversed(edge[:-1]):
        root = node_hash(left, root)
    return root


def cover(begin: int, end: int) -> Iterator[tuple[int, int]]:
    """The complete subtrees (height, number) over the leaves `begin` up to `end`, as a tree splits them.

    `begin` must be a multiple of the greatest power of two below the range's length, as in every range of a proof.
    """
    while begin < end:
        height = (end - begin).bit_length() - 1
        yield height, begin >> height
        begin += 1 << height


def inclusion(index: int, size: int) -> Iterator[tuple[int, int]]:
    """The ranges (begin, end) of leaves whose roots prove leaf `index` in a tree of `size`, from the leaf upwards.

    RFC 6962 section 2.1.1. Raises ValueError where there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    return iter(_inclusion(index, 0, size))


def consistency(old: int, new: int) -> Iterator[tuple[int, int]]:
    """The ranges (begin, end) whose roots prove that a tree of `old` leaves is the beginning of one of `new`.

    RFC 6962 section 2.1.2; none for an empty tree and for equal ones. Raises ValueError where `old` is the larger.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} is not the beginning of one of {new}")
    return iter(_consistency(old, 0, new, whole=True) if 0 < old < new else [])


def _split(size: int) -> int:
    """The greatest power of two below `size`, which is at least 2."""
    return 1 << (size - 1).bit_length() - 1


def _inclusion(index: int, begin: int, end: int) -> list[tuple[int, int]]:
    path: list[tuple[int, int]] = []
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin = middle
    return path[::-1]


def _consistency(old: int, begin: int, end: int, *, whole: bool) -> list[tuple[int, int]]:
    path: list[tuple[int, int]] = []
    while old != end:
        middle = begin + _split(end - begin)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((begin, middle))
            begin, whole = middle, False
    return ([] if whole else [(begin, end)]) + path[::-1]


def root(read: Read, begin: int, end: int) -> bytes:
    """The root over the leaves `begin` up to `end` (a range of a proof, or 0 up to the size)."""
    return fold([read(height, number) for height, number in cover(begin, end)])


def proof(read: Read, ranges: Iterator[tuple[int, int]]) -> list[bytes]:
    """The hashes of a proof: of `inclusion` or `consistency`."""
    return [root(read, begin, end) for begin, end in ranges]


def root_from_inclusion(index: int, size: int, hashed: bytes, path: Sequence[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to (RFC 9162 section 2.1.3.2); None where it has the wrong length."""
    if not 0 <= index < size:
        return None
    node, last = index, size - 1
    for sibling in path:
        if last == 0:
            return None
        if node & 1 or node == last:
            hashed = node_hash(sibling, hashed)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            hashed = node_hash(hashed, sibling)
        node, last = node >> 1, last >> 1
    return hashed if last == 0 else None


def consistent(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the proof shows the old tree to be the beginning of the new one (RFC 9162 section 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old in (0, new):
        return not path and old_root == (EMPTY_ROOT if old == 0 else new_root)
    nodes = list(path)
    if old & (old - 1) == 0:
        nodes.insert(0, old_root)
    if not nodes:
        return False
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    first = second = nodes[0]
    for sibling in nodes[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root
