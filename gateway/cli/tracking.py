"""``eco-gateway track``: where one certificate or message stands, and everything that happened to it."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from gateway.cli.client import Json, Node, NodeRefused
from gateway.cli.failures import CommandFailed, Status, WrongUse
from gateway.cli.node import AsJson, To, on_node
from gateway.cli.screen import print_json
from gateway.cli.timeline import show_story

_MESSAGE_ID = re.compile(r"[^\s@<>&]+@[^\s@<>&]+")
_AMBIGUOUS = 409


def track(
    name: Annotated[str, typer.Argument(metavar="CERTIFICATE_NUMBER|MESSAGE_ID", help="What to tell of.")],
    form: Annotated[
        str | None,
        typer.Option("--form", metavar="FORM", help="The form, where the number stands on several."),
    ] = None,
    party: Annotated[
        str | None,
        typer.Option("--party", metavar="PARTY", help="Whose message, where two parties used its id."),
    ] = None,
    to: To = None,
    as_json: AsJson = False,
) -> int:
    """Tell the whole story of a certificate or a message."""
    story = on_node(to, lambda node: find_story(node, name, form=form, party=party))
    if as_json:
        print_json(story)
    else:
        show_story(story)
    return Status.DONE


async def find_story(node: Node, name: str, *, form: str | None, party: str | None) -> Json:
    """
    The certificate object for a certificate number, or for the id of any message about it.

    Raises:
        CommandFailed: nobody knows *name*.
        WrongUse: it means more than one; the text lists them.
    """
    if _MESSAGE_ID.fullmatch(name) and (message := await _message(node, name, party)):
        return await _around(node, message, party)
    found = await find_certificate(node, name, form=form)
    story = await node.certificate(found) if found else None
    if story is None:
        raise CommandFailed(f"{name}: no certificate and no message of that name is known here")
    return story


async def find_certificate(node: Node, number: str, *, form: str | None) -> Json | None:
    """
    What a search finds under *number*; None when there is no such certificate.

    Raises:
        WrongUse: it stands on several; the text lists them.
    """
    items = [item async for item in node.certificates(number=number, form=form)]
    if len(items) > 1:
        raise WrongUse(_choice(number, items))
    return items[0] if items else None


async def _message(node: Node, message_id: str, party: str | None) -> Json | None:
    try:
        return await node.message(message_id, party)
    except NodeRefused as refused:
        if refused.answer.status == _AMBIGUOUS:
            raise WrongUse(f"{message_id}: {refused.answer.words}; say which with --party") from None
        raise


async def _around(node: Node, message: Json, party: str | None) -> Json:
    """The story of the certificate that *message* is about; of itself when it is about none that we know."""
    number = message.get("certificate_number")
    if number:
        async for item in node.certificates(number=number, form=message["form"]):
            story = await node.certificate(item)
            if story and any(one["message_id"] == message["message_id"] for one in story["messages"]):
                return story
    unknown = ("exporting_country", "importing_country", "life", "owner", "next_action", "until")
    attempts = message.get("attempts") or [{}]
    return {
        "certificate_number": number,
        "form": message["form"],
        **dict.fromkeys(unknown),
        "cause": message.get("cause") or attempts[-1].get("cause"),
        "messages": [message],
        "customs_responses": [],
        "events": await node.events(message["message_id"], party),
    }


def _choice(name: str, items: list[Json]) -> str:
    lines = [
        f"  {item['form']}  {item['exporting_country']} -> {item['importing_country']}  {item['message_id']}"
        for item in items
    ]
    return "\n".join([f"{name} stands on several certificates; say --form, or track one's message:", *lines])
