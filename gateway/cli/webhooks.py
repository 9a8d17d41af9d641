"""``eco-gateway webhooks``: who is told of events over HTTP, with which secret, and from where on."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.cli.client import Json, Node
from gateway.cli.failures import CommandFailed, Status
from gateway.cli.node import AsJson, To, on_node
from gateway.cli.screen import print_json, say, table, when

webhooks = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The subscriber, as 'webhooks list' shows it.")]
After = typer.Option(metavar="CURSOR", help="Tell everything behind this event; 0 for all there ever was.")


@webhooks.callback()
def _webhooks() -> None:
    """Subscribers that are told of events, signed and in order. Asked of a running node."""


@webhooks.command("list")
def list_(to: To = None, as_json: AsJson = False) -> int:
    """Every subscriber, how it stands and why; without secrets."""
    found = on_node(to, Node.webhooks)
    if as_json:
        print_json(found)
        return Status.DONE
    rows = [
        (
            one["name"],
            one["state"],
            when(one["told_at"]),
            str(one["failures"]),
            one["cause"] or "",
            one["url"],
        )
        for one in found
    ]
    table(("name", "state", "told", "failures", "cause", "address"), rows)
    return Status.DONE


@webhooks.command("add")
def add(
    name: Name,
    url: Annotated[str, typer.Argument(metavar="URL", help="Where events are posted.")],
    role: Annotated[str, typer.Option("--role", metavar="ROLE", help="It is told what this role sees.")],
    organisation: Annotated[
        str | None, typer.Option("--organisation", metavar="CODE", help="Of this organisation alone.")
    ] = None,
    after: Annotated[str | None, After] = None,
    to: To = None,
) -> int:
    """A new subscriber, told from now on; its secret is shown this once."""
    given = {"name": name, "url": url, "role": role, "organisation": organisation, "after": after}
    made = _done(to, "", {key: value for key, value in given.items() if value is not None})
    say(f"{name}: {made['secret']}")
    return Status.DONE


@webhooks.command("rotate")
def rotate(name: Name, to: To = None) -> int:
    """A new secret, shown this once; for a day the former signs as well."""
    say(f"{name}: {_done(to, f'{name}/rotate', {})['secret']}")
    return Status.DONE


@webhooks.command("replay")
def replay(name: Name, after: Annotated[str, After], to: To = None) -> int:
    """Tell it everything after an event again."""
    return _turned(to, name, "replay", {"after": after})


@webhooks.command("suspend")
def suspend(name: Name, to: To = None) -> int:
    """Tell it no more, until it is resumed; nothing is lost."""
    return _turned(to, name, "suspend", {})


@webhooks.command("resume")
def resume(name: Name, to: To = None) -> int:
    """Tell it again from where it stands, at once."""
    return _turned(to, name, "resume", {})


@webhooks.command("remove")
def remove(name: Name, to: To = None) -> int:
    """Forget it."""
    _done(to, f"{name}/remove", {})
    say(f"{name}: removed")
    return Status.DONE


def _turned(to: str | None, name: str, verb: str, body: Json) -> int:
    say(f"{name}: {_done(to, f'{name}/{verb}', body)['state']}")
    return Status.DONE


def _done(to: str | None, path: str, body: Json) -> Json:
    answer = on_node(to, lambda node: node.webhook(path, body))
    if not answer.is_good:
        raise CommandFailed("; ".join([answer.words, *(found["text"] for found in answer.findings)]))
    return answer.body
