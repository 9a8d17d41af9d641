"""Which messages an operator means: by a filter, counted and sampled before anything is done to them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from gateway.cli.client import Json, Node
from gateway.cli.failures import CommandFailed, WrongUse
from gateway.cli.screen import remark, say
from gateway.domain.status import (
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    DeliveryStatus,
    Direction,
)

SAMPLE = 5

_D = DeliveryStatus
_WAITING = frozenset({_D.READY_TO_SEND, _D.AWAITING_RETRY, _D.AWAITING_RECEIPT, _D.EXPIRED})
ALLOWED: Mapping[str, frozenset[DeliveryStatus]] = MappingProxyType(
    {
        "hold": _WAITING,
        "release": frozenset({_D.ON_HOLD}),
        "resend": frozenset({_D.DELIVERED, _D.REFUSED, _D.EXPIRED}),
        "withdraw": _WAITING | {_D.ON_HOLD},
    }
)
_STATUSES = frozenset(
    str(value) for kind in (_D, AcknowledgementOutcome, CustomsOutcome, CertificateLife) for value in kind
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which certificates of ours are meant; days of submission (UTC), both included."""

    party: str | None
    status: str | None
    first_day: str | None
    last_day: str | None

    @property
    def is_empty(self) -> bool:
        """Whether nothing was said."""
        return not (self.party or self.status or self.first_day or self.last_day)


def read_filter(
    verb: str, *, party: str | None, status: str | None, first_day: str | None, last_day: str | None
) -> Filter:
    """
    Read what the flags say.

    Raises:
        WrongUse: a day is no day, a status no status.
        CommandFailed: the verb cannot touch a delivery of that status.
    """
    if status is not None and status not in _STATUSES:
        raise WrongUse(f"--status: there is no '{status}', only {', '.join(sorted(_STATUSES))}")
    if _is_delivery(status) and status not in ALLOWED[verb]:
        raise CommandFailed(f"cannot {verb} what is {status}, only {', '.join(sorted(ALLOWED[verb]))}")
    return Filter(
        party=party, status=status, first_day=_day("--from", first_day), last_day=_day("--to", last_day)
    )


def days_and_urls(values: Sequence[str]) -> tuple[str | None, str | None]:
    """
    Tell apart what ``--to`` gave: the last day, and the node's URL; the two never look alike.

    Raises:
        WrongUse: more than one of a kind.
    """
    urls = [value for value in values if re.match(r"https?://", value)]
    days = [value for value in values if value not in urls]
    if len(urls) > 1 or len(days) > 1:
        raise WrongUse("--to: at most one day and one URL")
    return next(iter(days), None), next(iter(urls), None)


async def find(node: Node, verb: str, wanted: Filter, most: int) -> list[Json]:
    """
    The certificates' messages that the filter means and *verb* can touch.

    Raises:
        CommandFailed: there are more than *most*.
    """
    found: list[Json] = []
    days = {"from": wanted.first_day, "to": wanted.last_day}
    async for item in node.certificates(
        direction=Direction.OUT, receiver=wanted.party, status=wanted.status, **days
    ):
        # "expired" is also a certificate's life; here the delivery's is meant.
        stands_there = not _is_delivery(wanted.status) or item["delivery"] == wanted.status
        if stands_there and item["delivery"] in ALLOWED[verb]:
            found.append(item)
        if len(found) > most:
            raise CommandFailed(
                f"more than {most} messages match and nothing was done; narrow the filter or raise --most"
            )
    return found


async def look_up(node: Node, ids: Sequence[str], party: str | None) -> list[Json]:
    """The messages with *ids*; beyond the sample only their ids."""
    known = [await node.message(one, party) or {"message_id": one} for one in ids[:SAMPLE]]
    return [*known, *({"message_id": one} for one in ids[SAMPLE:])]


def agreed(verb: str, items: Sequence[Json], yes: bool) -> bool:
    """Show count and sample; whether to go on."""
    some = f", the first {SAMPLE}" if len(items) > SAMPLE else ""
    say(f"{len(items)} message{'' if len(items) == 1 else 's'} to {verb}{some}:")
    for item in items[:SAMPLE]:
        say(_line(item))
    if not yes:
        remark("Nothing was done; add --yes to do it.")
    return yes


def _line(item: Json) -> str:
    party = item.get("receiver") or item.get("party")
    facts = (item.get("delivery"), item.get("certificate_number"), party, item["message_id"])
    return "  " + "  ".join(str(fact) for fact in facts if fact)


def _is_delivery(status: str | None) -> bool:
    return status in set(_D)


def _day(flag: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise WrongUse(f"{flag}: '{text}' is not a day such as 2026-11-21") from None
