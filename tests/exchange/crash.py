"""
Two gateways under load, one of which is killed with SIGKILL at moments that a seed decides.

Nothing is known of the processes but what a national system can see, except for the evidence: right after a
kill the two databases are asked what the kill had met. The databases outlive the gateways and are taken over
or stopped by the next start, as after a crash in life.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import asyncpg
from yarl import URL

from gateway.demo.country import Country, Neighbours, free_addresses, write_registry
from gateway.demo.records import certificate
from gateway.domain.caller import Role

SENDER, RECEIVER = "VN.MOIT", "TH.CUSTOMS"
NEIGHBOURS = Neighbours(
    countries={SENDER: "VN", RECEIVER: "TH"},
    forms={"rcep/form-rcep/1.0": {"VN", "TH"}, "atiga/form-d/1.0": {"VN", "TH"}},
    patience="waits_s = [0.2, 0.2, 0.5, 0.5, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 5, 5, 5]\nreceipt_within_s = 5\n",
)
FORMS = ("rcep/form-rcep", "atiga/form-d")
AWAY = (aiohttp.ClientError, OSError, TimeoutError)
IN_FLIGHT = 16
SETTLED_WITHIN_S = 300.0


@dataclass
class Evidence:
    """What the kills met, and what became of the certificates."""

    kills: int = 0
    met_sending: int = 0  # kills of the sender that met a delivery in ``sending``
    met_unreceipted: int = 0  # kills of the receiver that met a message committed, its receipt not arrived
    repeats: int = 0  # answered with the first receipt
    accepted: int = 0
    faults: list[str] = field(default_factory=list)


class NationalSystem:
    """A national system that survives its gateway: it tries again, at the next node if there are several."""

    def __init__(self, session: aiohttp.ClientSession, urls: Sequence[str], token: str) -> None:
        self._session = session
        self._urls = itertools.cycle(urls)
        self._url = next(self._urls)
        self._headers = {"Authorization": f"Bearer {token}"}

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON; a gateway that is away or stopping is asked again."""
        while True:
            with suppress(*AWAY):
                async with self._session.request(
                    method,
                    URL(f"{self._url}{path}", encoded=True),
                    json=body,
                    headers=self._headers,
                    timeout=aiohttp.ClientTimeout(total=20),
                ) as answer:
                    content = await answer.json(content_type=None)
                    if answer.status not in (429, 503):
                        return answer.status, content
            self._url = next(self._urls)
            await asyncio.sleep(0.05)

    async def text(self, path: str) -> str:
        """What stands under *path*."""
        async with self._session.get(f"{self._url}{path}", headers=self._headers) as answer:
            return await answer.text()


class CustomsOffice:
    """Keeps its cursor over every crash, counts what arrives, utilises all of it."""

    def __init__(self, system: NationalSystem) -> None:
        self.seen: Counter[str] = Counter()
        self._system = system
        self._cursor = "0"

    async def run(self, closing: asyncio.Event) -> None:
        """Until closing time and an empty inbox; the next round goes on from the cursor of this one."""
        left = True
        while left or not closing.is_set():
            _, page = await self._system.call("GET", f"/api/v1/inbox?after={quote(self._cursor)}&limit=50")
            certificates = [item for item in page["items"] if item["type"] == "certificate"]
            self.seen.update(item["certificate_number"] for item in certificates)
            await asyncio.gather(*(self._utilise(item) for item in certificates))
            self._cursor = page["next"]
            left = bool(page["items"])
            if not left:
                await asyncio.sleep(0.05)

    async def _utilise(self, item: dict[str, Any]) -> None:
        path = f"/api/v1/inbox/{quote(item['message_id'], safe='')}/customs-response"
        declaration = f"D-{item['certificate_number']}"
        outcomes = [{"no": no, "outcome": "utilised", "declaration": declaration} for no in (1, 2)]
        status, answer = await self._system.call("POST", path, {"items": outcomes})
        assert status == 202, answer


