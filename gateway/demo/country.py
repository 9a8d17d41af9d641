"""One country's side of the demonstration: its keys, its registry, its gateway process."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp

from gateway.demo.provider import DevelopmentProvider
from gateway.domain.caller import Role
from gateway.domain.clock import real_clock
from gateway.domain.ids import PartyId
from gateway.intake.issuer import mint
from gateway.trust.make import (
    Kind,
    issue_sign,
    issue_tls,
    make_anchor,
    make_key,
    write_certificate,
    write_key,
)

HOST = "127.0.0.1"
DAY_S = 86_400
WAITS_S = [0.5, 0.5, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 5.0, 5.0, 10.0, 10.0, 20.0, 20.0]


@dataclass(frozen=True, slots=True)
class Address:
    """The two ports of one gateway."""

    api: int
    exchange: int

    @property
    def url(self) -> str:
        """Where the national API is."""
        return f"http://{HOST}:{self.api}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """
    Who exchanges what in one demonstration.

    Attributes:
        countries: by party id.
        forms: form ids, with version, and the countries that exchange them.
        options: further lines for every party's file, such as ``acknowledgements = false``.
        patience: the lines of every party's ``[patience]``.
        since: certificates and their windows begin the day before, at the latest the day before now.
    """

    countries: Mapping[str, str]
    forms: Mapping[str, Collection[str]]
    options: str = ""
    patience: str = f"waits_s = {WAITS_S}\nreceipt_within_s = 10\n"
    signing: Kind = Kind.RSA
    since: datetime | None = None


def free_addresses(parties: Iterable[str]) -> dict[str, Address]:
    """Two free ports for each party; held open together so that none is given out twice."""
    held = []
    found = {}
    for party in parties:
        pair = [socket.socket(), socket.socket()]
        for one in pair:
            one.bind((HOST, 0))
        held += pair
        found[party] = Address(*(one.getsockname()[1] for one in pair))
    for one in held:
        one.close()
    return found


def write_registry(
    folder: Path, keys: Path, neighbours: Neighbours, addresses: Mapping[str, Address]
) -> None:
    """Write party files, corridors and certificates into *folder*, the private keys under *keys*/PARTY."""
    for sub in ("mappings/parties", "mappings/corridors", "certs/trust"):
        (folder / sub).mkdir(parents=True)
    for party, country in neighbours.countries.items():
        _write_party(folder, keys / party, party, country, addresses[party], neighbours)
    for form, countries in neighbours.forms.items():
        _write_corridors(folder / "mappings/corridors", form, countries, neighbours.countries)


def _write_party(
    folder: Path, keys: Path, party: str, country: str, address: Address, neighbours: Neighbours
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    begin, end = min(now, neighbours.since or now) - timedelta(days=1), now + timedelta(days=30)
    stem = party.lower()
    anchor = make_anchor(f"{party} demonstration anchor", country, valid_from=begin, valid_to=end)
    sign = issue_sign(
        anchor, f"{party} seal", country, valid_from=begin, valid_to=end, private=make_key(neighbours.signing)
    )
    hosts = [HOST, "localhost"]
    tls = issue_tls(anchor, f"{party} gateway", country, hosts=hosts, valid_from=begin, valid_to=end)
    keys.mkdir(parents=True)
    write_key(keys / "sign-demo.key", sign.private)
    write_key(keys / "tls-demo.key", tls.private)
    trust = folder / "certs/trust"
    for name, issued in (("anchor", anchor), ("sign", sign), ("tls", tls)):
        write_certificate(trust / f"{stem}.{name}.pem", issued.certificate)
    window = f"from = {begin:%Y-%m-%dT%H:%M:%SZ}\nto = {end:%Y-%m-%dT%H:%M:%SZ}\n"
    lines = (
        f'id = "{party}"',
        f'name = "{party} (demonstration)"',
        f'country = "{country}"',
        f'endpoint = "https://{HOST}:{address.exchange}/exchange/v1/messages"',
        f'anchor = "{stem}.anchor.pem"',
        neighbours.options,
        f'[[sign]]\ncertificate = "{stem}.sign.pem"\n{window}',
        f'[[tls]]\ncertificate = "{stem}.tls.pem"\n{window}',
        f"[patience]\n{neighbours.patience}",
    )
    (folder / "mappings/parties" / f"{stem}.toml").write_text("\n".join(lines), "utf-8")


def _write_corridors(
    folder: Path, form: str, countries: Collection[str], country_of: Mapping[str, str]
) -> None:
    members = [party for party, country in country_of.items() if country in countries]
    for sender in members:
        for receiver in members:
            if sender != receiver:
                name = f"{sender}--{receiver}.{form.split('/')[1]}.toml".lower()
                ends = f'sender = "{sender}"\nreceiver = "{receiver}"\n'
                (folder / name).write_text(f'{ends}accepts = "{form}"\ndelivers = "{form}"\n', "utf-8")


class Country:
    """
    A gateway process with its keys.

    Args:
        database: a PostgreSQL URL; None for an embedded database of its own.
    """

    def __init__(
        self,
        party: str,
        address: Address,
        *,
        registry: Path,
        keys: Path,
        data: Path,
        database: str | None = None,
        provider: DevelopmentProvider | None = None,
    ) -> None:
        self.party = party
        self.address = address
        self._registry = registry
        self._keys = keys
        self._data = data
        self._database = database
        self._provider = provider
        self._log = data.with_suffix(".log")
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """
        Start the process and wait until it is ready.

        Raises:
            RuntimeError: it ended, or was not ready within 120 s; the text holds the end of its log.
        """
        self._data.mkdir(exist_ok=True)
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("ECO_GATEWAY_")
        }
        environment |= {
            "ECO_GATEWAY_HOME": self.party,
            "ECO_GATEWAY_DATABASE": self._database or "",
            "ECO_GATEWAY_DATA": str(self._data),
            "ECO_GATEWAY_KEYS": str(self._keys),
            "ECO_GATEWAY_REGISTRY": str(self._registry),
            "ECO_GATEWAY_LISTEN": f"{HOST}:{self.address.api}",
            "ECO_GATEWAY_EXCHANGE_LISTEN": f"{HOST}:{self.address.exchange}",
        }
        if self._provider is not None:
            environment["ECO_GATEWAY_ISSUER"] = self._provider.url
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway", "serve", env=environment, stdout=log, stderr=log
            )
        await self._until_ready()

    async def kill(self) -> None:
        """End the process at once, as a power cut would; its database is left as it is."""
        assert self._process is not None
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """End the process: politely, then not."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), 25)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def token(self, *roles: Role) -> str:
        """A bearer token of the identity provider, or of the gateway's development issuer; good for a day."""
        if self._provider is not None:
            return self._provider.token(self.party, roles, DAY_S)
        return mint(self._data, PartyId(self.party), roles, None, DAY_S, real_clock)

    async def _until_ready(self) -> None:
        assert self._process is not None
        deadline = asyncio.get_running_loop().time() + 120
        async with aiohttp.ClientSession() as session:
            while asyncio.get_running_loop().time() < deadline:
                if self._process.returncode is not None:
                    raise RuntimeError(f"{self.party} ended with {self._process.returncode}:\n{self._tail()}")
                with suppress(aiohttp.ClientError, OSError):
                    async with session.get(f"{self.address.url}/health/ready") as answer:
                        if answer.status == 200:
                            return
                await asyncio.sleep(0.1)
        raise RuntimeError(f"{self.party} was not ready within 120 s:\n{self._tail()}")

    def _tail(self) -> str:
        return "\n".join(self._log.read_text("utf-8", "replace").splitlines()[-15:])


def remove(folder: Path) -> None:
    """Remove the demonstration's folder with everything in it."""
    shutil.rmtree(folder, ignore_errors=True)
