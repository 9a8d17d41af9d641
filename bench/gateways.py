"""Two real gateway processes that exchange certificates, on two databases of one server."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.certificates import EXPORTING, FORM_ID, IMPORTING, make_room
from bench.client import Connection
from bench.database import Server
from bench.together import BenchmarkFailed, together
from gateway.demo.country import HOST, Address, Neighbours, free_addresses, write_registry
from gateway.domain.caller import Role
from gateway.domain.clock import real_clock
from gateway.domain.ids import PartyId
from gateway.intake.issuer import mint
from gateway.trust.make import Kind

SENDER, RECEIVER = "VN.MOIT", "TH.CUSTOMS"
READY_WITHIN_S = 60.0
STOP_WITHIN_S = 30.0
_DAY_S = 86_400

Prepare = Callable[[str, str], Awaitable[None]]


class GatewayDown(BenchmarkFailed):
    """A gateway did not start; the text holds the end of its log."""


class Gateway:
    """
    One gateway process with its default settings, on a database that was given to it.

    Attributes:
        database: its URL.
    """

    def __init__(self, party: str, address: Address, folder: Path, database: str) -> None:
        self.party = party
        self.database = database
        self._address = address
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._token = ""

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> Path:
        """What it says on standard output and standard error."""
        return self._folder / f"{self.party}.log"

    def connection(self) -> Connection:
        """A connection to its national API, as issuing authority and customs in one."""
        return Connection(HOST, self._address.api, self._token)

    @property
    def url(self) -> str:
        """Of its national port."""
        return f"http://{HOST}:{self._address.api}"

    def token(self, *roles: Role) -> str:
        """A bearer token of its development issuer."""
        data = self._folder / self.party
        return mint(data, PartyId(self.party), roles, None, _DAY_S, real_clock)

    async def start(self) -> None:
        """
        Start the process and wait until it is ready; one that was stopped goes on where it was.

        Raises:
            GatewayDown: it ended, or was not ready in time.
        """
        data = self._folder / self.party
        data.mkdir(exist_ok=True)
        self._token = self.token(Role.ISSUER, Role.CUSTOMS)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway", "serve", env=self._environment(data), stdout=log, stderr=log
            )
        until = asyncio.get_running_loop().time() + READY_WITHIN_S
        while not await self._is_ready():
            if asyncio.get_running_loop().time() > until:
                raise GatewayDown(f"{self.party} was not ready in time:\n{self.last_words()}")
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """End the process: politely, then not."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_WITHIN_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def last_words(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-15:])

    def _environment(self, data: Path) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ECO_GATEWAY_")}
        return kept | {
            "ECO_GATEWAY_HOME": self.party,
            "ECO_GATEWAY_DATABASE": self.database,
            "ECO_GATEWAY_DATA": str(data),
            "ECO_GATEWAY_KEYS": str(self._folder / "keys" / self.party),
            "ECO_GATEWAY_REGISTRY": str(self._folder / "registry"),
            "ECO_GATEWAY_LISTEN": f"{HOST}:{self._address.api}",
            "ECO_GATEWAY_EXCHANGE_LISTEN": f"{HOST}:{self._address.exchange}",
        }

    async def _is_ready(self) -> bool:
        assert self._process is not None
        if self._process.returncode is not None:
            raise GatewayDown(f"{self.party} ended with {self._process.returncode}:\n{self.last_words()}")
        try:
            async with self.connection() as connection:
                return (await connection.get("/health/ready"))[0] == 200
        except (OSError, asyncio.IncompleteReadError):
            return False


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Who sends, and who receives."""

    sender: Gateway
    receiver: Gateway


@asynccontextmanager
async def neighbourhood(
    folder: Path,
    server: Server,
    *,
    name: str,
    acknowledgements: bool = False,
    signing: Kind = Kind.RSA,
    prepared: Prepare | None = None,
) -> AsyncIterator[Neighbourhood]:
    """
    Make keys, registry and databases, start both gateways, stop them on leaving.

    Args:
        folder: where everything goes.
        name: begins the names of the databases.
        acknowledgements: whether the receiver's gateway sends messages that acknowledge.
        signing: with what keys both seal.
        prepared: awaited for each empty database, with the party whose it is, before its gateway starts.
    """
    neighbours = Neighbours(
        countries={SENDER: EXPORTING, RECEIVER: IMPORTING},
        forms={FORM_ID: {EXPORTING, IMPORTING}},
        options=f"acknowledgements = {str(acknowledgements).lower()}",
        signing=signing,
    )
    addresses = free_addresses(neighbours.countries)
    write_registry(folder / "registry", folder / "keys", neighbours, addresses)
    make_room(folder / "registry")
    async with AsyncExitStack() as stack:
        pair = []
        for side, party in (("sender", SENDER), ("receiver", RECEIVER)):
            database = await server.create(f"{name}_{side}")
            if prepared is not None:
                await prepared(database, party)
            gateway = Gateway(party, addresses[party], folder, database)
            stack.push_async_callback(gateway.stop)
            pair.append(gateway)
        await together(gateway.start() for gateway in pair)
        yield Neighbourhood(*pair)
