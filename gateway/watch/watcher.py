"""
The step that is done again and again: what may mean trouble is looked at, what is open is looked at again.

Exceptions open by what happened (read once, in the order of the feed) and close by how things stand now, so
an exception that a person closed stays closed until something new happens. One node at a time holds the
watch; a step is one transaction, so nothing is told twice and nothing is forgotten.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from gateway.domain.clock import Clock
from gateway.domain.ids import PartyId
from gateway.store.clocks import NEVER
from gateway.store.ledger import Ledger
from gateway.store.troubles import Cause, OpenItem, Sufferer, WatchPage
from gateway.watch.law import NO_LAW, Law
from gateway.watch.strangers import NOT_ISSUED, WITHIN, strangers
from gateway.watch.troubles import Trouble, refused_from, trouble_of

CURED = "cured by what happened since"


class Watcher:
    """
    Opens and closes exceptions, and watches the law's clocks; every node has one.

    Args:
        law: the clocks there are, with their limits.
        home: whose exceptions those are that concern no party abroad.
        stale: the parties whose revocation lists are too old, and what is wrong with them.
        clocks_rest: from one look at the clocks to the next; they run for hours and days.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        law: Law = NO_LAW,
        *,
        home: PartyId,
        stale: Callable[[datetime], Mapping[PartyId, str]] = lambda _: {},
        clocks_rest: timedelta = timedelta(0),
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._law = law
        self._home = home
        self._stale = stale
        self._clocks_rest = clocks_rest
        self._clocks_seen_at: datetime | None = None

    async def step(self) -> None:
        """Look once; nothing when another node is looking."""
        async with self._ledger.watch(self._clock()) as page:
            if page is not None:
                await self._look_again(page)
                await self._look_at_new(page)
                if self._clocks_are_due(page.at):
                    await self._watch_clocks(page)
                    self._clocks_seen_at = page.at
                await self._watch_strangers(page)
                await page.stale_lists(self._stale(page.at))
                await page.suspended_webhooks(self._home)

    def _clocks_are_due(self, now: datetime) -> bool:
        """Whether they rested long enough; time that was set back is no reason to rest longer."""
        seen = self._clocks_seen_at
        return seen is None or not seen <= now < seen + self._clocks_rest

    async def _look_at_new(self, page: WatchPage) -> None:
        opened: dict[Cause, list[Sufferer]] = defaultdict(list)
        message_nos = await page.troubled_messages()
        before = {item.message_no: item for item in await page.items_of(message_nos)}
        for facts in await page.facts(message_nos):
            if (trouble := trouble_of(facts)) is None:
                continue
            former = before.get(facts.message_no)
            if former is not None and former.code != trouble.cause.code:
                await page.cure([(former.item_no, former.exception_no)], f"now {trouble.cause.code}")
            opened[trouble.cause].append(Sufferer(cause=trouble.told, message_no=facts.message_no))
        for party, findings in await page.refused_from_abroad():
            if (refused := refused_from(party, findings)) is not None:
                await page.refused(refused.cause, refused.told)
        for cause, sufferers in opened.items():
            await page.open(cause, sufferers)

    async def _look_again(self, page: WatchPage) -> None:
        async for batch in page.open_items():
            stands = {
                facts.message_no: trouble_of(facts)
                for facts in await page.facts([item.message_no for item in batch])
            }
            await page.cure(_cured(batch, stands), CURED)
        await page.cure(await page.appeased_parties(), "the party has sent something good since")

    async def _enter_clocks(self, page: WatchPage) -> None:
        """Those that run again, and those that may warn by now."""
        again, positions = await page.clocks.again(), await page.clocks.positions()
        looked_for: dict[str, datetime] = {}
        for clock in self._law.clocks:
            if (until := self._law.until(clock, page.at)) is None:
                continue
            former = positions.get(clock.name, NEVER)
            resumed = [what for what in again if what.starts is clock.starts]
            await page.clocks.enter(clock, self._law.entries(clock, resumed))
            async for batch in page.clocks.started(clock.name, clock.starts, until, former):
                await page.clocks.enter(clock, self._law.entries(clock, batch))
            looked_for[clock.name] = max(until, former.started_at)
        await page.clocks.looked_for(looked_for)

    async def _watch_clocks(self, page: WatchPage) -> None:
        await self._enter_clocks(page)
        await page.cure(await page.clocks.stop(), CURED)
        late: dict[Cause, list[Sufferer]] = defaultdict(list)
        for one in await page.clocks.warn():
            if (cause := self._law.cause_of(one)) is not None:
                late[cause].append(
                    Sufferer(cause=self._law.told(one), message_no=one.message_no, clock_no=one.clock_no)
                )
        for cause, sufferers in late.items():
            await page.open(cause, sufferers)
        over = [one for one in await page.clocks.breach() if self._law.ends_life(one)]
        if over:
            await page.clocks.expire(over)

    async def _watch_strangers(self, page: WatchPage) -> None:
        is_new = await page.is_asked_in_vain()
        items = await page.items_about(NOT_ISSUED)
        if not (is_new or items):
            return
        found = strangers(await page.asked_in_vain(WITHIN), self._home, page.at)
        for trouble in found if is_new else ():
            await page.open(trouble.cause, [Sufferer(cause=trouble.told)])
        standing = {trouble.cause.owner for trouble in found}
        quiet = [(item, exception) for item, exception, owner in items if owner not in standing]
        await page.cure(quiet, "nobody asks in vain any more")


def _cured(items: Iterable[OpenItem], stands: dict[int, Trouble | None]) -> list[tuple[int, int]]:
    """Item and exception of those whose message is in this trouble no more."""
    return [
        (item.item_no, item.exception_no)
        for item in items
        if (now := stands.get(item.message_no)) is None or now.cause.code != item.code
    ]
