"""
The page of states, written from the tables that the code goes by: what a life or a delivery may become.

``eco-gateway pages --states FILE`` writes it; a test holds ``docs/states.md`` to what would be written now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

from gateway.domain.status import (
    LIFE_MOVES,
    LIVES,
    TRANSITIONS,
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    DeliveryStatus,
)

_HEAD = """# States

Written by `eco-gateway pages --states` from the tables in `gateway/domain/status.py`. The database
holds the same tables and refuses a move that is not in them.

Three layers of answer and the certificate's own life never mix: a delivery may be `expired` while
its certificate is `in_force`, and an `expired` certificate may still be utilised for goods imported
before (ATIGA Annex 8 Rule 14(c)).
"""

_OUTCOMES = """\
An acknowledgement and a customs response have no moves of their own. The latest acknowledgement of
the national system counts, else the latest of the receiving gateway. Of several customs responses
about the same item and declaration the last that was said counts, in whatever order they come; what
stands is added up item by item. A cancellation that either of the two accepts is done; a rejection
puts back the life the certificate had, unless it was cancelled before.
"""


def state_page() -> str:
    """The page, as Markdown."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield _HEAD
    yield "## The life of a certificate\n"
    yield from _diagram(CertificateLife.IN_FORCE, LIFE_MOVES, [life for life in LIVES if not LIVES[life]])
    yield "| from | to | when |"
    yield "|---|---|---|"
    for (former, to), when in LIFE_MOVES.items():
        yield f"| `{former}` | `{to}` | {when} |"
    yield "\n`replaced` is final, and so is `cancelled` but for that.\n"
    yield "## The delivery of a message\n"
    moves = [(former, to) for former, some in TRANSITIONS.items() for to in sorted(some)]
    yield from _diagram(DeliveryStatus.READY_TO_SEND, moves, [])
    yield "[Operating](operating.md) says of each what it means and what is to be done.\n"
    yield "## Acknowledgements and customs responses\n"
    yield f"Acknowledgement: {_listed(AcknowledgementOutcome)}."
    yield f"Customs response, per item: {_listed(CustomsOutcome)}.\n"
    yield _OUTCOMES


def _diagram(
    first: StrEnum, moves: Iterable[tuple[StrEnum, StrEnum]], last: Iterable[StrEnum]
) -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {first}"
    for former, to in moves:
        yield f"    {former} --> {to}"
    for state in last:
        yield f"    {state} --> [*]"
    yield "```\n"


def _listed(values: type[StrEnum]) -> str:
    return ", ".join(f"`{value}`" for value in values)
