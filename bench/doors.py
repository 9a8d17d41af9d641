"""
Parties that stand in for whole gateways: one process answers for many, with true receipts and nothing behind.

    python -m bench.doors FOLDER --home TH.CUSTOMS --home LA.CUSTOMS=5

answers for TH at once and for LA after five seconds. What arrives is not checked: it is the sender that is
measured.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

from aiohttp import web

from gateway.acknowledge.signals import receipt
from gateway.demo.country import HOST
from gateway.domain.clock import real_clock
from gateway.domain.envelope import read_header
from gateway.domain.ids import PartyId
from gateway.domain.xml import read_xml
from gateway.registry.folder import over_shipped
from gateway.registry.load import Registry, load_registry
from gateway.trust.keys import load_keys
from gateway.trust.sealer import Sealer
from gateway.trust.tls import server_context

_MOST_BYTES = 8 * 1024 * 1024


async def open_door(folder: Path, registry: Registry, home: PartyId, after_s: float) -> web.AppRunner:
    """Answer every message to *home* with a receipt, *after_s* seconds after it came."""
    party = registry.parties[home]
    keys = load_keys(folder / "keys" / home, party, real_clock())
    sealer = Sealer(keys, real_clock)

    async def take(request: web.Request) -> web.Response:
        raw = await request.read()
        await asyncio.sleep(after_s)
        header = read_header(read_xml(raw))
        root = receipt(header, hashlib.sha256(raw).digest(), home=home, at=real_clock())
        return web.Response(body=sealer.signal(root).body, content_type="application/xml")

    application = web.Application(client_max_size=_MOST_BYTES)
    endpoint = urlsplit(party.endpoint)
    application.add_routes([web.post(endpoint.path, take)])
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    others = [each for each in registry.parties.values() if each.id != home]
    tls = server_context(keys.tls_key(real_clock()), others)
    await web.TCPSite(runner, HOST, endpoint.port, ssl_context=tls).start()
    return runner


async def serve(folder: Path, homes: dict[PartyId, float]) -> None:
    """Open all doors, say so, and answer until SIGTERM."""
    registry = load_registry(over_shipped(folder / "registry"))
    runners = [await open_door(folder, registry, home, after_s) for home, after_s in homes.items()]
    print("ready", flush=True)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await stopping.wait()
    for runner in runners:
        await runner.cleanup()


def main() -> int:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__, prog="bench.doors")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--home", action="append", metavar="PARTY[=SECONDS]", required=True)
    arguments = parser.parse_args()
    homes = {}
    for word in arguments.home:
        party, _, seconds = word.partition("=")
        homes[PartyId(party)] = float(seconds or 0)
    asyncio.run(serve(arguments.folder, homes))
    return 0


if __name__ == "__main__":
    sys.exit(main())
