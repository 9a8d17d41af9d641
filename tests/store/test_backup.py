"""The drill of docs/operating.md: what is dumped and restored into an empty database goes on as it stood."""

from __future__ import annotations

import asyncio
import subprocess
from functools import partial
from pathlib import Path

import asyncpg

from gateway.public.codes import load_codes
from gateway.store.binaries import wheel_binaries
from gateway.store.connect import connect
from gateway.store.ledger import Ledger
from gateway.store.migrate import migrate
from tests.servers import Servers
from tests.store.making import AT, a_certificate, certificate_of, events_of


async def opened(url: str) -> asyncpg.Pool:
    return await connect(url, connections=2, at_least=1)


async def moved(source: str, target: str, file: Path) -> None:
    """Dump *source* and restore it into *target*, by the commands that the guide names."""
    programs = wheel_binaries()
    dump = [programs / "pg_dump", "--format=custom", f"--file={file}", source]
    restore = [programs / "pg_restore", "--no-owner", "--exit-on-error", f"--dbname={target}", file]
    for command in (dump, restore):
        run = partial(subprocess.run, [str(part) for part in command], capture_output=True, text=True)
        ended = await asyncio.to_thread(run)
        assert ended.returncode == 0, ended.stderr


async def test_a_restored_database_knows_all_that_was_answered_for_and_the_codes_that_are_printed(
    servers: Servers, tmp_path: Path
) -> None:
    async with servers.database("embedded") as source:
        pool = await opened(source)
        ledger = Ledger(pool)
        await ledger.submit(a_certificate("VN-1"))
        await ledger.submit(a_certificate("VN-2"))
        code = (await load_codes(ledger)).code_of((await certificate_of(ledger, "VN-1")).certificate_no)
        happened = await events_of(ledger)
        target = await servers.empty("embedded")
        await moved(source, target, tmp_path / "ledger.dump")
        await pool.close()

        await migrate(target)  # what a node does before it serves
        pool = await opened(target)
        restored = Ledger(pool)
        codes = await load_codes(restored)

        assert await events_of(restored) == happened
        assert codes.read(code) == (await certificate_of(restored, "VN-1")).certificate_no
        assert (await restored.submit(a_certificate("VN-3"))).first
        assert (await events_of(restored))[: len(happened)] == happened
        assert await restored.document((await certificate_of(restored, "VN-2")).message_no) is not None
        await restored.asked_in_vain("form-d", "VN-9", AT)
        await pool.close()
