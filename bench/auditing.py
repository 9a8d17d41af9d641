"""Nothing lost, nothing doubled: every 202 held against what both gateways show over their APIs."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from bench.together import BenchmarkFailed


class Asked(Protocol):
    """What answers questions: a connection to a national API."""

    async def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON under *path*."""
        ...


class RunFailed(BenchmarkFailed):
    """A certificate was refused, lost or doubled."""


SHOWN_WITHIN_S = 10.0
_PAGE = 500

Json = dict[str, Any]


class Reader:
    """Follows an inbox by its cursor, from the beginning on."""

    def __init__(self) -> None:
        self._cursor = "0"

    async def rest(self, connection: Asked) -> list[Json]:
        """What was added since the last call."""
        found: list[Json] = []
        while page := await self._page(connection):
            found += page
        return found

    async def at_least(self, connection: Asked, count: int) -> list[Json]:
        """
        The same; waits a moment for *count* items.

        A feed shows nothing before which something could still appear, so it may lag behind a commit.
        """
        found = await self.rest(connection)
        until = asyncio.get_running_loop().time() + SHOWN_WITHIN_S
        while len(found) < count and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.05)
            found += await self.rest(connection)
        return found

    async def _page(self, connection: Asked) -> list[Json]:
        status, page = await connection.get(f"/api/v1/inbox?after={self._cursor}&limit={_PAGE}")
        if status != 200:
            raise RunFailed(f"GET /inbox: {status}: {page}")
        self._cursor = page["next"]
        items: list[Json] = page["items"]
        return items


async def newest_certificates(connection: Asked, count: int) -> list[Json]:
    """The *count* certificates that were submitted last, as the sender's search shows them."""
    found: list[Json] = []
    after = ""
    while len(found) < count:
        limit = min(_PAGE, count - len(found))
        status, page = await connection.get(f"/api/v1/certificates?direction=out&limit={limit}{after}")
        if status != 200:
            raise RunFailed(f"GET /certificates: {status}: {page}")
        found += page["items"]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    return found


def faults_of_arrival(taken: Mapping[str, str], inbox: Iterable[Json]) -> list[str]:
    """
    What is wrong with the receiver's inbox.

    Args:
        taken: message id by certificate number, from the 202 answers.
        inbox: every item that arrived since the run began.
    """
    items = list(inbox)
    arrived = Counter((item["certificate_number"], item["message_id"]) for item in items)
    faults = _differences(taken.items(), arrived, "arrived")
    invalid = [item["certificate_number"] for item in items if item["valid"] is not True]
    return faults + _told("arrived as invalid", invalid)


def faults_of_delivery(taken: Mapping[str, str], sent: Iterable[Json], *, answered: bool) -> list[str]:
    """
    What is wrong with the certificates as the sender shows them.

    Args:
        sent: one item of its search a certificate.
        answered: each must be acknowledged as accepted; else none may be acknowledged at all.
    """
    items = list(sent)
    shown = Counter((item["certificate_number"], item["message_id"]) for item in items)
    wanted = "accepted" if answered else None
    undelivered = [item["certificate_number"] for item in items if item["delivery"] != "delivered"]
    unanswered = [item["certificate_number"] for item in items if item["acknowledgement"] != wanted]
    return (
        _differences(taken.items(), shown, "shown by the sender")
        + _told("without a receipt", undelivered)
        + _told(f"not with the acknowledgement {wanted}", unanswered)
    )


def faults_of_answers(taken: Mapping[str, str], inbox: Iterable[Json], *, answered: bool) -> list[str]:
    """What is wrong with the sender's inbox: one acknowledgement a certificate, or nothing at all."""
    arrived = Counter((item["type"], item["ref_to_message_id"]) for item in inbox)
    wanted = [("acknowledgement", message_id) for message_id in taken.values()] if answered else []
    return _differences(wanted, arrived, "came back")


def _differences(wanted: Iterable[tuple[Any, Any]], found: Counter[tuple[Any, Any]], verb: str) -> list[str]:
    expected = set(wanted)
    return (
        _told(f"never {verb}", expected - set(found))
        + _told(f"{verb} more than once", {key for key in expected if found[key] > 1})
        + _told(f"{verb} though never sent", set(found) - expected)
    )


def _told(what: str, which: Iterable[Any]) -> list[str]:
    names = sorted(" ".join(map(str, key)) if isinstance(key, tuple) else str(key) for key in which)
    return [f"{len(names)} {what}: {', '.join(names[:3])}{' …' if len(names) > 3 else ''}"] if names else []
