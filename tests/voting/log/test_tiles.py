"""Tiles hold the tree: whatever the steps in which it grew, every root and proof comes out of them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from concours.voting.log import merkle, tiles
from concours.voting.log.merkle import Frontier, leaf_hash
from concours.voting.log.tiles import Place

HASHES = [leaf_hash(b"%d" % number) for number in range(70_000)]


def in_steps(total: int, step: int) -> dict[Place, bytes]:
    """Tiles of a tree that grew by `step` leaves at a time."""
    kept: dict[Place, bytes] = {}
    for size in range(0, total, step):
        kept |= tiles.grow(
            size, {place: kept[place] for place in tiles.edge(size)}, HASHES[size : min(total, size + step)]
        )
    return kept


def root_of(size: int) -> bytes:
    tree = Frontier()
    for hashed in HASHES[:size]:
        tree.append(hashed)
    return tree.root()


def test_a_tree_of_seventy_thousand_has_the_tiles_that_the_specification_counts() -> None:
    kept = in_steps(70_000, 2_048)
    widths = {place: len(tile) // 32 for place, tile in kept.items()}
    assert sum(1 for (level, _), width in widths.items() if level == 0 and width == 256) == 273
    assert widths[0, 273] == 112
    assert (widths[1, 0], widths[1, 1], widths[2, 0]) == (256, 17, 1)
    assert len(widths) == 273 + 1 + 2 + 1
    assert tiles.edge(70_000) == [(0, 273), (1, 1), (2, 0)]
    assert {place: tiles.width_at(70_000, place) for place in widths} == widths
    assert merkle.root(tiles.reader(kept), 0, 70_000) == root_of(70_000)
    assert kept == in_steps(70_000, 1_000)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 1_500), st.integers(1, 700), st.data())
def test_any_root_and_any_proof_comes_out_of_the_tiles_it_needs(total: int, step: int, data: st.DataObject) -> None:
    kept = in_steps(total, step)
    size = data.draw(st.integers(1, total))
    index = data.draw(st.integers(0, size - 1))
    ranges = list(merkle.inclusion(index, size))
    few = {place: kept[place] for place in tiles.needed(ranges)}
    path = merkle.proof(tiles.reader(few), iter(ranges))
    assert merkle.root_from_inclusion(index, size, HASHES[index], path) == root_of(size)
    between = list(merkle.consistency(size, total))
    path = merkle.proof(tiles.reader({place: kept[place] for place in tiles.needed(between)}), iter(between))
    assert merkle.consistent(size, total, root_of(size), root_of(total), path)


def test_the_edge_of_a_full_tile_is_one_level_up() -> None:
    assert tiles.edge(0) == []
    assert tiles.edge(256) == [(1, 0)]
    assert tiles.edge(257) == [(0, 1), (1, 0)]
    assert tiles.edge(65_536) == [(2, 0)]
    assert len(tiles.needed([(0, 779_700)])) == 3
