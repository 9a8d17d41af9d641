"""How a command finds the running node it speaks to, and as whom."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, TypeVar

import typer

from gateway.cli.client import Node, connect
from gateway.cli.screen import remark
from gateway.domain.errors import Misconfigured
from gateway.settings import Settings, read_settings

To = Annotated[
    str | None,
    typer.Option(
        "--to", metavar="URL", help="The node to speak to; else ECO_GATEWAY_URL, else the listen address."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]

Result = TypeVar("Result")


def on_node(to: str | None, act: Callable[[Node], Awaitable[Result]], *, at_once: int = 8) -> Result:
    """
    Connect to the node, let *act* do its work, and close.

    Args:
        to: what ``--to`` gave; without it the settings say where the node is. The token is theirs alone.
        at_once: most calls at a time.

    Raises:
        Misconfigured: the address or another setting is faulty.
        CommandFailed: whatever *act* could not do.
    """
    settings = _settings(to)
    token = settings.token.get_secret_value() if settings.token else None

    async def connected() -> Result:
        async with connect(settings.api_url, token, at_once=at_once, waiting=_tell_wait) as node:
            return await act(node)

    return asyncio.run(connected())


def _settings(to: str | None) -> Settings:
    try:
        return read_settings({"url": to})
    except Misconfigured as error:
        known_as = {"--url": "--to"}
        faults = (replace(fault, key=known_as.get(fault.key, fault.key)) for fault in error.faults)
        raise Misconfigured(tuple(faults)) from None


def _tell_wait(seconds: float) -> None:
    remark(f"The node asks for patience; going on in {seconds:.0f} s.")