class Crash:
    """
    The two gateways, and one that kills.

    Args:
        databases: by party, where it keeps its ledger; who is missing has an embedded one of its own.
    """

    def __init__(self, work: Path, seed: int, *, databases: Mapping[str, str] | None = None) -> None:
        self._work = work
        self._databases = databases or {}
        self._random = random.Random(seed)
        self._evidence = Evidence()
        addresses = free_addresses(NEIGHBOURS.countries)
        write_registry(work / "registry", work / "keys", NEIGHBOURS, addresses)
        self._countries = {
            party: Country(
                party,
                addresses[party],
                registry=work / "registry",
                keys=work / "keys" / party,
                data=work / party[:2].lower(),
                database=self._databases.get(party),
            )
            for party in NEIGHBOURS.countries
        }

    async def run(self, rounds: int, certificates: int) -> Evidence:
        """So many rounds of so many certificates each, with kills of either side in every round."""
        try:
            await asyncio.gather(*(country.start() for country in self._countries.values()))
            async with aiohttp.ClientSession() as session:
                receiver = self._system(session, RECEIVER, Role.CUSTOMS, Role.OPERATOR)
                office = CustomsOffice(receiver)
                for number in range(rounds):
                    await self._round(session, office, number, certificates)
        finally:
            await asyncio.gather(*(country.stop() for country in self._countries.values()))
        return self._evidence

    async def _round(
        self, session: aiohttp.ClientSession, office: CustomsOffice, number: int, count: int
    ) -> None:
        sender = self._system(session, SENDER, Role.ISSUER)
        receiver = self._system(session, RECEIVER, Role.CUSTOMS, Role.OPERATOR)
        office.seen.clear()
        closing = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(office.run(closing))
            killing = tasks.create_task(self._kill_either(receiver))
            accepted = await self._submit(sender, _records(number * count, count))
            await killing
            await self._until_settled(sender, len(accepted) + self._evidence.accepted)
            closing.set()
        self._evidence.accepted += len(accepted)
        self._evidence.repeats += await _repeats(receiver)
        self._compare_numbers(list(accepted.values()), office.seen)
        await self._compare_timelines(sender, receiver, accepted)

    async def _kill_either(self, receiver: NationalSystem) -> None:
        """Kills of either side, in an order and at moments that the seed decides."""
        victims = [SENDER] + [RECEIVER] * 2
        self._random.shuffle(victims)
        for victim in victims:
            await asyncio.sleep(self._random.uniform(0.4, 1.2))
            if victim == RECEIVER:
                self._evidence.repeats += await _repeats(receiver)
            await self._countries[victim].kill()
            self._evidence.kills += 1
            await self._look(victim)
            await self._countries[victim].start()

    async def _look(self, victim: str) -> None:
        """What the kill had met, told by the databases."""
        if victim == SENDER:
            sending = await self._ask(SENDER, "SELECT count(*) FROM delivery WHERE status = 'sending'")
            self._evidence.met_sending += sending[0][0] > 0
            return
        taken = "SELECT message_id FROM message WHERE direction = 'in' AND type = 'certificate'"
        kept = {row[0] for row in await self._ask(RECEIVER, taken)}
        await asyncio.sleep(0.3)  # for the sender to write down the receipts that did arrive
        receipted = "SELECT message_id FROM message JOIN receipt USING (message_no)"
        told = {row[0] for row in await self._ask(SENDER, receipted)}
        self._evidence.met_unreceipted += bool(kept - told)

    async def _submit(self, sender: NationalSystem, records: Iterator[dict[str, Any]]) -> dict[int, str]:
        """By place, the numbers that were answered 202, or 200 where the first answer was lost in a crash."""
        accepted: dict[int, str] = {}
        waiting = enumerate(records)

        async def lane() -> None:
            for place, record in waiting:
                status, answer = await sender.call("POST", "/api/v1/certificates", record)
                if status in (200, 202):
                    accepted[place] = answer["certificate_number"]
                else:
                    self._evidence.faults.append(f"a submission was answered {status}: {answer}")
                await self._answered()

        await asyncio.gather(*(lane() for _ in range(IN_FLIGHT)))
        return accepted

    async def _answered(self) -> None:
        """A submission was answered; the next waits for this."""

    async def _ask(self, party: str, query: str, *arguments: object) -> Sequence[asyncpg.Record]:
        if (database := self._databases.get(party)) is not None:
            connection = await asyncpg.connect(database)
        else:
            sockets = self._work / party[:2].lower() / "postgresql"
            connection = await asyncpg.connect(
                host=str(sockets), port=5432, user="gateway", database="postgres"
            )
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    def _system(self, session: aiohttp.ClientSession, party: str, *roles: Role) -> NationalSystem:
        urls = [country.address.url for country in self._nodes(party)]
        return NationalSystem(session, urls, self._countries[party].token(*roles))

    def _nodes(self, party: str) -> list[Country]:
        return [self._countries[party]]

    async def _until_settled(self, sender: NationalSystem, expected: int) -> None:
        """Until every certificate stands as utilised at its sender, or patience ends."""
        deadline = asyncio.get_running_loop().time() + SETTLED_WITHIN_S
        while asyncio.get_running_loop().time() < deadline:
            if len(await _search(sender, "status=utilised&direction=out")) >= expected:
                return
            await asyncio.sleep(1)
        self._evidence.faults.append(f"not all of {expected} certificates were utilised in time")

    def _compare_numbers(self, accepted: Sequence[str], seen: Counter[str]) -> None:
        for number in accepted:
            if seen[number] != 1:
                self._evidence.faults.append(f"{number} arrived {seen[number]} times")
        for number in seen.keys() - set(accepted):
            self._evidence.faults.append(f"{number} arrived, but was never answered 202")

    async def _compare_timelines(
        self, sender: NationalSystem, receiver: NationalSystem, accepted: Mapping[int, str]
    ) -> None:
        limit = asyncio.Semaphore(8)

        async def compare(place: int, number: str) -> None:
            async with limit:
                form = FORMS[place % 2].split("/")[1]
                path = f"/api/v1/certificates/VN/{form}/{quote(number, safe='')}"
                (one, ours), (other, theirs) = await asyncio.gather(
                    sender.call("GET", path), receiver.call("GET", path)
                )
                if (one, other) != (200, 200):
                    self._evidence.faults.append(f"{number}: asked for it, {ours} and {theirs}")
                else:
                    self._evidence.faults += [f"{number}: {fault}" for fault in _differences(ours, theirs)]

        await asyncio.gather(*(compare(place, number) for place, number in accepted.items()))


