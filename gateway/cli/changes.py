"""``eco-gateway changes``: what wants to change whom we believe, and the two people who must approve it."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.client import Node
from gateway.cli.failures import CommandFailed, Status
from gateway.cli.node import AsJson, To, on_node
from gateway.cli.screen import print_json, say, when

changes = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="The change, as 'changes list' shows it.")]
Reason = Annotated[str | None, typer.Option("--reason", metavar="WORDS", help="Why; it is logged.")]


@changes.callback()
def _changes() -> None:
    """Changes of parties, certificates and roles that wait for two people. Asked of a running node."""


@changes.command("list")
def list_(to: To = None, as_json: AsJson = False) -> int:
    """What waits, in words, and who has approved it."""
    found = on_node(to, Node.changes)
    if as_json:
        print_json(found)
        return Status.DONE
    for each in found:
        by = ", ".join(each["approved_by"]) or "nobody yet"
        say(f"{each['id']}  proposed {when(each['proposed_at'])}, approved by {by}")
        for line in each["words"]:
            say(f"  {line}")
    if not found:
        say("No change waits.")
    return Status.DONE


@changes.command("approve")
def approve(change: Id, reason: Reason = None, to: To = None) -> int:
    """Approve a change; it is in force when a second person has, too."""
    return _decide(change, "approve", reason, to)


@changes.command("reject")
def reject(change: Id, reason: Reason = None, to: To = None) -> int:
    """Reject a change; it waits no longer."""
    return _decide(change, "reject", reason, to)


def _decide(change: str, verb: str, reason: str | None, to: str | None) -> int:
    body = {} if reason is None else {"reason": reason}
    answer = on_node(to, lambda node: node.decide(change, verb, body))
    if not answer.is_good:
        raise CommandFailed(f"{change}: {answer.words}")
    say(f"{change}: {answer.body['state']}")
    return Status.DONE
