"""The watch's own page of the ledger: what may mean trouble is read, exceptions are opened and cured."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from gateway.domain.errors import Finding
from gateway.domain.ids import PartyId
from gateway.domain.status import (
    AcknowledgementOutcome,
    CertificateLife,
    DeliveryStatus,
    Direction,
    MessageType,
)
from gateway.store.clocks import ClockPage
from gateway.store.connect import Connection
from gateway.store.rows import findings_of
from gateway.store.statements import watching

_BATCH = 1_000
_BY_ITSELF = "gateway"

REVOCATION_LIST = "revocation-list"
"""Stands as the code of exceptions about the age of a party's revocation lists."""

_OWNER = "administrator"
_RESUME = "See with the subscriber why, then resume its webhook; nothing is lost meanwhile."
_RENEW = "See why the list cannot be had ('parties' tells), or lay a newer one down as a file."


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFacts:
    """
    All that decides whether a message needs somebody.

    Attributes:
        cause: why its delivery stands where it stands, ``CODE: words``.
        acknowledgement: the one that counts.
        side: direction of the certificate it is about.
        is_current: no later message carries that certificate.
        customs: what this customs response said that still counts, oldest first.
        refused_answer: code and words of our national system's answer that the ledger refused, and no other
            answer since.
        found_since: of an answer about an unknown certificate: it is known now.
        answered: of a verification request: it was replied to, or concluded.
    """

    message_no: int
    direction: Direction
    type: MessageType
    party: PartyId
    organisation: str | None = None
    findings: tuple[Finding, ...] = ()
    delivery: DeliveryStatus | None = None
    cause: str | None = None
    acknowledgement: AcknowledgementOutcome | None = None
    acknowledgement_findings: tuple[Finding, ...] = ()
    side: Direction | None = None
    life: CertificateLife | None = None
    is_current: bool = True
    customs: Sequence[Mapping[str, Any]] = ()
    refused_answer: Mapping[str, Any] | None = None
    found_since: bool = False
    answered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What makes troubles one exception, and what is told of it."""

    code: str
    party: PartyId
    organisation: str | None
    owner: str
    next_action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sufferer:
    """A message or a clock that suffers; neither for what we refused from a party."""

    cause: str
    message_no: int | None = None
    clock_no: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenItem:
    """An item that is open, as the watch looks at it."""

    item_no: int
    exception_no: int
    message_no: int
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """How far the watch has read: events, and what was refused on the wire."""

    place: int
    event_no: int
    refused_no: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedRow:
    """A certificate that was never issued here and for which strangers asked; no *form* for a code."""

    form: str
    number: str
    times: int
    last_at: datetime


class WatchPage:
    """One step of the watch: a transaction that holds the watch, so that one node at a time works."""

    def __init__(self, connection: Connection, position: Position, at: datetime) -> None:
        self.connection = connection
        self.at = at
        self.clocks = ClockPage(connection, at)
        self._position = position

    async def troubled_messages(self) -> list[int]:
        """Numbers of the messages to which something happened that may mean trouble; read once each."""
        found = watching.troubled_messages(
            self.connection, place=self._position.place, event_no=self._position.event_no, batch=_BATCH
        )
        rows = [row async for row in found]
        if rows:
            last = rows[-1]
            await self._move(place=last["place"], event_no=last["event_no"])
        return sorted({row["message_no"] for row in rows if row["message_no"] is not None})

    async def refused_from_abroad(self) -> list[tuple[PartyId, tuple[Finding, ...]]]:
        """What we refused on the wire since the last step: from whom, and why."""
        found = watching.refused_from_abroad(
            self.connection, refused_no=self._position.refused_no, batch=_BATCH
        )
        rows = [row async for row in found]
        if rows:
            await self._move(refused_no=rows[-1]["refused_no"])
        return [(PartyId(row["party"]), findings_of(row["findings"])) for row in rows]

    async def _move(self, **to: int) -> None:
        kept = self._position
        self._position = Position(
            place=to.get("place", kept.place),
            event_no=to.get("event_no", kept.event_no),
            refused_no=to.get("refused_no", kept.refused_no),
        )
        await watching.move_watch(
            self.connection,
            place=self._position.place,
            event_no=self._position.event_no,
            refused_no=self._position.refused_no,
        )

    async def facts(self, message_nos: Sequence[int]) -> list[MessageFacts]:
        """What decides whether these messages need somebody."""
        if not message_nos:
            return []  # planning the question takes longer than all else that a quiet look does
        rows = watching.message_troubles(self.connection, message_nos=message_nos)
        return [_facts(row) async for row in rows]

    async def items_of(self, message_nos: Sequence[int]) -> list[OpenItem]:
        """What these messages suffer from now."""
        if not message_nos:
            return []
        rows = watching.items_of_messages(self.connection, message_nos=message_nos)
        return [_open_item(row) async for row in rows]

    async def open_items(self) -> AsyncIterator[list[OpenItem]]:
        """Every message that suffers from an open exception, batch by batch."""
        after = 0
        while True:
            rows = watching.open_message_items(self.connection, after=after, batch=_BATCH)
            batch = [_open_item(row) async for row in rows]
            if batch:
                yield batch
                after = batch[-1].item_no
            if len(batch) < _BATCH:
                return

    async def appeased_parties(self) -> list[tuple[int, int]]:
        """Item and exception about what we refused from a party that has sent something good since."""
        items = [row async for row in watching.items_of_parties(self.connection)]
        if not items:
            return []
        heard = {row["party"] async for row in watching.heard_parties(self.connection)}
        await watching.listen_from_here(self.connection)
        return [(row["item_no"], row["exception_no"]) for row in items if row["party"] in heard]

    async def refused(self, cause: Cause, told: str) -> None:
        """We refused something from a party; over when it sends something good from here on."""
        await self.open(cause, [Sufferer(cause=told)])
        await watching.listen_from_here(self.connection)

    async def is_asked_in_vain(self) -> bool:
        """Whether strangers asked for what was never issued here since the last step."""
        return bool(await watching.new_asked_in_vain(self.connection))

    async def asked_in_vain(self, within: timedelta) -> list[AskedRow]:
        """What they asked for *within* that time, each once, the latest first."""
        rows = watching.asked_in_vain(self.connection, since=self.at - within, batch=_BATCH)
        return [AskedRow(**dict(row)) async for row in rows]

    async def items_about(self, code: str) -> list[tuple[int, int, str]]:
        """Item, exception and owner of what suffers from *code* and is neither a message nor a clock."""
        rows = watching.items_of_code(self.connection, code=code)
        return [(row["item_no"], row["exception_no"], row["owner"]) async for row in rows]

    async def stale_lists(self, stale: Mapping[PartyId, str]) -> None:
        """
        The revocation lists of these parties are not fresh; whose are again suffers no longer.

        What a person closed stays closed while the same list stays as old.
        """
        for party, told in stale.items():
            cause = Cause(
                code=REVOCATION_LIST, party=party, organisation=None, owner=_OWNER, next_action=_RENEW
            )
            words = f"{REVOCATION_LIST}: {told}"
            former = await watching.find_exception(
                self.connection, code=cause.code, party=party, owner=cause.owner, organisation=None
            )
            if former is None or former["cause"] != words or former["closed_by"] == _BY_ITSELF:
                await self.open(cause, [Sufferer(cause=words)])
        items = [row async for row in watching.items_of_lists(self.connection)]
        fresh = [(row["item_no"], row["exception_no"]) for row in items if row["party"] not in stale]
        await self.cure(fresh, "a fresh list is there")

    async def suspended_webhooks(self, home: PartyId) -> None:
        """
        Subscribers that are told no more; whoever is told again suffers no longer.

        What a person closed stays closed until something else is wrong with the same subscriber.
        """
        dead = {
            f"webhook:{row['name']}": row["cause"]
            async for row in watching.webhooks(self.connection)
            if row["state"] == "suspended" and row["cause"] is not None
        }
        items = [row async for row in watching.items_of_webhooks(self.connection)]
        for code, words in dead.items():
            former = await watching.find_exception(
                self.connection, code=code, party=home, owner=_OWNER, organisation=None
            )
            if former is None or former["cause"] != words or former["closed_by"] == _BY_ITSELF:
                cause = Cause(code=code, party=home, organisation=None, owner=_OWNER, next_action=_RESUME)
                await self.open(cause, [Sufferer(cause=words)])
        await self.cure(
            [(row["item_no"], row["exception_no"]) for row in items if row["code"] not in dead],
            "it is told again",
        )

    async def open(self, cause: Cause, sufferers: Sequence[Sufferer]) -> None:
        """These suffer from *cause*: the exception is opened if it is not open, and told of then."""
        key = {
            "code": cause.code,
            "party": cause.party,
            "owner": cause.owner,
            "organisation": cause.organisation,
        }
        former = await watching.find_exception(self.connection, **key)
        exception_no: int = await watching.open_exception(
            self.connection,
            **key,
            cause=sufferers[-1].cause,
            next_action=cause.next_action,
            at=self.at,
        )
        await watching.add_exception_items(
            self.connection,
            exception_no=exception_no,
            message_nos=[one.message_no for one in sufferers],
            clock_nos=[one.clock_no for one in sufferers],
            causes=[one.cause for one in sufferers],
            at=self.at,
        )
        if former is None or former["state"] == "closed":
            await self._tell(exception_no, "opened", None)

    async def cure(self, items: Iterable[tuple[int, int]], resolution: str) -> None:
        """
        These items suffer no longer; an exception from which nothing does is closed, and told of.

        Args:
            items: item and exception.
        """
        cured = list(items)
        if not cured:
            return
        await watching.close_exception_items(
            self.connection,
            item_nos=[item for item, _ in cured],
            at=self.at,
            who=_BY_ITSELF,
            resolution=resolution,
        )
        closed = watching.close_cured_exceptions(
            self.connection,
            exception_nos=sorted({exception for _, exception in cured}),
            at=self.at,
            who=_BY_ITSELF,
            resolution=resolution,
        )
        for exception_no in [row["exception_no"] async for row in closed]:
            await self._tell(exception_no, "closed", _BY_ITSELF)

    async def _tell(self, exception_no: int, what: str, who: str | None) -> None:
        await watching.tell_of_exception(
            self.connection, exception_no=exception_no, what=what, at=self.at, who=who
        )


def _open_item(row: asyncpg.Record) -> OpenItem:
    return OpenItem(
        item_no=row["item_no"],
        exception_no=row["exception_no"],
        message_no=row["message_no"],
        code=row["code"],
    )


def _facts(row: asyncpg.Record) -> MessageFacts:
    """What the ledger knows of a message, for the watch to judge."""
    return MessageFacts(
        message_no=row["message_no"],
        direction=Direction(row["direction"]),
        type=MessageType(row["type"]),
        party=PartyId(row["party"]),
        organisation=row["organisation"],
        findings=findings_of(row["findings"]),
        delivery=DeliveryStatus(row["delivery"]) if row["delivery"] else None,
        cause=row["cause"],
        acknowledgement=AcknowledgementOutcome(row["acknowledgement"]) if row["acknowledgement"] else None,
        acknowledgement_findings=findings_of(row["acknowledgement_findings"] or ()),
        side=Direction(row["side"]) if row["side"] else None,
        life=CertificateLife(row["life"]) if row["life"] else None,
        is_current=row["carried_by_message_no"] in (None, row["message_no"]),
        customs=row["customs"] or (),
        refused_answer=row["refused_answer"],
        found_since=row["found_since"],
        answered=row["answered"],
    )
