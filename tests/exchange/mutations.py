"""Evidence spoilt in every way that a hand or a disk may spoil it."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gateway.observe.bundle import pack, unpack
from gateway.observe.evidence_check import check_evidence
from tests.exchange.pair import pair
from tests.servers import Servers


def mutated_members(bundle: bytes, count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """*count* bundles, each with one byte of one member changed; with the member's name."""
    dice = random.Random(seed)
    members = unpack(bundle)
    names = sorted(members)
    for number in range(count):
        name = names[number % len(names)]
        content = bytearray(members[name])
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        yield name, pack({**members, name: bytes(content)})


def mutated_bytes(bundle: bytes, count: int, seed: int) -> Iterator[bytes]:
    """*count* bundles, each with one byte of the file itself changed."""
    dice = random.Random(seed)
    for _ in range(count):
        content = bytearray(bundle)
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        yield bytes(content)


async def survivors(count: int, seed: int) -> list[str]:
    """What of *count* bundles, each spoilt in one byte, was taken for good; nothing should be."""
    servers = Servers()
    try:
        with tempfile.TemporaryDirectory() as work:
            async with pair(Path(work), servers) as both:
                await both.exchange("VN-SOAK-1")
                bundle = await both.evidence("VN-SOAK-1")
    finally:
        servers.close()
    kept = [
        f"{name} was spoilt and not named"
        for name, spoilt in mutated_members(bundle, count // 2, seed)
        if not any(
            name in f"{each.what} {each.detail}" for each in check_evidence(spoilt, ()) if not each.good
        )
    ]
    kept += [
        "the file was spoilt unnoticed"
        for spoilt in mutated_bytes(bundle, count - count // 2, seed)
        if all(each.good for each in check_evidence(spoilt, ()))
    ]
    return kept
