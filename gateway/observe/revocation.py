"""
Fetching the lists of revoked certificates in the background, so that no message waits for an authority.

One node fetches, all use it: what came last and was good is kept in the database. Where a source is down, or
gives something else than its authority's list, the last good one goes on; whether seals count without a fresh
one is said in the party's file.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta

import aiohttp
import structlog

from gateway.domain.clock import Clock, rfc3339
from gateway.domain.corridor import Party
from gateway.domain.ids import PartyId
from gateway.domain.revocation import ListSource, RevocationList, read_list
from gateway.observe.credentials import BY_ITSELF
from gateway.store.ledger import Ledger
from gateway.store.revocation import ListRow
from gateway.trust.credentials import Credentials

log = structlog.get_logger(__name__)

MOST_BYTES = 16 * 1024 * 1024
ANSWER_WITHIN_S = 30
AFTER_A_FAULT = timedelta(minutes=1)


class _NotHad(Exception):
    """The source gave nothing that counts; the text says why."""


class RevocationWatch:
    """
    Looks now and then; ``look`` is called by the node.

    Args:
        client: asks the sources; redirects are not followed.
        skew: how far an authority's clock may be ahead of ours.
    """

    def __init__(
        self,
        credentials: Credentials,
        ledger: Ledger,
        clock: Clock,
        client: aiohttp.ClientSession,
        skew: timedelta,
    ) -> None:
        self._credentials = credentials
        self._ledger = ledger
        self._clock = clock
        self._client = client
        self._skew = skew
        self._read: dict[tuple[PartyId, str], tuple[object, RevocationList | None]] = {}

    async def look(self) -> None:
        """Take in what was fetched, by whichever node, and fetch what is due here."""
        rows = await self.take_in()
        parties = (self._credentials.home, *self._credentials.others.values())
        wanted = [(party, each) for party in parties for each in _sources(party)]
        fetched = (self._fetch_if_due(party, each.url, rows) for party, each in wanted)
        if any(await asyncio.gather(*fetched)):
            await self.take_in()

    async def take_in(self) -> Mapping[tuple[PartyId, str], ListRow]:
        """Hold every kept list against the certificates of its party; each is read and checked once."""
        rows = {(row.party, row.url): row for row in await self._ledger.list_rows()}
        lists: dict[PartyId, list[RevocationList]] = defaultdict(list)
        tries: dict[PartyId, dict[str, ListSource]] = defaultdict(dict)
        for party in (self._credentials.home, *self._credentials.others.values()):
            for source in _sources(party):
                if (row := rows.get((party.id, source.url))) is None:
                    continue
                tries[party.id][row.url] = ListSource(url=row.url, tried_at=row.tried_at, fault=row.fault)
                if (listed := await self._kept(party, row)) is not None:
                    lists[party.id].append(listed)
        self._credentials.hold_lists(lists, tries)
        return rows

    async def _kept(self, party: Party, row: ListRow) -> RevocationList | None:
        if row.fetched_at is None:
            return None
        key, made_of = (party.id, row.url), (row.fetched_at, party.anchor, party.tls_anchor)
        known = self._read.get(key)
        if known is None or known[0] != made_of:
            body = await self._ledger.list_body(party.id, row.url)
            listed = None if body is None else await asyncio.to_thread(_checked, party, row, body)
            known = self._read[key] = (made_of, listed)
        return known[1]

    async def _fetch_if_due(
        self, party: Party, url: str, rows: Mapping[tuple[PartyId, str], ListRow]
    ) -> bool:
        """Whether it was tried here."""
        now, row = self._clock(), rows.get((party.id, url))
        due = now - _wait(party, url, row, now)
        if row is not None and due < row.tried_at <= now:
            return False
        if not await self._ledger.claim_list(party.id, url, at=now, tried_before=due):
            return False
        try:
            await self._fetch(party, url)
        except _NotHad as error:
            await self._failed(party, url, str(error), was=row.fault if row else None)
        return True

    async def _fetch(self, party: Party, url: str) -> None:
        raw = await self._asked(url)
        now = self._clock()
        try:
            listed = await asyncio.to_thread(
                read_list, raw, (party.anchor, party.tls_anchor), source=url, fetched_at=now
            )
        except ValueError as error:
            raise _NotHad(f"what it gives {error}") from None
        if listed.this_update - now > self._skew:
            raise _NotHad(f"its list is of {rfc3339(listed.this_update)}, but our clock says {rfc3339(now)}")
        before = next((each for each in party.lists if each.source == url), None)
        if before is not None and listed.this_update < before.this_update:
            text = f"its list is of {rfc3339(listed.this_update)}, older than the one of"
            raise _NotHad(f"{text} {rfc3339(before.this_update)} that we hold")
        await self._ledger.keep_list(party.id, url, listed.body, at=now)
        if before is None or before.body != listed.body:
            await self._tell(party, listed)

    async def _asked(self, url: str) -> bytes:
        limit = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
        try:
            async with self._client.get(url, timeout=limit, allow_redirects=False) as answer:
                if answer.status != 200:
                    raise _NotHad(f"it answers {answer.status}")
                raw = bytearray()
                async for chunk in answer.content.iter_any():
                    raw += chunk
                    if len(raw) > MOST_BYTES:
                        raise _NotHad(f"it gives more than {MOST_BYTES} bytes")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _NotHad(str(error)[:200] or type(error).__name__) from None
        return bytes(raw)

    async def _tell(self, party: Party, listed: RevocationList) -> None:
        ends = listed.next_update and rfc3339(listed.next_update)
        log.info("revocation_list_taken", party=party.id, source=listed.source, until=ends)
        detail = {
            "source": listed.source,
            "sha256": hashlib.sha256(listed.body).hexdigest(),
            "issued": rfc3339(listed.this_update),
            "until": ends,
            "revoked": len(listed.revoked),
        }
        async with self._ledger.page() as page:
            await page.event(
                "revocation:taken", at=self._clock(), party=party.id, who=BY_ITSELF, detail=detail
            )

    async def _failed(self, party: Party, url: str, fault: str, *, was: str | None) -> None:
        """Keep why; tell it once, until it mends or becomes another."""
        await self._ledger.list_failed(party.id, url, fault)
        if fault == was:
            return
        log.warning("revocation_list_not_had", party=party.id, source=url, fault=fault)
        detail = {"source": url, "fault": fault}
        async with self._ledger.page() as page:
            await page.event(
                "revocation:failed", at=self._clock(), party=party.id, who=BY_ITSELF, detail=detail
            )


def _sources(party: Party) -> tuple[ListSource, ...]:
    return () if party.revocation is None else party.revocation.sources


def _wait(party: Party, url: str, row: ListRow | None, now: datetime) -> timedelta:
    """How long a source rests between two tries: short while something is wrong with what it gives."""
    assert party.revocation is not None
    listed = next((each for each in party.lists if each.source == url), None)
    well = row is not None and row.fault is None and listed is not None and listed.is_fresh(now)
    return party.revocation.every if well else min(AFTER_A_FAULT, party.revocation.every)


def _checked(party: Party, row: ListRow, body: bytes) -> RevocationList | None:
    """A kept list, unless the party's anchors have changed since and nobody we believe signed it."""
    try:
        return read_list(body, (party.anchor, party.tls_anchor), source=row.url, fetched_at=row.fetched_at)
    except ValueError:
        return None


def stale(parties: Mapping[PartyId, Party], now: datetime) -> Mapping[PartyId, str]:
    """The parties whose lists are not fresh, and what is wrong with both clocks."""
    found = {name: party.stale_lists(now) for name, party in parties.items()}
    return {name: text for name, text in found.items() if text is not None}
