"""
``eco-gateway audit``: whether anybody changed history, and proofs that nobody did.

With a database URL the log is verified in the database itself; else a running node is asked. What a head once
said is held against the log with ``--since``: whoever kept a head of years ago needs nothing else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.client import Json, Node
from gateway.cli.failures import CommandFailed, Status
from gateway.cli.files import read_file, write_file
from gateway.cli.node import AsJson, To, on_node
from gateway.cli.screen import print_json, remark, say
from gateway.domain.audit import LogFault, Wrong, settled
from gateway.domain.errors import LogBroken, NotFound, Unreadable
from gateway.domain.merkle import is_consistent
from gateway.domain.xml import read_xml
from gateway.observe.event_log import with_seals_checked
from gateway.registry.folder import over_shipped
from gateway.registry.load import load_registry
from gateway.settings import Settings, read_settings
from gateway.store.audit import AuditPage
from gateway.store.connect import UNUSABLE, connect
from gateway.store.ledger import Ledger
from gateway.trust.tree_head import SignedHead, read_tree_head

audit = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

PATIENCE_S = 10.0


@audit.callback()
def _audit() -> None:
    """Verify the event log, or prove what is in it."""


@audit.command("verify")
def verify(
    database: Annotated[
        str | None,
        typer.Option("--database", metavar="URL", help="A PostgreSQL URL; else a running node is asked."),
    ] = None,
    since: Annotated[
        Path | None, typer.Option("--since", metavar="HEAD.xml", help="A head somebody kept: is it still so?")
    ] = None,
    to: To = None,
    as_json: AsJson = False,
) -> int:
    """Hold every event against the log, and name what was tampered with."""
    kept = None if since is None else _kept_head(since)
    settings = read_settings({"database": database})
    report = _in_database(settings, kept) if settings.database and not to else _on_node(to, kept)
    if as_json:
        print_json(report)
    else:
        _tell(report)
    return Status.DONE if report["ok"] else Status.REFUSED


@audit.command("head")
def head(
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write the sealed head there.")
    ] = None,
    to: To = None,
    as_json: AsJson = False,
) -> int:
    """Show the newest sealed head; keep it, and '--since' holds the log to it for ever."""
    found = on_node(to, lambda node: node.log("head"))
    if output is not None:
        write_file(output, found["sealed"].encode())
    if as_json:
        print_json(found)
    else:
        say(f"{found['size']} events at {found['at']}, root {found['root']}")
    return Status.DONE


@audit.command("prove")
def prove(
    event: Annotated[str, typer.Argument(metavar="CURSOR", help="The event, by its cursor.")],
    size: Annotated[
        int | None, typer.Option("--size", metavar="N", min=1, help="Of the tree; else the largest.")
    ] = None,
    to: To = None,
) -> int:
    """Prove that an event is in the log (RFC 6962 2.1.1), as JSON."""
    query = {"event": event} | ({} if size is None else {"size": str(size)})
    print_json(on_node(to, lambda node: node.log("inclusion", **query)))
    return Status.DONE


@audit.command("consistency")
def consistency(
    first: Annotated[int, typer.Argument(metavar="FIRST", min=1, help="Size of the smaller tree.")],
    second: Annotated[int, typer.Argument(metavar="SECOND", min=1, help="Size of the larger tree.")],
    to: To = None,
) -> int:
    """Prove that one tree is how another began (RFC 6962 2.1.2), as JSON."""
    query = {"first": str(first), "second": str(second)}
    print_json(on_node(to, lambda node: node.log("consistency", **query)))
    return Status.DONE


def _kept_head(path: Path) -> SignedHead:
    try:
        return read_tree_head(read_xml(read_file(path)))
    except Unreadable as error:
        raise CommandFailed(f"{path}: {error}") from None


# ---- asking a node -----------------------------------------------------------------------------------------


def _on_node(to: str | None, kept: SignedHead | None) -> Json:
    async def ask(node: Node) -> Json:
        steps = _steps(node)
        report = await _report(steps)
        fault = None if kept is None else await _since_on_node(node, kept)
        return _with(report, fault)

    return on_node(to, ask)


async def _steps(node: Node) -> AsyncIterator[Json]:
    begin: int | None = 0
    while begin is not None:
        step = await node.log("audit", **{"from": str(begin)})
        yield step
        begin = step["next"]


async def _since_on_node(node: Node, kept: SignedHead) -> str | None:
    now = await node.log("head")
    if now["size"] < kept.size:
        return _cut_off(kept, now["size"])
    proved = await node.log("consistency", first=str(kept.size), second=str(now["size"]))
    proof = [bytes.fromhex(each) for each in proved["proof"]]
    so = is_consistent(kept.size, kept.root, now["size"], bytes.fromhex(now["root"]), proof)
    return None if so else _rewritten(kept)


# ---- looking for oneself -----------------------------------------------------------------------------------


def _in_database(settings: Settings, kept: SignedHead | None) -> Json:
    assert settings.database is not None
    check = _seal_check(settings)

    async def look(dsn: str) -> Json:
        pool = await connect(dsn, connections=1, patience_s=PATIENCE_S)
        try:
            ledger = Ledger(pool)
            report = await _report(_pages(ledger, check))
            return _with(report, None if kept is None else await _since_in_database(ledger, kept))
        finally:
            pool.terminate()

    try:
        return asyncio.run(look(settings.database.get_secret_value()))
    except UNUSABLE as error:
        raise CommandFailed(f"the database cannot be used: {error}") from error


def _seal_check(settings: Settings) -> Callable[[AuditPage], AuditPage]:
    home = None
    if settings.home is not None:
        home = load_registry(over_shipped(settings.registry)).parties.get(settings.home)
    if home is None:
        remark("note: without ECO_GATEWAY_HOME and its registry the seals of the heads are not checked")
        return lambda page: page
    return lambda page: with_seals_checked(page, home)


async def _pages(ledger: Ledger, check: Callable[[AuditPage], AuditPage]) -> AsyncIterator[Json]:
    begin: int | None = 0
    while begin is not None:
        page = check(await ledger.audit(begin))
        yield {
            "size": page.size,
            "leaves": page.leaves,
            "heads": len(page.heads),
            "faults": [
                {"wrong": each.wrong, "leaf": each.leaf, "event": each.event, "text": each.text}
                for each in page.faults
            ],
        }
        begin = page.following


async def _since_in_database(ledger: Ledger, kept: SignedHead) -> str | None:
    try:
        return None if await ledger.log.root(kept.size) == kept.root else _rewritten(kept)
    except NotFound:
        return _cut_off(kept, await ledger.log.size())
    except LogBroken as broken:
        return str(broken)


# ---- telling -----------------------------------------------------------------------------------------------


async def _report(steps: AsyncIterator[Json]) -> Json:
    total: dict[str, Any] = {"size": 0, "leaves": 0, "heads": 0}
    faults: list[LogFault] = []
    async for step in steps:
        total["size"] = step["size"]
        total["leaves"] += step["leaves"]
        total["heads"] += step["heads"]
        faults += [LogFault(**each | {"wrong": Wrong(each["wrong"])}) for each in step["faults"]]
    told = [
        {"wrong": each.wrong, "leaf": each.leaf, "event": each.event, "text": each.text}
        for each in settled(faults)
    ]
    return {**total, "faults": told, "ok": not told}


def _with(report: Json, since: str | None) -> Json:
    if since is None:
        return report
    fault = {"wrong": Wrong.HEAD, "leaf": None, "event": None, "text": since}
    return {**report, "faults": [*report["faults"], fault], "ok": False}


def _rewritten(kept: SignedHead) -> str:
    return f"the head of {kept.size} events that was kept has another root: history was rewritten"


def _cut_off(kept: SignedHead, size: int) -> str:
    return f"the head that was kept is of {kept.size} events, but the log has {size}: its end was cut off"


def _tell(report: Json) -> None:
    for fault in report["faults"]:
        say(f"{fault['wrong']}: {fault['text']}", style="red")
    heads = f"{report['heads']} sealed head{'' if report['heads'] == 1 else 's'}"
    verdict = "nothing was changed" if report["ok"] else f"{len(report['faults'])} faults"
    say(f"{report['leaves']} events held against the log and {heads}: {verdict}")
