"""
Acts on many messages: shown as a frozen list, started, watched to their end, stopped in the middle.

The node works the list off by itself; this program only watches. Interrupted, it asks the node to stop.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from gateway.cli.client import Json, Node
from gateway.cli.failures import CommandFailed, Status
from gateway.cli.node import AsJson, To, on_node
from gateway.cli.screen import print_json, remark, say, table, when

LOOK_EVERY_S = 0.5
TOLD_ONE_BY_ONE = 50
_OVER = frozenset({"done", "stopped"})

actions = typer.Typer(rich_markup_mode=None)
Id = Annotated[str, typer.Argument(metavar="ACTION", help="The action's id.")]
Reason = Annotated[
    str | None, typer.Option("--reason", metavar="WORDS", help="Why; it stands in the events.")
]


@actions.callback(invoke_without_command=True)
def _actions(context: typer.Context, to: To = None, as_json: AsJson = False) -> int:
    """Acts on many messages, newest first; 'start' and 'stop' one of them, 'show' its list."""
    if context.invoked_subcommand is not None:
        return Status.DONE
    found = on_node(to, Node.actions)
    if as_json:
        print_json(found)
        return Status.DONE
    headings = ("Action", "Verb", "State", "Messages", "Done", "Refused", "Planned", "By")
    table(headings, [_row(action) for action in found], right=(3, 4, 5))
    return Status.DONE


@actions.command("show")
def show(action: Id, to: To = None, as_json: AsJson = False) -> int:
    """One action and its whole list."""

    async def shown(node: Node) -> tuple[Json, list[Json]]:
        return await node.action(action), [item async for item in node.action_messages(action)]

    found, items = on_node(to, shown)
    if as_json:
        print_json({**found, "messages": items})
        return Status.DONE
    say(f"{found['verb']} {found['count']} messages: {tell(found)}")
    for item in items:
        say(f"{message_line(item)}  {item['result'] or 'waits its turn'}")
    return Status.DONE


@actions.command("start")
def start(action: Id, to: To = None) -> int:
    """Start a planned action, or go on with a stopped one, and watch it to its end."""
    return on_node(to, lambda node: carry_out(node, action, {}))


@actions.command("stop")
def stop(action: Id, reason: Reason = None, to: To = None) -> int:
    """Stop a running action; what was done stays done."""
    answer = on_node(to, lambda node: node.stop(action, {} if reason is None else {"reason": reason}))
    if not answer.is_good:
        raise CommandFailed(answer.words)
    say(tell(answer.body))
    return Status.DONE


def show_plan(plan: Json) -> None:
    """Count and sample of what would be acted upon."""
    count, sample = plan["count"], plan["sample"]
    some = f", the first {len(sample)}" if count > len(sample) else ""
    say(f"{count} message{'' if count == 1 else 's'} to {plan['verb']}{some}:")
    for item in sample:
        say(f"  {message_line(item)}")


def message_line(item: Json) -> str:
    """One message of a list: where it stands, its certificate, its party, its id."""
    facts = (item["delivery"], item["certificate_number"], item["party"], item["message_id"])
    return "  ".join(str(fact) for fact in facts if fact)


async def carry_out(node: Node, action_id: str, body: Json) -> int:
    """Start an action and watch it; exit status 1 when a message was refused or somebody stopped it."""
    try:
        answer = await node.start(action_id, body)
        if not answer.is_good:
            raise CommandFailed(answer.words)
        found = await _watched(node, answer.body)
    except asyncio.CancelledError:
        await node.stop(action_id, {"reason": "interrupted"})
        remark(f"Stopped; go on with 'eco-gateway actions start {action_id}'.")
        raise
    async for item in node.action_messages(action_id):
        if item["result"] not in ("done", None):
            remark(f"{item['message_id']}: {found['verb']} refused: {item['result']}")
        elif item["result"] == "done" and found["count"] <= TOLD_ONE_BY_ONE:
            say(f"{item['message_id']}: {found['verb']} done")
    say(tell(found))
    return Status.DONE if found["state"] == "done" and not found["refused"] else Status.REFUSED


async def _watched(node: Node, action: Json) -> Json:
    shown = -1
    while action["state"] not in _OVER:
        gone = action["done"] + action["refused"]
        if gone // 1_000 != shown // 1_000:
            remark(f"{gone} of {action['count']}")
            shown = gone
        await asyncio.sleep(LOOK_EVERY_S)
        action = await node.action(action["action_id"])
    return action


def tell(action: Json) -> str:
    """How far an action is, in one line."""
    told = f"{action['state']}: {action['done']} done, {action['refused']} refused, {action['left']} left"
    if action["stopped_by"]:
        told += f"; stopped by {action['stopped_by']}"
    return told + (f": {action['stopped_for']}" if action["stopped_for"] else "")


def _row(action: Json) -> tuple[object, ...]:
    return (
        action["action_id"],
        action["verb"],
        action["state"],
        action["count"],
        action["done"],
        action["refused"],
        when(action["planned_at"]),
        action["who"],
    )
