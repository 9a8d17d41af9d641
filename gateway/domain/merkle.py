"""
The Merkle tree of RFC 6962 (sections 2.1 to 2.1.2): leaves, roots, and proofs that O(log n) hashes make.

A tree is kept as *tiles*. Tile (0, k) holds the hashes of leaves 256 k to 256 k + 255; tile (L + 1, k) the
roots of 256 full tiles of level L. A full tile never changes, so any root and any proof, of the tree as it is
or as it was at a former size, is worked out from a handful of tiles. Nothing here knows where tiles are kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from gateway.domain.errors import LogBroken

HASH_BYTES = 32
TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT

EMPTY_ROOT = hashlib.sha256(b"").digest()


class TileId(NamedTuple):
    """Which tile: how many tiles lie below it, and its place among its like."""

    level: int
    number: int


class Subtree(NamedTuple):
    """A full subtree: 2^height leaves, the *number*-th of its height."""

    height: int
    number: int

    @property
    def tile(self) -> TileId:
        """The tile it can be worked out from."""
        level, inside = divmod(self.height, TILE_HEIGHT)
        return TileId(level, self.number << inside >> TILE_HEIGHT)


Tiles = Mapping[TileId, bytes]
Range = tuple[int, int]
"""Leaves from the first, included, to the second, excluded."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf (RFC 6962 2.1: a leaf and an inner node never look alike)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


# ---- which subtrees are needed -----------------------------------------------------------------------------


def root_range(size: int) -> Range:
    """The leaves under the root of a tree of *size*."""
    return 0, size


def inclusion_ranges(leaf: int, size: int) -> list[Range]:
    """
    The subtrees beside the way from *leaf* up to the root of a tree of *size*, lowest first (PATH, 2.1.1).

    Raises:
        ValueError: the tree has no such leaf.
    """
    if not 0 <= leaf < size:
        raise ValueError(f"a tree of {size} has no leaf {leaf}")
    begin, end, beside = 0, size, []
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if leaf < middle:
            beside.append((middle, end))
            end = middle
        else:
            beside.append((begin, middle))
            begin = middle
    return beside[::-1]


def consistency_ranges(first: int, second: int) -> list[Range]:
    """
    The subtrees that show how the tree of *first* leaves lies inside that of *second* (PROOF, 2.1.2).

    Raises:
        ValueError: sizes that no such proof is about.
    """
    if not 0 < first <= second:
        raise ValueError(f"no proof leads from size {first} to size {second}")
    begin, end, whole, beside = 0, second, True, []
    while first != end:
        middle = begin + _split(end - begin)
        if first <= middle:
            beside.append((middle, end))
            end = middle
        else:
            beside.append((begin, middle))
            begin, whole = middle, False
    if not whole:
        beside.append((begin, end))
    return beside[::-1]


def subtrees(leaves: Range) -> list[Subtree]:
    """The full subtrees that make up a range of a proof, largest first, from the left."""
    begin, end = leaves
    found = []
    while begin < end:
        height = (end - begin).bit_length() - 1
        found.append(Subtree(height, begin >> height))
        begin += 1 << height
    return found


def tiles_for(ranges: Sequence[Range]) -> set[TileId]:
    """The tiles from which the hashes of *ranges* can be worked out."""
    return {subtree.tile for each in ranges for subtree in subtrees(each)}


