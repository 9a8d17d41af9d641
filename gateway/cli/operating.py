"""
What operators do to deliveries and parties: hold, release, resend, withdraw, suspend, resume.

One message is acted upon at once. Several, or whatever a filter finds, are counted and sampled first and need
``--yes``; they are then taken one after another, so that a run can be stopped in the middle. A filter finds
certificates that we sent; other messages are named by their ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from gateway.cli.choosing import agreed, days_and_urls, find, look_up, read_filter
from gateway.cli.client import Answer, Json, Node
from gateway.cli.failures import Status, WrongUse
from gateway.cli.node import To, on_node
from gateway.cli.screen import complain, say

MOST = 1_000

Ids = Annotated[list[str] | None, typer.Argument(metavar="MESSAGE_ID", help="The messages meant.")]
ByParty = Annotated[
    str | None,
    typer.Option(
        "--party",
        metavar="PARTY",
        help="Filter: sent to this party. With an id: whose it is, where two used it.",
    ),
]
ByStatus = Annotated[
    str | None, typer.Option("--status", metavar="STATUS", help="Filter: standing there, such as expired.")
]
FromDay = Annotated[
    str | None, typer.Option("--from", metavar="DAY", help="Filter: submitted that day (UTC) or later.")
]
ToDayOrNode = Annotated[
    list[str] | None,
    typer.Option(
        "--to", metavar="DAY|URL", help="Filter: submitted that day or before. A URL names the node instead."
    ),
]
Reason = Annotated[
    str | None, typer.Option("--reason", metavar="WORDS", help="Why; it stands in the timeline.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; asked for more than one message.")]
Most = Annotated[
    int, typer.Option("--most", metavar="N", min=1, help="Do nothing when the filter finds more than this.")
]
PartyName = Annotated[str, typer.Argument(metavar="PARTY", help="The party's id, such as TH.CUSTOMS.")]


def _command(verb: str, meaning: str) -> Callable[..., int]:
    def command(
        ids: Ids = None,
        party: ByParty = None,
        status: ByStatus = None,
        first_day: FromDay = None,
        to: ToDayOrNode = None,
        reason: Reason = None,
        yes: Yes = False,
        most: Most = MOST,
    ) -> int:
        last_day, url = days_and_urls(to or ())
        wanted = read_filter(verb, party=party, status=status, first_day=first_day, last_day=last_day)
        if ids and (status or first_day or last_day):
            raise WrongUse("either message ids or a filter, not both")
        if not ids and wanted.is_empty:
            raise WrongUse("name messages by their ids, or filter with --party, --status, --from, --to")
        named = list(dict.fromkeys(ids or ()))
        body = _body(reason)

        async def act(node: Node) -> int:
            if len(named) == 1:
                return await _each(node, verb, named, body, party)
            items = await (look_up(node, named, party) if named else find(node, verb, wanted, most))
            if not items:
                say(f"No message matches, nothing to {verb}.")
                return Status.DONE
            if not agreed(verb, items, yes):
                return Status.REFUSED
            found = [item["message_id"] for item in items]
            return await _each(node, verb, found, body, party if named else None)

        return on_node(url, act)

    command.__doc__ = meaning
    return command


hold = _command("hold", "Stop deliveries until they are released.")
release = _command("release", "Let held deliveries go on, at once.")
resend = _command(
    "resend", "Send messages again, same id and bytes. For what is delivered, refused or expired."
)
withdraw = _command("withdraw", "Take back deliveries that have not arrived.")


def suspend(
    party: PartyName,
    reason: Reason = None,
    outgoing_only: Annotated[
        bool, typer.Option("--outgoing-only", help="Go on taking what the party sends.")
    ] = False,
    to: To = None,
) -> int:
    """Stop exchanging with a party. Submissions are still taken, and wait."""
    body = _body(reason) | ({"outgoing_only": True} if outgoing_only else {})
    return _told(party, "suspend", on_node(to, lambda node: node.steer("suspend", party, body)))


def resume(party: PartyName, reason: Reason = None, to: To = None) -> int:
    """Exchange with a suspended party again."""
    return _told(party, "resume", on_node(to, lambda node: node.steer("resume", party, _body(reason))))


def _body(reason: str | None) -> Json:
    return {} if reason is None else {"reason": reason}


async def _each(node: Node, verb: str, ids: Sequence[str], body: Json, party: str | None) -> int:
    return max([_told(one, verb, await node.operate(verb, one, body, party)) for one in ids])


def _told(name: str, verb: str, answer: Answer) -> int:
    if not answer.is_good:
        complain(f"{name}: {verb} refused: {answer.words}")
        return Status.REFUSED
    now = answer.body.get("delivery")
    say(f"{name}: {verb} done" + (f", now {now}" if now else ""))
    return Status.DONE
