"""``eco-gateway parties``: who we exchange with, and the adding of another party."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.client import Node
from gateway.cli.failures import Status, WrongUse
from gateway.cli.lanes import suspension
from gateway.cli.node import AsJson, To, on_node
from gateway.cli.registering import carry_out, certificate_lines, plan_addition
from gateway.cli.screen import print_json, remark, say, when
from gateway.cli.scrutiny import party_doubts
from gateway.settings import read_settings

parties = typer.Typer(rich_markup_mode=None)


@parties.callback(invoke_without_command=True)
def _parties(context: typer.Context, to: To = None, as_json: AsJson = False) -> int:
    """Who we exchange with. Asked of a running node; 'add' takes another party in, offline."""
    if context.invoked_subcommand is not None:
        return Status.DONE
    found = on_node(to, Node.parties)
    if as_json:
        print_json(found)
        return Status.DONE
    for party in found:
        for line in (f"{party['id']}  {party['name']}", f"  {party['endpoint']}"):
            say(line)
        if suspended := suspension(party):
            say(f"  {suspended}", style="yellow")
        for line, style in _lists(party):
            say(line, style=style)
        for planned in party.get("maintenance") or ():
            say(f"  maintenance {when(planned['from'])} to {when(planned['to'])}: {planned['notice']}")
    return Status.DONE


@parties.command("add")
def add(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.toml", help="The party's file; its certificates lie beside it.")
    ],
    registry: Annotated[
        Path | None,
        typer.Option("--registry", metavar="DIR", help="Our own registry; else ECO_GATEWAY_REGISTRY."),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace what stands there already.")] = False,
) -> int:
    """Take a party into our own registry. Its file is judged before anything is written."""
    folder = read_settings({"registry": registry}).registry
    if folder is None:
        raise WrongUse("say where our own registry is with --registry or ECO_GATEWAY_REGISTRY")
    plan = plan_addition(file, folder, replace=replace)
    carry_out(plan, folder)
    now = datetime.now(UTC)
    for relative, _ in plan.files:
        say(f"wrote {folder / relative}")
    say(f"{plan.party.id}, {plan.party.name}; compare these with what the party says itself:")
    for line in certificate_lines(plan.party, now):
        say(line)
    for doubt in party_doubts(plan.place, plan.party, now):
        remark(f"note: {doubt}")
    remark("A running node takes it in when it is restarted. Corridors stand under mappings/corridors/.")
    return Status.DONE


def _lists(party: dict[str, Any]) -> Iterator[tuple[str, str | None]]:
    """How fresh its revocation lists are, and which source gives none."""
    held = party.get("revocation")
    if held is None:
        return
    for one in held["lists"]:
        until = "names no end" if one["fresh_until"] is None else f"fresh until {when(one['fresh_until'])}"
        named = f"revocation list of {when(one['issued_at'])}, {one['revoked']} revoked, {until}"
        yield f"  {named}: {one['source']}", None
    if held["stale"] is not None:
        counts = "no seal counts" if held["fail"] == "hard" else "the last one goes on"
        yield f"  {held['stale']}; meanwhile {counts}", "red"
    for source in held["sources"]:
        if source["fault"] is not None:
            yield f"  {source['url']}: {source['fault']}", "yellow"
