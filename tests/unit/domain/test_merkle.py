"""RFC 6962: the roots and proofs of its authors' reference implementation, and the laws for any tree."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.errors import LogBroken
from gateway.domain.merkle import (
    EMPTY_ROOT,
    TileId,
    append,
    consistency_ranges,
    edge,
    hash_of,
    hashes_of,
    inclusion_ranges,
    is_consistent,
    leaf_hash,
    node_hash,
    root_by_inclusion,
    root_range,
    tiles_for,
)

# The leaves and roots with which implementations of certificate transparency test themselves.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
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


def tree(hashes: list[bytes], *, steps: tuple[int, ...] = ()) -> dict[TileId, bytes]:
    """The tiles of a tree that grew in steps of these sizes, the rest at once."""
    tiles: dict[TileId, bytes] = {}
    done = 0
    for step in (*steps, len(hashes)):
        batch = hashes[done : done + step]
        known = {tile: tiles[tile] for tile in edge(done) if tile in tiles}
        tiles |= append(done, b"".join(batch), known)
        done += len(batch)
    return tiles


def by_definition(hashes: list[bytes]) -> bytes:
    """MTH as RFC 6962 2.1 writes it down."""
    if not hashes:
        return EMPTY_ROOT
    if len(hashes) == 1:
        return hashes[0]
    half = 1
    while half * 2 < len(hashes):
        half *= 2
    return node_hash(by_definition(hashes[:half]), by_definition(hashes[half:]))


def numbered(count: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(count)]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_of_the_reference(size: int) -> None:
    tiles = tree([leaf_hash(leaf) for leaf in LEAVES])

    assert hash_of(root_range(size), tiles).hex() == ROOTS[size - 1]


def test_the_empty_tree_has_the_hash_of_nothing() -> None:
    assert hash_of(root_range(0), {}) == hashlib.sha256(b"").digest()


@pytest.mark.parametrize(
    ("leaf", "size", "path"),
    [  # RFC 6962 2.1.3: the tree of seven leaves
        (0, 7, [(1, 2), (2, 4), (4, 7)]),
        (3, 7, [(2, 3), (0, 2), (4, 7)]),
        (4, 7, [(5, 6), (6, 7), (0, 4)]),
        (6, 7, [(4, 6), (0, 4)]),
    ],
)
def test_an_audit_path_is_that_of_the_rfcs_example(leaf: int, size: int, path: list[tuple[int, int]]) -> None:
    assert inclusion_ranges(leaf, size) == path


@pytest.mark.parametrize(
    ("first", "second", "path"),
    [  # RFC 6962 2.1.3
        (3, 7, [(2, 3), (3, 4), (0, 2), (4, 7)]),
        (4, 7, [(4, 7)]),
        (6, 7, [(4, 6), (6, 7), (0, 4)]),
        (7, 7, []),
    ],
)
def test_a_consistency_proof_is_that_of_the_rfcs_example(
    first: int, second: int, path: list[tuple[int, int]]
) -> None:
    assert consistency_ranges(first, second) == path


@given(size=st.integers(1, 1_200), steps=st.lists(st.integers(1, 400), max_size=6))
@settings(max_examples=40, deadline=None)
def test_a_tree_that_grew_in_steps_is_the_tree_by_definition(size: int, steps: list[int]) -> None:
    hashes = numbered(size)

    tiles = tree(hashes, steps=tuple(steps))

    assert hash_of(root_range(size), tiles) == by_definition(hashes)


BIG = 70_000  # three levels of tiles
BIG_HASHES = numbered(BIG)
BIG_TILES = tree(BIG_HASHES, steps=(65_536, 1))


@given(size=st.integers(1, BIG), data=st.data())
@settings(max_examples=100, deadline=None)
def test_every_leaf_is_proved_in_a_tree_of_any_size(size: int, data: st.DataObject) -> None:
    leaf = data.draw(st.integers(0, size - 1))
    ranges = inclusion_ranges(leaf, size)
    needed = {tile: BIG_TILES[tile] for tile in tiles_for(ranges)}

    proof = hashes_of(ranges, needed)

    root = hash_of(root_range(size), BIG_TILES)
    assert len(needed) <= 9
    assert root_by_inclusion(leaf, size, BIG_HASHES[leaf], proof) == root
    assert root_by_inclusion(leaf, size, leaf_hash(b"another"), proof) != root
    if size > 1:
        assert root_by_inclusion((leaf + 1) % size, size, BIG_HASHES[leaf], proof) != root
        assert root_by_inclusion(leaf, size, BIG_HASHES[leaf], proof[:-1]) is None


@given(sizes=st.tuples(st.integers(1, BIG), st.integers(1, BIG)).map(sorted), data=st.data())
@settings(max_examples=100, deadline=None)
def test_a_tree_is_shown_to_be_how_a_larger_one_began(sizes: list[int], data: st.DataObject) -> None:
    first, second = sizes
    ranges = consistency_ranges(first, second)
    first_root, second_root = (hash_of(root_range(size), BIG_TILES) for size in sizes)

    proof = hashes_of(ranges, BIG_TILES)

    assert is_consistent(first, first_root, second, second_root, proof)
    assert not is_consistent(first, b"\0" * 32, second, second_root, proof)
    assert not is_consistent(first, first_root, second, b"\0" * 32, proof)
    assert not is_consistent(first, first_root, second, second_root, (*proof, b"\0" * 32))
    if proof:
        spoilt = data.draw(st.integers(0, len(proof) - 1))
        wrong = [b"\1" * 32 if number == spoilt else each for number, each in enumerate(proof)]
        assert not is_consistent(first, first_root, second, second_root, wrong)


@pytest.mark.parametrize(("first", "second"), [(0, 3), (4, 3), (-1, 3)])
def test_no_proof_leads_backwards(first: int, second: int) -> None:
    with pytest.raises(ValueError, match="no proof leads"):
        consistency_ranges(first, second)


def test_a_leaf_beyond_the_tree_has_no_proof() -> None:
    with pytest.raises(ValueError, match="no leaf 3"):
        inclusion_ranges(3, 3)
    assert root_by_inclusion(3, 3, b"", []) is None


def test_a_tile_that_lost_hashes_proves_nothing() -> None:
    short = {**BIG_TILES, TileId(0, 0): BIG_TILES[TileId(0, 0)][:-1]}

    with pytest.raises(LogBroken, match="tile 0 of level 0"):
        hash_of((255, 256), short)
    with pytest.raises(LogBroken, match="tile 0 of level 0"):
        append(3, b"\0" * 32, {})
