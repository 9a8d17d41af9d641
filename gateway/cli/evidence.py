"""``eco-gateway evidence``: what proves one conversation, packed and, years later, checked offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509

from gateway.cli.client import Node
from gateway.cli.failures import Status, WrongUse
from gateway.cli.files import read_file, write_file
from gateway.cli.node import AsJson, To, on_node
from gateway.cli.screen import complain, print_json, remark, say
from gateway.cli.tracking import find_story
from gateway.observe.evidence_check import check_evidence
from gateway.trust.chain import UNREADABLE

evidence = typer.Typer(rich_markup_mode=None, no_args_is_help=True)


@evidence.callback()
def _evidence() -> None:
    """Pack the proof of one conversation, or check such a pack."""


@evidence.command("export")
def export(
    name: Annotated[str, typer.Argument(metavar="CERTIFICATE_NUMBER|MESSAGE_ID", help="What to prove.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="BUNDLE.zip", help="Where it goes.")],
    form: Annotated[
        str | None,
        typer.Option("--form", metavar="FORM", help="The form, where the number stands on several."),
    ] = None,
    party: Annotated[
        str | None,
        typer.Option("--party", metavar="PARTY", help="Whose message, where two parties used its id."),
    ] = None,
    to: To = None,
) -> int:
    """Pack everything that proves a certificate's conversation. Asked of a running node."""

    async def fetch(node: Node) -> bytes:
        story = await find_story(node, name, form=form, party=party)
        message = story["messages"][0]
        whose = message["party"] if message["direction"] == "in" else None
        return await node.evidence(message["message_id"], party or whose)

    bundle = on_node(to, fetch)
    write_file(output, bundle)
    remark(f"wrote {output}, {len(bundle)} bytes")
    return Status.DONE


@evidence.command("verify")
def verify(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE.zip", help="What 'evidence export' wrote.")],
    trust: Annotated[
        list[Path] | None,
        typer.Option("--trust", metavar="PEM", help="Anchors or signing certificates; several may be given."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Check a pack offline, by the certificates of its own time. Exit status 1 if anything was altered."""
    found = check_evidence(read_file(bundle), [each for path in trust or () for each in _trusted(path)])
    good = all(check.good for check in found)
    if as_json:
        checks = [{"what": each.what, "good": each.good, "detail": each.detail} for each in found]
        print_json({"file": str(bundle), "checks": checks, "ok": good})
    else:
        for check in found:
            verdict, style = ("good  ", "green") if check.good else ("FAILED", "red")
            say(f"{verdict}  {check.what}: {check.detail}", style=style)
    if not good:
        failed = next(check for check in found if not check.good)
        complain(f"{bundle}: {failed.what}: {failed.detail}")
        return Status.REFUSED
    return Status.DONE


def _trusted(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(read_file(path))
    except UNREADABLE:
        raise WrongUse(f"--trust: {path} holds no PEM certificate") from None
