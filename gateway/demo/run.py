"""The main job, from nothing: four countries, their keys, their gateways, and certificates both ways."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.live import Live
from rich.table import Table

from gateway.demo.country import HOST, Address, Country, Neighbours, free_addresses, remove, write_registry
from gateway.demo.plan import LATE, PARTIES, Consignment, Fate, consignments
from gateway.demo.provider import DevelopmentProvider
from gateway.demo.robot import Api, Robot
from gateway.domain.caller import Role

PATIENCE_S = 90
LATE_BY_S = 3.0
NEIGHBOURS = Neighbours(
    countries=PARTIES,
    forms={
        "rcep/form-rcep/1.0": {"VN", "TH", "MY"},
        "atiga/form-d/1.0": {"VN", "TH", "MY"},
        "aifta/form-ai/1.0": {"VN", "IN"},
    },
)


@dataclass(slots=True)
class Progress:
    """How far one certificate has come, as its own issuing authority sees it."""

    consignment: Consignment
    submitted: int | None = None  # HTTP status
    codes: tuple[str, ...] = ()
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def is_done(self) -> bool:
        """Whether it has reached the state it should."""
        fate = self.consignment.fate
        if fate is Fate.OUTSIDE:
            return self.submitted == 422 and "C01" in self.codes
        return (
            self.state.get("delivery") == "delivered"
            and self.state.get("acknowledgement") == fate.value.acknowledgement
            and self.state.get("customs_response") == fate.value.customs_response
        )


class Demonstration:
    """One run; ``work`` is a folder of its own that holds everything it writes."""

    def __init__(self, count: int, work: Path, console: Console) -> None:
        self._console = console
        self._work = work
        self._addresses = free_addresses(PARTIES)
        self._provider = DevelopmentProvider()
        self._runs = [Progress(one) for one in consignments(count, datetime.now(UTC).date())]
        self._countries = {party: self._country(party, self._addresses[party]) for party in PARTIES}
        self._apis: dict[str, Api] = {}
        self._robots: dict[str, Robot] = {}
        self._began = time.monotonic()
        self._first_acknowledged: float | None = None

    async def run(self, keep: bool) -> dict[str, Any]:
        """Do it all; with *keep*, stay up afterwards until interrupted. Returns the outcome as JSON."""
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(aiohttp.ClientSession())
            await stack.enter_async_context(self._provider.listening(HOST))
            self._say("Making keys, certificates and registries for four countries …")
            write_registry(self._work / "registry", self._work / "keys", NEIGHBOURS, self._addresses)
            early = [country for party, country in self._countries.items() if party != LATE]
            for country in self._countries.values():
                stack.push_async_callback(country.stop)
            self._say(f"Starting the gateways of {', '.join(c.party for c in early)} ({LATE} is down) …")
            await asyncio.gather(*(country.start() for country in early))
            robots = await stack.enter_async_context(asyncio.TaskGroup())
            work = [robots.create_task(self._staff(session, country.party)) for country in early]
            work.append(robots.create_task(self._come_back(session)))
            self._say("Handing in certificates; every answer below came over the wire.")
            await self._watch()
            outcome = self._outcome()
            self._show(outcome)
            if keep:
                await self._stay()
            for task in work:
                task.cancel()
        return outcome

    def _country(self, party: str, address: Address) -> Country:
        return Country(
            party,
            address,
            registry=self._work / "registry",
            keys=self._work / "keys" / party,
            data=self._work / party.lower(),
            provider=self._provider,
        )

    async def _come_back(self, session: aiohttp.ClientSession) -> None:
        await asyncio.sleep(LATE_BY_S)
        await self._countries[LATE].start()
        await self._staff(session, LATE)

    async def _staff(self, session: aiohttp.ClientSession, party: str) -> None:
        """Hand in a country's certificates, then work its inbox for as long as the demonstration runs."""
        country = self._countries[party]
        api = Api(session, country.address.url, country.token(Role.ISSUER, Role.CUSTOMS))
        fates = {run.consignment.number: run.consignment.fate for run in self._runs}
        self._apis[party] = api
        self._robots[party] = Robot(api, fates)
        for run in self._runs:
            if run.consignment.sender == party:
                run.submitted, answer = await api.post("/certificates", run.consignment.record)
                run.codes = tuple(finding["code"] for finding in answer.get("findings", ()))
        await self._robots[party].run()

    async def _watch(self) -> None:
        deadline = self._began + PATIENCE_S
        with Live(self._table(), console=self._console, refresh_per_second=8, transient=True) as live:
            while time.monotonic() < deadline and not all(run.is_done for run in self._runs):
                await asyncio.gather(*(self._look(party) for party in list(self._apis)))
                live.update(self._table())
                await asyncio.sleep(0.15)

    async def _look(self, party: str) -> None:
        """Ask one country's gateway where its certificates stand."""
        items: dict[tuple[str, str], Any] = {}
        after: dict[str, str] = {}
        while True:
            page = await self._apis[party].get("/certificates", direction="out", limit="500", **after)
            items |= {
                (item["form"].split("/")[1], item["certificate_number"]): item for item in page["items"]
            }
            if page["next"] is None:
                break
            after = {"after": page["next"]}
        for run in self._runs:
            one = run.consignment
            if one.sender == party:
                run.state = items.get((one.form_name, one.number), {})
                if run.state.get("acknowledgement") and self._first_acknowledged is None:
                    self._first_acknowledged = time.monotonic() - self._began

    def _table(self) -> Table:
        """One line a corridor: how many certificates have come how far."""
        table = Table(title=f"{time.monotonic() - self._began:5.1f} s", title_justify="left")
        table.add_column("corridor", no_wrap=True)
        for head in ("handed in", "delivered", "acknowl.", "customs", "done"):
            table.add_column(head, justify="right", no_wrap=True)
        for (sender, receiver, form), runs in self._by_corridor().items():
            figures = (
                sum(run.submitted is not None for run in runs),
                sum(run.state.get("delivery") == "delivered" for run in runs),
                sum(bool(run.state.get("acknowledgement")) for run in runs),
                sum(bool(run.state.get("customs_response")) for run in runs),
                sum(run.is_done for run in runs),
            )
            ends = f"{PARTIES[sender]} → {PARTIES[receiver]}  {form}"
            table.add_row(ends, *(f"{figure}/{len(runs)}" for figure in figures))
        return table

    def _by_corridor(self) -> dict[tuple[str, str, str], list[Progress]]:
        grouped: dict[tuple[str, str, str], list[Progress]] = {}
        for run in self._runs:
            one = run.consignment
            grouped.setdefault((one.sender, one.receiver, one.form_name), []).append(run)
        return grouped

    def _outcome(self) -> dict[str, Any]:
        taken = [run for run in self._runs if run.submitted == 202]
        arrived: Counter[str] = sum((robot.seen for robot in self._robots.values()), Counter())
        acknowledged = Counter(run.state.get("acknowledgement") for run in self._runs)
        lost = sum(1 for run in taken if not arrived[run.consignment.number])
        duplicates = sum(times - 1 for times in arrived.values())
        return {
            "seconds": round(time.monotonic() - self._began, 2),
            "messages": len(self._runs),
            "lost": lost,
            "duplicates": duplicates,
            "outcomes": {
                "accepted": acknowledged["accepted"],
                "accepted_with_warnings": acknowledged["accepted_with_warnings"],
                "rejected": acknowledged["rejected"],
                "refused": sum(run.submitted == 422 for run in self._runs),
            },
            "first_acknowledged_seconds": self._first_acknowledged and round(self._first_acknowledged, 2),
            "ok": lost == 0 and duplicates == 0 and all(run.is_done for run in self._runs),
        }

    def _show(self, outcome: dict[str, Any]) -> None:
        self._console.print(self._table())
        for run in self._noteworthy():
            one = run.consignment
            state = run.state.get("acknowledgement") or f"refused at the door: {', '.join(run.codes)}"
            verdict = "as it should" if run.is_done else "NOT as it should"
            customs = run.state.get("customs_response") or "no customs response"
            self._say(f"  {one.sender} → {one.receiver}  {one.form_name}  {one.number}:")
            self._say(f"    {state}, {customs} ({verdict})")
        word = "[green]Every message reached the state it should.[/]" if outcome["ok"] else "[red]FAILED.[/]"
        self._console.print(f"{word} {outcome['messages']} certificates in {outcome['seconds']} s.")

    def _noteworthy(self) -> Sequence[Progress]:
        return [run for run in self._runs if run.consignment.fate is not Fate.UTILISED or not run.is_done]

    async def _stay(self) -> None:
        self._say("Everything stays up until you press Ctrl-C. These are DEVELOPMENT keys and tokens.")
        self._console.print(
            f"[bold red]Sign-in goes by a DEVELOPMENT identity provider at {self._provider.url}:"
            " it believes whoever you say you are.[/]"
        )
        for party, country in self._countries.items():
            self._say(f"\n{party}: {country.address.url}  console: {country.address.url}/console/")
            self._say(f"  export ECO_GATEWAY_URL={country.address.url}")
            for role in (Role.ISSUER, Role.CUSTOMS, Role.OPERATOR):
                self._say(f"  export ECO_GATEWAY_TOKEN={country.token(role)}  # {role}")
        await asyncio.Event().wait()

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)


async def _until_told_to_stop(demonstration: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """SIGTERM and SIGINT end it in order, however it was started: nothing may be left running."""
    task = asyncio.create_task(demonstration)
    for each in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(each, task.cancel)
    return await task


def run_demo(certificates: int, keep: bool, as_json: bool) -> int:
    """
    Run the demonstration and tell the outcome.

    Args:
        certificates: how many to exchange; at least one a route.
        keep: leave it running and print addresses and tokens.
        as_json: one JSON document on standard output; the picture goes to standard error.

    Returns:
        0 when every message reached the state it should, else 1.
    """
    console = Console(file=sys.stderr) if as_json else Console()
    console.print("[bold red]Demonstration: development keys and a development identity provider.[/]")
    work = Path(tempfile.mkdtemp(prefix="eco-gateway-demo-"))
    work.chmod(0o711)  # as root, PostgreSQL runs as somebody else and must reach its data folder
    try:
        outcome = asyncio.run(_until_told_to_stop(Demonstration(certificates, work, console).run(keep)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0 if keep else 130
    finally:
        remove(work)
    if as_json:
        sys.stdout.write(json.dumps(outcome) + "\n")
    return 0 if outcome["ok"] else 1
