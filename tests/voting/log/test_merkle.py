"""The tree against the known vectors of RFC 6962's reference implementation, and against its definition."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from concours.voting.log import merkle
from concours.voting.log.merkle import Frontier, Read, leaf_hash, node_hash

LEAVES = [bytes.fromhex(leaf) for leaf in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
# certificate-transparency/cpp/merkletree/merkle_tree_test.cc, the vectors that all implementations of RFC 6962 share
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
INCLUSION_OF_5_IN_8 = [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]
CONSISTENCY_OF_6_AND_8 = [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]


def naive_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, as it is written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaf_hash(leaves[0])
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return node_hash(naive_root(leaves[:k]), naive_root(leaves[k:]))


def naive_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_subproof(m: int, leaves: list[bytes], whole: bool) -> list[bytes]:
    """SUBPROOF of section 2.1.2."""
    if m == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m <= k:
        return [*naive_subproof(m, leaves[:k], whole), naive_root(leaves[k:])]
    return [*naive_subproof(m - k, leaves[k:], False), naive_root(leaves[:k])]


def reads(leaves: list[bytes]) -> Read:
    """Complete subtrees by definition; what is not complete cannot be read."""

    def read(height: int, number: int) -> bytes:
        begin, end = number << height, (number + 1) << height
        assert end <= len(leaves)
        return naive_root(leaves[begin:end])

    return read


def grown(leaves: list[bytes]) -> Frontier:
    tree = Frontier()
    for leaf in leaves:
        tree.append(leaf_hash(leaf))
    return tree


some_leaves = st.lists(st.binary(max_size=4), max_size=70)


def test_the_known_roots() -> None:
    assert grown([]).root().hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert [grown(LEAVES[:n]).root().hex() for n in range(1, 9)] == ROOTS


def test_the_known_proofs() -> None:
    read = reads(LEAVES)
    assert [h.hex() for h in merkle.proof(read, merkle.inclusion(5, 8))] == INCLUSION_OF_5_IN_8
    assert [h.hex() for h in merkle.proof(read, merkle.consistency(6, 8))] == CONSISTENCY_OF_6_AND_8


@given(some_leaves)
def test_growing_leaf_by_leaf_gives_the_root_of_the_definition(leaves: list[bytes]) -> None:
    assert grown(leaves).root() == naive_root(leaves)
    assert merkle.root(reads(leaves), 0, len(leaves)) == naive_root(leaves)


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=70), st.data())
def test_inclusion_is_that_of_the_definition_and_proves_one_leaf(leaves: list[bytes], data: st.DataObject) -> None:
    size = len(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = merkle.proof(reads(leaves), merkle.inclusion(index, size))
    assert path == naive_path(index, leaves)
    root, mine = naive_root(leaves), leaf_hash(leaves[index])
    assert merkle.root_from_inclusion(index, size, mine, path) == root
    assert merkle.root_from_inclusion(index, size, leaf_hash(leaves[index] + b"x"), path) != root
    assert merkle.root_from_inclusion(index, size, mine, [*path, root]) != root
    if path:
        assert merkle.root_from_inclusion(index, size, mine, path[:-1]) != root
        assert merkle.root_from_inclusion(index, size, mine, [bytes(32), *path[1:]]) != root
    assert merkle.root_from_inclusion(size, size, mine, path) is None


@given(some_leaves, st.data())
def test_consistency_is_that_of_the_definition_and_proves_its_beginning_alone(
    leaves: list[bytes], data: st.DataObject
) -> None:
    new = len(leaves)
    old = data.draw(st.integers(0, new))
    path = merkle.proof(reads(leaves), merkle.consistency(old, new))
    assert path == (naive_subproof(old, leaves, True) if old else [])
    before, after = naive_root(leaves[:old]), naive_root(leaves)
    assert merkle.consistent(old, new, before, after, path)
    assert not merkle.consistent(old, new, before, after, [*path, after])
    if old:
        other = naive_root([leaves[0] + b"x", *leaves[1:old]])
        assert not merkle.consistent(old, new, other, after, path)
    if 0 < old < new:
        assert not merkle.consistent(old, new, before, bytes(32), path)
        assert not merkle.consistent(old, new, before, after, path[:-1])
    assert not merkle.consistent(new + 1, new, before, after, path)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (1, 1), (-1, 3)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion(index, size)


def test_a_large_tree_is_not_the_beginning_of_a_smaller_one() -> None:
    with pytest.raises(ValueError, match="not the beginning"):
        merkle.consistency(3, 2)


def test_a_proof_of_the_whole_model_case_has_at_most_twenty_hashes() -> None:
    assert max(len(list(merkle.inclusion(index, 779_700))) for index in (0, 1, 389_000, 779_699)) == 20
