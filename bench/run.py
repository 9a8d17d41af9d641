"""
One measured run: certificates go in over the national API, a fixed number in flight, until all are answered.

A certificate is in flight from the first byte of its submission until the answer that counts is stored in the
sender's database. Then every 202 is held against what both gateways show.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext

from bench.auditing import (
    Reader,
    RunFailed,
    faults_of_answers,
    faults_of_arrival,
    faults_of_delivery,
    newest_certificates,
)
from bench.certificates import Submission
from bench.client import Connection
from bench.database import Server
from bench.figures import Cpu, Measured, Scenario, quantile_ms
from bench.gateways import Neighbourhood
from bench.processes import busy_s, cpu_s, own_cpu_s, rss_mb
from bench.together import together
from bench.watching import Watch

_LOOK_AT_MEMORY_EVERY_S = 0.25


class Bench:
    """Runs one scenario on gateways that stay up, again and again."""

    def __init__(self, scenario: Scenario, gateways: Neighbourhood, server: Server) -> None:
        self._scenario = scenario
        self._gateways = gateways
        self._server = server
        self._arrived = Reader()
        self._answers = Reader()

    async def run(
        self,
        submissions: Sequence[Submission],
        meanwhile: AbstractAsyncContextManager[object] | None = None,
    ) -> Measured:
        """
        Hand in *submissions*, wait for their answers, check that none was lost or doubled.

        Args:
            meanwhile: entered for as long as certificates are under way, and not for the check.

        Raises:
            RunFailed: one was refused, lost or doubled.
        """
        async with AsyncExitStack() as stack:
            load = await self._load(stack)
            meters = _Meters(self._gateways, self._server, load.watch)
            async with meanwhile or nullcontext():
                before = meters.read()
                await load.carry(submissions)
                measured = _measured(load, before, meters.read())
        await self._audit(load)
        return measured

    async def _load(self, stack: AsyncExitStack) -> _Load:
        sender = self._gateways.sender
        watch = await stack.enter_async_context(Watch(sender.database, answered=self._scenario.answered))
        connections = [
            await stack.enter_async_context(sender.connection()) for _ in range(self._scenario.in_flight)
        ]
        return _Load(connections, watch, sender.pid)

    async def _audit(self, load: _Load) -> None:
        answered = self._scenario.answered
        async with self._gateways.receiver.connection() as connection:
            arrived = await self._arrived.at_least(connection, len(load.taken))
        async with self._gateways.sender.connection() as connection:
            answers = await self._answers.at_least(connection, len(load.taken) if answered else 0)
            sent = await newest_certificates(connection, len(load.taken))
        faults = (
            faults_of_arrival(load.taken, arrived)
            + faults_of_delivery(load.taken, sent, answered=answered)
            + faults_of_answers(load.taken, answers, answered=answered)
        )
        if faults:
            raise RunFailed("; ".join(faults))


class _Load:
    """The national system under load."""

    def __init__(self, connections: Sequence[Connection], watch: Watch, sender: int) -> None:
        self.watch = watch
        self.taken: dict[str, str] = {}  # certificate number -> message id
        self.latencies: list[float] = []
        self.seconds = 0.0
        self.rss_mb = rss_mb(sender)
        self._connections = connections
        self._sender = sender

    async def carry(self, submissions: Sequence[Submission]) -> None:
        """Carry all of them through, as many at once as there are connections."""
        began = time.monotonic()
        left = iter(submissions)
        await together(
            (self._some(connection, left) for connection in self._connections),
            beside=(self.watch.look(), self._watch_memory()),
        )
        self.seconds = time.monotonic() - began

    async def _some(self, connection: Connection, left: Iterator[Submission]) -> None:
        for submission in left:
            began = time.monotonic()
            status, answer = await connection.post("/api/v1/certificates", submission.content)
            if status != 202:
                raise RunFailed(f"{submission.number} was answered with {status}: {answer}")
            self.taken[submission.number] = answer["message_id"]
            self.latencies.append(await self.watch.stored(answer["message_id"]) - began)

    async def _watch_memory(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_AT_MEMORY_EVERY_S)
            self.rss_mb = max(self.rss_mb, rss_mb(self._sender))


class _Meters:
    """CPU time used so far, seconds: sender, receiver, server, this benchmark, the whole machine."""

    def __init__(self, gateways: Neighbourhood, server: Server, watch: Watch) -> None:
        self._gateways = gateways
        self._server = server
        self._watch = watch

    def read(self) -> tuple[float, float, float, float, float, float]:
        watching = self._watch.cpu_s()
        return (
            cpu_s(self._gateways.sender.pid),
            cpu_s(self._gateways.receiver.pid),
            self._server.cpu_s() - watching,
            own_cpu_s(os.getpid()) + watching,
            busy_s(),
            time.monotonic(),
        )


def _measured(load: _Load, before: tuple[float, ...], after: tuple[float, ...]) -> Measured:
    count = len(load.taken)
    sender, receiver, server, bench, busy, seconds = (
        end - begin for begin, end in zip(before, after, strict=True)
    )
    others = busy - sender - receiver - server - bench
    return Measured(
        certificates_per_second=count / load.seconds,
        p50_ms=quantile_ms(load.latencies, 0.5),
        p99_ms=quantile_ms(load.latencies, 0.99),
        cpu_ms=Cpu(
            sender=1000 * sender / count, receiver=1000 * receiver / count, postgresql=1000 * server / count
        ),
        rss_mb=load.rss_mb,
        others_share=max(0.0, others / (seconds * (os.cpu_count() or 1))),
    )
