"""
The lane of each subscriber: one event after another, the next when the one before was taken.

What a subscriber does not take is tried again after longer and longer waits, which the ledger keeps; after
the last it is told no more until somebody resumes it. Nobody waits for anybody else.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Collection, Sequence

import aiohttp
import structlog

from gateway.domain.caller import Caller, Role
from gateway.domain.clock import Clock
from gateway.domain.errors import Fault
from gateway.domain.webhook import headers
from gateway.intake.roles import Right, sight_of
from gateway.intake.views import told_view
from gateway.notify.outside import NotOutside, Outside, check_url
from gateway.store.ledger import Ledger
from gateway.store.records import EventRow
from gateway.store.webhooks import WebhookTurn

log = structlog.get_logger()

WAITS_S = (5.0, 30.0, 120.0, 600.0, 1800.0, 7200.0, 21600.0)
WITHIN_S = 10.0  # an answer must come
LEASE_S = 60.0
_BATCH = 100
_GONE = 410


class Teller:
    """
    Tells subscribers what happened, as their turns come.

    Args:
        named: hosts that may be inside and without TLS.
        waits_s: between attempts; after the last the subscriber is suspended.
        jitter: a factor around 1 for each wait.
    """

    def __init__(
        self,
        ledger: Ledger,
        clock: Clock,
        *,
        named: Collection[str] = (),
        waits_s: Sequence[float] = WAITS_S,
        jitter: Callable[[], float] = lambda: random.uniform(0.8, 1.2),  # noqa: S311  (spreads load)
    ) -> None:
        self._ledger = ledger
        self._clock = clock
        self._named = named
        self._waits_s = waits_s
        self._jitter = jitter
        self._session: aiohttp.ClientSession | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Teller:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(resolver=Outside(self._named), use_dns_cache=False),
            timeout=aiohttp.ClientTimeout(total=WITHIN_S),
            headers={"User-Agent": "eco-gateway"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def look(self) -> None:
        """Begin the turns that are due; those under way go on by themselves."""
        for turn in await self._ledger.claim_webhooks(lease_s=LEASE_S):
            task = asyncio.create_task(self.serve(turn), name=f"webhook {turn.name}")
            self._running.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("webhook_turn_broke", task=task.get_name(), exc_info=error)

    async def serve(self, turn: WebhookTurn) -> None:
        """Tell one subscriber all there is for it, or until it does not take something."""
        sees = Caller(subject=turn.name, roles=frozenset({Role(turn.role)}), organisation=turn.organisation)
        sight = sight_of(sees, Right.EVENTS)
        position, failures = turn.position, turn.failures
        while True:
            rows, looked_to = await self._ledger.webhook_events(position, sight=sight, limit=_BATCH)
            for row, place in rows:
                try:
                    await self._tell(turn, row)
                except (aiohttp.ClientError, OSError) as error:
                    await self._failed(turn, error, failures)
                    return
                failures = 0
                if not await self._ledger.told_webhook(turn, place, lease_s=LEASE_S, at=self._clock()):
                    return
            position = looked_to
            if len(rows) < _BATCH:
                await self._ledger.rest_webhook(turn, position)
                return

    async def _tell(self, turn: WebhookTurn, row: EventRow) -> None:
        """
        Tell one event; a repeat has the same id.

        Raises:
            aiohttp.ClientError, OSError: the subscriber did not take it.
        """
        assert self._session is not None
        check_url(turn.url, self._named)
        now = self._clock()
        body = json.dumps(told_view(row), ensure_ascii=False).encode()
        secrets = [turn.secret]
        if turn.former_secret is not None and turn.former_until is not None and now < turn.former_until:
            secrets.append(turn.former_secret)
        signed = headers(secrets, row.cursor, int(now.timestamp()), body)
        async with self._session.post(
            turn.url, data=body, headers={"Content-Type": "application/json", **signed}, allow_redirects=False
        ) as answer:
            if not 200 <= answer.status < 300:
                raise NotTaken(answer.status)

    async def _failed(self, turn: WebhookTurn, error: Exception, failures: int) -> None:
        final = (isinstance(error, NotTaken) and error.status == _GONE) or is_inside(error)
        wait_s = None
        if not final and failures < len(self._waits_s):
            wait_s = self._waits_s[failures] * self._jitter()
        cause = f"{Fault.CANNOT_CONNECT if wait_s is not None else Fault.PATIENCE_USED_UP}: {_words(error)}"
        await self._ledger.fail_webhook(turn, cause=cause, wait_s=wait_s)
        log.warning("webhook_failed", webhook=turn.name, cause=cause, suspended=wait_s is None)


class NotTaken(aiohttp.ClientError):
    """The subscriber answered, and not that it took the event."""

    def __init__(self, status: int) -> None:
        super().__init__(f"it answered {status}")
        self.status = status


def is_inside(error: Exception) -> bool:
    """Whether the address must not be called at all."""
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    return isinstance(cause, NotOutside)


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {WITHIN_S:g} s"
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    return str(cause) or type(cause).__name__