def edge(size: int) -> set[TileId]:
    """The tiles on the right edge of a tree of *size*: what appending needs."""
    found = {TileId(0, size // TILE_WIDTH)}
    level, count = 1, size // TILE_WIDTH
    while count:
        found.add(TileId(level, count // TILE_WIDTH))
        level, count = level + 1, count // TILE_WIDTH
    return found


# ---- what is worked out from tiles -------------------------------------------------------------------------


def hash_of(leaves: Range, tiles: Tiles) -> bytes:
    """
    The hash over a range that a proof or a root names.

    Raises:
        LogBroken: a tile is missing or too short.
    """
    if leaves[0] == leaves[1]:
        return EMPTY_ROOT
    hashes = [_full_hash(subtree, tiles) for subtree in subtrees(leaves)]
    result = hashes.pop()
    while hashes:
        result = node_hash(hashes.pop(), result)
    return result


def hashes_of(ranges: Sequence[Range], tiles: Tiles) -> tuple[bytes, ...]:
    """The hashes of a proof."""
    return tuple(hash_of(each, tiles) for each in ranges)


def append(size: int, leaves: bytes, tiles: Tiles) -> dict[TileId, bytes]:
    """
    Append *leaves* to a tree of *size*.

    Args:
        leaves: hashes of leaves, one after another.
        tiles: at least those of ``edge(size)`` that hold anything.

    Returns:
        every tile that is new or longer than before.
    """
    changed: dict[TileId, bytes] = {}
    level, count = 0, size
    while leaves:
        full, partial = divmod(count, TILE_WIDTH)
        known = tiles.get(TileId(level, full), b"")[: partial * HASH_BYTES]
        if len(known) != partial * HASH_BYTES:
            raise LogBroken(f"tile {full} of level {level} has lost hashes")
        joined = known + leaves
        above = []
        for number, tile in enumerate(_cut(joined), start=full):
            changed[TileId(level, number)] = tile
            if len(tile) == TILE_WIDTH * HASH_BYTES:
                above.append(perfect_root(tile))
        leaves = b"".join(above)
        level, count = level + 1, full
    return changed


def perfect_root(hashes: bytes) -> bytes:
    """The root over a power of two of hashes."""
    sha256, pair = hashlib.sha256, 2 * HASH_BYTES  # here a proof spends its time
    while len(hashes) > HASH_BYTES:
        pairs = (hashes[at : at + pair] for at in range(0, len(hashes), pair))
        hashes = b"".join([sha256(b"\x01" + each).digest() for each in pairs])
    return hashes


# ---- what anybody can check --------------------------------------------------------------------------------


def root_by_inclusion(leaf: int, size: int, hashed: bytes, proof: Sequence[bytes]) -> bytes | None:
    """
    The root of the tree of *size* of which *proof* says that the leaf with the hash *hashed* is a part.

    Returns:
        None where the proof is not of the length such a proof must have.
    """
    if not 0 <= leaf < size:
        return None
    ranges = inclusion_ranges(leaf, size)
    if len(ranges) != len(proof):
        return None
    result = hashed
    for (begin, _), beside in zip(ranges, proof, strict=True):
        result = node_hash(result, beside) if begin > leaf else node_hash(beside, result)
    return result


def is_consistent(
    first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether *proof* shows that the first tree is how the second began."""
    if first == 0 or first > second:
        return first == 0 and not proof
    ranges = consistency_ranges(first, second)
    if len(ranges) != len(proof):
        return False
    steps = list(zip(ranges, proof, strict=True))
    if first & (first - 1) == 0 and first != second:  # the first tree is a subtree of the second by itself
        steps.insert(0, ((0, first), first_root))
    if not steps:
        return first_root == second_root
    (_, old), *rest = steps
    new = old
    for (begin, _), beside in rest:
        if begin >= first:
            new = node_hash(new, beside)
        else:
            old, new = node_hash(beside, old), node_hash(beside, new)
    return old == first_root and new == second_root


def _full_hash(subtree: Subtree, tiles: Tiles) -> bytes:
    inside = subtree.height % TILE_HEIGHT
    begin = (subtree.number << inside) % TILE_WIDTH * HASH_BYTES
    length = (1 << inside) * HASH_BYTES
    part = tiles.get(subtree.tile, b"")[begin : begin + length]
    if len(part) != length:
        raise LogBroken(f"tile {subtree.tile.number} of level {subtree.tile.level} has lost hashes")
    # Each tile above the leaves is part of very many proofs.
    return perfect_root(part) if subtree.tile.level == 0 else _kept_root(part)


_kept_root = lru_cache(maxsize=1024)(perfect_root)


def _split(size: int) -> int:
    """The largest power of two smaller than *size*."""
    return 1 << (size - 1).bit_length() - 1


def _cut(hashes: bytes) -> Iterator[bytes]:
    width = TILE_WIDTH * HASH_BYTES
    for at in range(0, len(hashes), width):
        yield hashes[at : at + width]
