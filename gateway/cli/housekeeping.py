"""``eco-gateway housekeep``: remove documents whose time is over, or tell whose it is."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.client import Json, Node
from gateway.cli.failures import CommandFailed, Status
from gateway.cli.node import AsJson, To, on_node
from gateway.cli.screen import print_json, say, table


def housekeep(
    to: To = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell how many certificates it would look at; remove nothing.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Remove documents past the time for which they are kept; a node does so by itself as well."""
    if dry_run:
        return _tell(on_node(to, Node.housekeeping), as_json=as_json)
    done = on_node(to, _all)
    if as_json:
        print_json(done)
    else:
        say(f"{done['documents']} documents of {done['certificates']} certificates removed")
    return Status.DONE


def _tell(found: list[Json], *, as_json: bool) -> int:
    if as_json:
        print_json(found)
        return Status.DONE
    if not found:
        say("Every corridor keeps its documents for good.")
        return Status.DONE
    headings = ("Party", "Direction", "Form", "Days kept", "Certificates due")
    table(headings, [_row(one) for one in found], right=(3, 4))
    return Status.DONE


def _row(one: Json) -> tuple[object, ...]:
    due = f"over {one['certificates']}" if one["at_least"] else one["certificates"]
    return one["party"], one["direction"], one["form"], one["keep_documents_days"], due


async def _all(node: Node) -> Json:
    """Round after round until nothing is left."""
    total = {"certificates": 0, "documents": 0}
    while True:
        answer = await node.housekeep()
        if not answer.is_good:
            raise CommandFailed(answer.words)
        total = {name: count + answer.body[name] for name, count in total.items()}
        if not answer.body["left"]:
            return total
