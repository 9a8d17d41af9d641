"""``eco-gateway exceptions``: what a person must act on, and the work on it."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.client import Json, Node
from gateway.cli.failures import CommandFailed, Status
from gateway.cli.node import AsJson, To, on_node
from gateway.cli.screen import complain, print_json, say, span, table, when

exceptions = typer.Typer(rich_markup_mode=None)

Id = Annotated[str, typer.Argument(metavar="ID", help="The exception's id, as the list shows it.")]
Reason = Annotated[str, typer.Option("--reason", metavar="WORDS", help="Why; it stands with the exception.")]


@exceptions.callback(invoke_without_command=True)
def _exceptions(
    context: typer.Context,
    state: Annotated[str, typer.Option("--state", metavar="open|closed", help="Which.")] = "open",
    owner: Annotated[str | None, typer.Option("--owner", metavar="OWNER", help="Whose move it is.")] = None,
    party: Annotated[str | None, typer.Option("--party", metavar="PARTY", help="Of this party.")] = None,
    code: Annotated[str | None, typer.Option("--code", metavar="CODE", help="Of this code.")] = None,
    to: To = None,
    as_json: AsJson = False,
) -> int:
    """What a person must act on, the oldest first. The other commands work on one of them."""
    if context.invoked_subcommand is not None:
        return Status.DONE
    found = on_node(to, lambda node: _all(node, state=state, owner=owner, party=party, code=code))
    if as_json:
        print_json(found)
    elif not found:
        say(f"No {state} exceptions.")
    else:
        headings = ("Id", "Cause", "Waiting", "Age", "Owner", "Next action", "Taken by")
        table(headings, [_row(one) for one in found], right=(2, 3))
    return Status.DONE


def clocks(
    state: Annotated[
        str | None,
        typer.Option(
            "--state", metavar="STATE", help="running, warned, breached or stopped; else warned on."
        ),
    ] = None,
    party: Annotated[str | None, typer.Option("--party", metavar="PARTY", help="Of this party.")] = None,
    to: To = None,
    as_json: AsJson = False,
) -> int:
    """The law's clocks that have warned or run out, the first to end first."""
    found = on_node(to, lambda node: _all(node, path="clocks", state=state, party=party))
    if as_json:
        print_json(found)
    elif not found:
        say("No clock has warned.")
    else:
        headings = ("Clock", "Certificate", "Party", "Limit", "Ends", "State", "Owner")
        table(headings, [_clock(one) for one in found])
    return Status.DONE


@exceptions.command("show")
def show(number: Id, to: To = None, as_json: AsJson = False) -> int:
    """Tell of one exception: what suffers from it, and what people did about it."""
    story = on_node(to, lambda node: _story(node, number))
    if as_json:
        print_json(story)
        return Status.DONE
    say(f"{story['code']} with {story['party']}, {story['state']}, {story['waiting']} waiting")
    for name in ("cause", "owner", "next_action", "organisation", "taken_by", "resolution"):
        if story[name]:
            say(f"  {name.replace('_', ' ')}: {story[name]}")
    since = f"  opened {when(story['opened_at'])}"
    say(f"{since}, {story['times']} times since {when(story['first_opened_at'])}")
    for item in story["items"]:
        name = item["certificate_number"] or item["message_id"] or "on the wire"
        ended = f", closed {when(item['closed_at'])}: {item['resolution']}" if item["closed_at"] else ""
        say(f"  {name}  {item['cause']}  since {when(item['opened_at'])}{ended}")
    for note in story["notes"]:
        say(
            f"  {when(note['at'])} {note['who']} {note['what']}"
            + (f": {note['words']}" if note["words"] else "")
        )
    return Status.DONE


@exceptions.command("take")
def take(number: Id, to: To = None) -> int:
    """Work on it from now on."""
    return _act("take", number, {}, to)


@exceptions.command("hand-back")
def hand_back(number: Id, to: To = None) -> int:
    """Work on it no more."""
    return _act("hand-back", number, {}, to)


@exceptions.command("note")
def note(number: Id, reason: Reason, to: To = None) -> int:
    """Write a note on it."""
    return _act("note", number, {"reason": reason}, to)


@exceptions.command("close")
def close(number: Id, reason: Reason, to: To = None) -> int:
    """Close it by your word; it opens again only when something new happens."""
    return _act("close", number, {"reason": reason}, to)


async def _all(node: Node, path: str = "exceptions", **query: str | None) -> list[Json]:
    return [one async for one in node.pages(path, **query)]


async def _story(node: Node, number: str) -> Json:
    found = await node.exception(number)
    if found is None:
        raise CommandFailed(f"{number}: no such exception")
    path = f"exceptions/{number}/items"
    return found | {"items": [item async for item in node.pages(path)]}


def _row(one: Json) -> tuple[object, ...]:
    waiting, age = one["waiting"], span(one["age_s"])
    return one["id"], one["cause"], waiting, age, one["owner"], one["next_action"], one["taken_by"]


def _clock(one: Json) -> tuple[object, ...]:
    name = one["certificate_number"] or one["message_id"]
    return one["name"], name, one["party"], one["limit"], when(one["due_at"]), one["state"], one["owner"]


def _act(verb: str, number: str, body: Json, to: str | None) -> int:
    answer = on_node(to, lambda node: node.settle(verb, number, body))
    if not answer.is_good:
        complain(f"{number}: {verb} refused: {answer.words}")
        return Status.REFUSED
    say(f"{number}: {verb} done, now {answer.body['state']}")
    return Status.DONE
