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
from bench.certificates import EXPORTING, IMPORTING, Submission
from bench.client import Connection
from bench.database import Server
from bench.figures import Cpu, Measured, Scenario, quantile_ms
from bench.gateways import Gateway, Neighbourhood
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
        self._inboxes = {IMPORTING: Reader(), EXPORTING: Reader()}

    async def run(
        self,
        submissions: Sequence[Submission],
        meanwhile: AbstractAsyncContextManager[object] | None = None,
    ) -> Measured:
        """
        Hand in *submissions*, wait for their answers, check that none was lost or doubled.

        Args:
            submissions: handed in at the gateway of the country that exports them.
            meanwhile: entered for as long as certificates are under way, and not for the check.

        Raises:
            RunFailed: one was refused, lost or doubled.
        """
        there = [each for each in submissions if each.importing == IMPORTING]
        back = [each for each in submissions if each.importing == EXPORTING]
        ways = (self._gateways.sender, there), (self._gateways.receiver, back)
        async with AsyncExitStack() as stack:
            loads = [(await self._load(stack, gateway), ours) for gateway, ours in ways if ours]
            meters = Meters(self._gateways, self._server, [load.watch for load, _ in loads])
            async with meanwhile or nullcontext():
                before = meters.read()
                await together(load.carry(ours) for load, ours in loads)
                measured = measured_between(before, meters.read(), [load for load, _ in loads])
        await self._audit(*(load.taken for load, _ in loads))
        return measured

    async def catch_up(self) -> None:
        """Read all that lies in the inboxes already; it is none of the runs' business."""
        for gateway, country in ((self._gateways.receiver, IMPORTING), (self._gateways.sender, EXPORTING)):
            async with gateway.connection() as connection:
                await self._inboxes[country].rest(connection)

    async def _load(self, stack: AsyncExitStack, sender: Gateway) -> Load:
        in_flight = self._scenario.in_flight // (2 if self._scenario.both_ways else 1)
        watch = await stack.enter_async_context(Watch(sender.database, answered=self._scenario.answered))
        connections = [await stack.enter_async_context(sender.connection()) for _ in range(in_flight)]
        return Load(connections, watch, sender.pid)

    async def _audit(self, there: dict[str, str], back: dict[str, str] | None = None) -> None:
        answered = self._scenario.answered
        async with self._gateways.receiver.connection() as connection:
            arrived = await self._inboxes[IMPORTING].at_least(connection, len(there))
            sent_back = await newest_certificates(connection, len(back or ()))
        async with self._gateways.sender.connection() as connection:
            awaited = len(there) if answered else len(back or ())
            answers = await self._inboxes[EXPORTING].at_least(connection, awaited)
            sent = await newest_certificates(connection, len(there))
        faults = faults_of_arrival(there, arrived) + faults_of_delivery(there, sent, answered=answered)
        if back is None:
            faults += faults_of_answers(there, answers, answered=answered)
        else:
            faults += faults_of_arrival(back, answers) + faults_of_delivery(
                back, sent_back, answered=answered
            )
        if faults:
            raise RunFailed("; ".join(faults))


class Load:
    """A national system under load."""

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

    async def hand_in(self, submissions: Sequence[Submission]) -> None:
        """Hand all of them in, and wait for no answer but the 202."""
        left = iter(submissions)
        await together(self._hand_in_some(connection, left) for connection in self._connections)

    async def _some(self, connection: Connection, left: Iterator[Submission]) -> None:
        for submission in left:
            began = time.monotonic()
            message_id = await self._hand_in(connection, submission)
            self.latencies.append(await self.watch.stored(message_id) - began)

    async def _hand_in_some(self, connection: Connection, left: Iterator[Submission]) -> None:
        for submission in left:
            await self._hand_in(connection, submission)

    async def _hand_in(self, connection: Connection, submission: Submission) -> str:
        status, answer = await connection.post("/api/v1/certificates", submission.content)
        if status != 202:
            raise RunFailed(f"{submission.number} was answered with {status}: {answer}")
        message_id: str = answer["message_id"]
        self.taken[submission.number] = message_id
        return message_id

    async def _watch_memory(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_AT_MEMORY_EVERY_S)
            self.rss_mb = max(self.rss_mb, rss_mb(self._sender))


class Meters:
    """CPU time used so far, seconds: sender, receiver, server, this benchmark, the whole machine."""

    def __init__(self, gateways: Neighbourhood, server: Server, watches: Sequence[Watch]) -> None:
        self._gateways = gateways
        self._server = server
        self._watches = watches

    def read(self) -> tuple[float, float, float, float, float, float]:
        watching = sum(watch.cpu_s() for watch in self._watches)
        return (
            cpu_s(self._gateways.sender.pid),
            cpu_s(self._gateways.receiver.pid),
            self._server.cpu_s() - watching,
            own_cpu_s(os.getpid()) + watching,
            busy_s(),
            time.monotonic(),
        )


def measured_between(before: tuple[float, ...], after: tuple[float, ...], loads: Sequence[Load]) -> Measured:
    """What *loads* that ran between two readings of the meters measured."""
    latencies = [latency for load in loads for latency in load.latencies]
    count = len(latencies)
    sender, receiver, server, bench, busy, seconds = (
        end - begin for begin, end in zip(before, after, strict=True)
    )
    others = busy - sender - receiver - server - bench
    return Measured(
        certificates_per_second=count / max(load.seconds for load in loads),
        p50_ms=quantile_ms(latencies, 0.5),
        p99_ms=quantile_ms(latencies, 0.99),
        cpu_ms=Cpu(
            sender=1000 * sender / count, receiver=1000 * receiver / count, postgresql=1000 * server / count
        ),
        rss_mb=max(load.rss_mb for load in loads),
        others_share=max(0.0, others / (seconds * (os.cpu_count() or 1))),
    )