def _differences(ours: dict[str, Any], theirs: dict[str, Any]) -> Iterator[str]:
    """What stands in one timeline and not in the other."""
    for name, told in (("sender", ours), ("receiver", theirs)):
        for message in told["messages"]:
            if message["receipt"] is None:
                yield f"{name}: {message['type']} {message['message_id']} has no receipt"
    sent = {m["message_id"]: m for m in ours["messages"]}
    came = {m["message_id"]: m for m in theirs["messages"]}
    if sent.keys() != came.keys():
        yield f"messages differ: {sorted(sent.keys() ^ came.keys())}"
    for message_id in sent.keys() & came.keys():
        one, other = sent[message_id], came[message_id]
        if one["receipt"] and other["receipt"] and one["receipt"]["digest"] != other["receipt"]["digest"]:
            yield f"receipts of {message_id} differ"
        if (one["acknowledgement"] or {}).get("outcome") != (other["acknowledgement"] or {}).get("outcome"):
            yield f"acknowledgements of {message_id} differ"
        if one["type"] in ("certificate", "customs-response") and one["acknowledgement"] is None:
            yield f"{one['type']} {message_id} was never acknowledged"
    answers = [
        sorted(
            (c["item"], c["outcome"], c["declaration"], c["message_id"]) for c in told["customs_responses"]
        )
        for told in (ours, theirs)
    ]
    if answers[0] != answers[1] or not answers[0]:
        yield f"customs responses differ: {answers[0]} and {answers[1]}"


def _records(first: int, count: int) -> Iterator[dict[str, Any]]:
    today = datetime.now(UTC).date()
    for n in range(count):
        yield certificate(FORMS[n % 2], "VN", "TH", first + n + 1, today)


async def _search(system: NationalSystem, query: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = ""
    while True:
        _, page = await system.call("GET", f"/api/v1/certificates?{query}&limit=500{after}")
        found += page["items"]
        if page["next"] is None:
            return found
        after = f"&after={quote(page['next'])}"


async def _repeats(receiver: NationalSystem) -> int:
    """How many repeats this process has answered with the first receipt since it started."""
    for line in (await receiver.text("/metrics")).splitlines():
        if line.startswith("eco_inbound_total{") and 'outcome="repeated"' in line:
            return int(float(line.rpartition(" ")[2]))
    return 0


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder with a path short enough for a socket, which the server's account can reach."""
    folder = Path(tempfile.mkdtemp(prefix="eco-crash-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
