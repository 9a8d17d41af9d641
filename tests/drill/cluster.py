"""Two PostgreSQL servers under Patroni, one etcd, one HAProxy: the cluster, and ways to hurt it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import psutil

from gateway.demo.country import HOST, free_addresses
from gateway.store.postmaster import stop_orphan
from tests.drill.programs import ACCOUNT, Programs
from tests.drill.settings import SCOPE, USER, Place, balancer, is_whole, member, shared

WHOLE_WITHIN_S = 90.0
LOOK_EVERY_S = 0.1

_WAIT_FOR_STANDBY = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


class ClusterFailed(Exception):
    """The cluster did not come up, or did not become whole again."""


class Cluster:
    """
    The cluster while it runs; made by ``cluster``.

    Args:
        synchronous: whether a commit waits for the standby.
    """

    def __init__(self, work: Path, programs: Programs, session: aiohttp.ClientSession, synchronous: bool):
        ports = free_addresses(["one", "two", "doors"])
        self._work = work
        self._programs = programs
        self._session = session
        self._synchronous = synchronous
        self._etcd, self._door = ports["doors"].api, ports["doors"].exchange
        self._places = [
            Place(name, work / name, ports[name].api, ports[name].exchange) for name in ("one", "two")
        ]
        self._running: dict[str, asyncio.subprocess.Process] = {}

    def url(self, database: str) -> str:
        """Of a database, wherever the primary is."""
        return f"postgresql://{USER}@{HOST}:{self._door}/{database}"

    async def start(self) -> None:
        """
        Start everything; a standby streams and is waited for when this returns.

        Raises:
            ClusterFailed: it did not come up.
        """
        await self._start_etcd()
        for place in self._places:
            self._folder(place.folder)
            settings = member(place, etcd=self._etcd, binaries=self._programs.postgres.parent)
            (place.folder / "patroni.json").write_text(settings, "utf-8")
            await self._start_member(place)
        (self._work / "haproxy.cfg").write_text(balancer(self._door, self._places), "utf-8")
        await self._run("haproxy", str(self._programs.haproxy), "-db", "-f", str(self._work / "haproxy.cfg"))
        await self.until_whole()

    async def until_whole(self) -> Place:
        """
        Wait until there is a primary with a standby that streams, and is waited for if it shall be.

        Returns:
            the primary.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WHOLE_WITHIN_S):
                while True:
                    for place in self._places:
                        said = await self._said_by(place, "/primary")
                        if said is not None and is_whole(said, synchronous=self._synchronous):
                            return place
                    await asyncio.sleep(LOOK_EVERY_S)
        raise ClusterFailed(f"the cluster was not whole within {WHOLE_WITHIN_S:.0f} s; {self._tails()}")

    async def create(self, *databases: str) -> None:
        """Create databases on the primary, through the door that the gateways use."""
        async with asyncio.timeout(WHOLE_WITHIN_S):
            connection = await self._connected()
        try:
            for database in databases:
                await connection.execute(f'CREATE DATABASE "{database}"')
        finally:
            await connection.close()

    async def stall(self, primary: Place) -> None:
        """The primary still answers, but nothing of what it writes leaves it any more."""
        for process in self._server(primary).children():
            if any("walsender" in word for word in process.cmdline()):
                process.send_signal(signal.SIGSTOP)

    async def waiting_for_standby(self, primary: Place) -> int:
        """How many commits wait for the standby on this server now."""
        connection = await asyncpg.connect(host=HOST, port=primary.server, user=USER, database=USER)
        try:
            return int(await connection.fetchval(_WAIT_FOR_STANDBY))
        finally:
            await connection.close()

    async def kill(self, victim: Place) -> None:
        """The machine is gone: Patroni, postmaster and backends end by SIGKILL, in one go."""
        server = self._server(victim)
        patroni = psutil.Process(self._running[victim.name].pid)
        gone = [patroni, *patroni.children(recursive=True), server, *server.children(recursive=True)]
        for process in gone:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        await self._running.pop(victim.name).wait()

    async def mend(self, place: Place) -> None:
        """Start a member that was killed, and wait until the cluster is whole again."""
        await self._start_member(place)
        await self.until_whole()

    async def stop(self) -> None:
        """End every process of the cluster, the standby's first."""
        for name in [*(place.name for place in self._places), "haproxy", "etcd"]:
            if (process := self._running.pop(name, None)) is not None:
                process.kill()
                await process.wait()
        for place in self._places:  # a postmaster outlives its Patroni
            await asyncio.to_thread(stop_orphan, place.data)

    # ---- processes ---------------------------------------------------------------------------------------

    async def _start_etcd(self) -> None:
        folder, peer = self._work / "etcd", free_addresses(["peer"])["peer"].api
        self._folder(folder)
        ours, others = f"http://{HOST}:{self._etcd}", f"http://{HOST}:{peer}"
        await self._run(
            *("etcd", str(self._programs.etcd), "--name=etcd", f"--data-dir={folder}/data"),
            *(f"--listen-client-urls={ours}", f"--advertise-client-urls={ours}"),
            *(f"--listen-peer-urls={others}", f"--initial-advertise-peer-urls={others}"),
            *(f"--initial-cluster=etcd={others}", "--unsafe-no-fsync", "--log-level=error"),
        )
        key, value = f"/service/{SCOPE}/config", json.dumps(shared(synchronous=self._synchronous))
        entry = {"key": _base64(key), "value": _base64(value)}
        async with asyncio.timeout(WHOLE_WITHIN_S):
            while True:  # in place before a member starts, or its first rounds take ten seconds each
                with contextlib.suppress(aiohttp.ClientError):
                    async with self._session.post(f"{ours}/v3/kv/put", json=entry) as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(LOOK_EVERY_S)

    async def _start_member(self, place: Place) -> None:
        await self._run(place.name, str(self._programs.patroni), str(place.folder / "patroni.json"))

    async def _run(self, name: str, *command: str) -> None:
        with (self._work / f"{name}.log").open("ab") as log:
            self._running[name] = await asyncio.create_subprocess_exec(
                *self._programs.unprivileged(*command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _server(self, place: Place) -> psutil.Process:
        return psutil.Process(int((place.data / "postmaster.pid").read_text().split("\n")[0]))

    async def _said_by(self, place: Place, path: str) -> dict[str, Any] | None:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError):
            async with self._session.get(
                f"{place.url}{path}", timeout=aiohttp.ClientTimeout(total=2)
            ) as answer:
                if answer.status == 200:
                    said: dict[str, Any] = await answer.json(content_type=None)
                    return said
        return None

    async def _connected(self) -> asyncpg.Connection:
        while True:
            with contextlib.suppress(OSError, asyncpg.PostgresError):
                return await asyncpg.connect(self.url(USER))
            await asyncio.sleep(LOOK_EVERY_S)

    def _folder(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        if self._programs.root:
            shutil.chown(folder, ACCOUNT, ACCOUNT)

    def _tails(self) -> str:
        logs = sorted(self._work.glob("*.log"))
        return "\n".join(f"{log.name}: {log.read_text('utf-8', 'replace')[-600:]}" for log in logs)


@asynccontextmanager
async def cluster(work: Path, programs: Programs, *, synchronous: bool = True) -> AsyncIterator[Cluster]:
    """
    A whole cluster for as long as the block lasts.

    Raises:
        ClusterFailed: it did not come up.
    """
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        made = Cluster(work, programs, session, synchronous)
        stack.push_async_callback(made.stop)
        await made.start()
        yield made


def left_behind(work: Path) -> list[str]:
    """The processes that still work in *work*; none after a drill."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            command = " ".join(process.cmdline())
            if process.status() != psutil.STATUS_ZOMBIE and (
                str(work) in command or str(work) in process.cwd()
            ):
                found.append(f"{process.pid} {command}")
    return found


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
