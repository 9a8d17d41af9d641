"""``eco-gateway migrate``: bring the database to this version, without starting a node."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.failures import CommandFailed, Status
from gateway.cli.screen import say
from gateway.observe.logs import set_up
from gateway.settings import Settings, read_settings
from gateway.store.connect import UNUSABLE
from gateway.store.embedded import embedded
from gateway.store.migrate import migrate as bring_to_this_version

PATIENCE_S = 10.0


def migrate(
    database: Annotated[
        str | None,
        typer.Option("--database", metavar="URL", help="A PostgreSQL URL; else the embedded database."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Where the embedded database lies.")
    ] = None,
) -> int:
    """Bring the database to this version; a newer one is refused. 'serve' does it by itself."""
    settings = read_settings({"database": database, "data": data})
    set_up(level=settings.log_level, format=settings.log_format, clock=settings.make_clock())
    try:
        ran = asyncio.run(_migrate(settings))
    except UNUSABLE as error:
        raise CommandFailed(f"the database cannot be used: {error}") from error
    for name in ran:
        say(name)
    say("the database is of this version" + ("" if ran else " already"))
    return Status.DONE


async def _migrate(settings: Settings) -> list[str]:
    if settings.database is not None:
        return await bring_to_this_version(settings.database.get_secret_value(), patience_s=PATIENCE_S)
    async with embedded(settings.data) as dsn:
        return await bring_to_this_version(dsn)
