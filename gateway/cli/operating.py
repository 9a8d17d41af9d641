"""
What operators do to deliveries and parties: hold, release, resend, withdraw, suspend, resume, outage.

One message is acted upon at once. Several, or whatever a filter finds, become an action of the node: a frozen
list, counted and sampled first, which ``--yes`` starts and which is worked off at a rate and can be stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from gateway.cli.acting import carry_out, show_plan
from gateway.cli.choosing import days_and_urls, read_filter
from gateway.cli.client import Answer, Json, Node
from gateway.cli.failures import CommandFailed, Status, WrongUse
from gateway.cli.node import AsJson, To, on_node
from gateway.cli.screen import complain, print_json, remark, say

MOST = 1_000
PER_SECOND = 50

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
ByForm = Annotated[
    str | None, typer.Option("--form", metavar="FORM", help="Filter: in this form, such as atiga/form-d.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do it; asked for more than one message.")]
Most = Annotated[
    int, typer.Option("--most", metavar="N", min=1, help="Do nothing when the filter finds more than this.")
]
PerSecond = Annotated[
    int, typer.Option("--per-second", metavar="N", min=1, help="How many messages are taken a second.")
]
OneCorridor = Annotated[
    str | None, typer.Option("--form", metavar="FORM", help="One corridor alone, such as atiga/form-d.")
]
Until = Annotated[
    str | None, typer.Option("--until", metavar="INSTANT", help="Ends by itself then: 2026-11-22T06:00:00Z.")
]
PartyName = Annotated[str, typer.Argument(metavar="PARTY", help="The party's id, such as TH.CUSTOMS.")]


def _command(verb: str, meaning: str) -> Callable[..., int]:
    def command(
        ids: Ids = None,
        party: ByParty = None,
        status: ByStatus = None,
        form: ByForm = None,
        first_day: FromDay = None,
        to: ToDayOrNode = None,
        reason: Reason = None,
        yes: Yes = False,
        most: Most = MOST,
        per_second: PerSecond = PER_SECOND,
    ) -> int:
        last_day, url = days_and_urls(to or ())
        wanted = read_filter(
            verb, party=party, status=status, form=form, first_day=first_day, last_day=last_day
        )
        if ids and (status or form or first_day or last_day):
            raise WrongUse("either message ids or a filter, not both")
        if not ids and not wanted.body:
            raise WrongUse(
                "name messages by their ids, or filter with --party, --status, --form, --from, --to"
            )
        named = list(dict.fromkeys(ids or ()))
        meant = {"messages": named, "party": party} if named else {"filter": wanted.body}
        plan = {"verb": verb, "reason": reason, "most": most, "per_second": per_second, **meant}

        async def act(node: Node) -> int:
            if len(named) == 1:
                return _told(named[0], verb, await node.operate(verb, named[0], _body(reason), party))
            return await _many(node, plan, yes=yes)

        return on_node(url, act)

    command.__doc__ = meaning
    return command


async def _many(node: Node, plan: Json, *, yes: bool) -> int:
    answer = await node.plan({name: value for name, value in plan.items() if value is not None})
    if answer.status == 404 and "filter" in plan:
        say(answer.words)
        return Status.DONE
    if not answer.is_good:
        raise CommandFailed(f"{answer.words}{_findings(answer)}")
    action = answer.body
    show_plan(action)
    if not yes:
        remark(
            "Nothing was done; add --yes to do it, or start this very list with "
            f"'eco-gateway actions start {action['action_id']}'."
        )
        return Status.REFUSED
    return await carry_out(node, action["action_id"], {"count": action["count"]})


def _findings(answer: Answer) -> str:
    return "".join(f"\n{finding['text']}" for finding in answer.findings)


hold = _command("hold", "Stop deliveries until they are released.")
release = _command("release", "Let held deliveries go on, at once.")
resend = _command(
    "resend", "Send messages again, same id and bytes. For what is delivered, refused or expired."
)
withdraw = _command("withdraw", "Take back deliveries that have not arrived.")


def suspend(
    party: PartyName,
    reason: Reason = None,
    form: OneCorridor = None,
    outgoing_only: Annotated[
        bool, typer.Option("--outgoing-only", help="Go on taking what the party sends.")
    ] = False,
    until: Until = None,
    to: To = None,
) -> int:
    """Stop exchanging with a party, or in one form. Submissions are still taken, and wait."""
    body = _body(reason) | _given(form=form, until=until)
    body |= {"outgoing_only": True} if outgoing_only else {}
    return _told(party, "suspend", on_node(to, lambda node: node.steer("suspend", party, body)))


def resume(party: PartyName, reason: Reason = None, form: OneCorridor = None, to: To = None) -> int:
    """Exchange with a suspended party again, or in one form; ends an outage."""
    body = _body(reason) | _given(form=form)
    return _told(party, "resume", on_node(to, lambda node: node.steer("resume", party, body)))


def outage(
    party: PartyName,
    notice: Annotated[
        str, typer.Option("--notice", metavar="WORDS", help="What senders are told, such as to use paper.")
    ],
    reason: Reason = None,
    until: Until = None,
    to: To = None,
) -> int:
    """Declare that a party is out: nothing is sent, senders see the notice; 'resume' ends it."""
    body = _body(reason) | _given(notice=notice, until=until)
    return _told(party, "outage", on_node(to, lambda node: node.steer("outage", party, body)))


def _given(**values: str | None) -> Json:
    return {name: value for name, value in values.items() if value is not None}


def ping(party: PartyName, to: To = None, as_json: AsJson = False) -> int:
    """Ask a party whether it is there. An answer ends what its lane waits for."""
    answer = on_node(to, lambda node: node.steer("ping", party, {}))
    if not answer.is_good:
        complain(f"{party}: ping refused: {answer.words}")
        return Status.REFUSED
    told = answer.body
    if as_json:
        print_json(told)
    elif told["answered"]:
        say(f"{party}: answered in {told['took_ms']} ms" + (f", {told['cause']}" if told["cause"] else ""))
    else:
        say(f"{party}: no answer, {told['cause']}")
    return Status.DONE if told["answered"] else Status.REFUSED


def _body(reason: str | None) -> Json:
    return {} if reason is None else {"reason": reason}


def _told(name: str, verb: str, answer: Answer) -> int:
    if not answer.is_good:
        complain(f"{name}: {verb} refused: {answer.words}")
        return Status.REFUSED
    now = answer.body.get("delivery")
    say(f"{name}: {verb} done" + (f", now {now}" if now else ""))
    return Status.DONE
