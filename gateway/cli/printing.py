"""``eco-gateway preview``: a certificate as people read it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.client import Node
from gateway.cli.failures import CommandFailed, Status
from gateway.cli.files import write_file
from gateway.cli.node import To, on_node
from gateway.cli.screen import remark
from gateway.cli.tracking import find_certificate


def preview(
    number: Annotated[str, typer.Argument(metavar="CERTIFICATE_NUMBER", help="Which certificate.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE.pdf", help="Where it goes.")],
    language: Annotated[str, typer.Option("--lang", metavar="en|th|vi", help="Of the labels.")] = "en",
    form: Annotated[
        str | None,
        typer.Option("--form", metavar="FORM", help="The form, where the number stands on several."),
    ] = None,
    to: To = None,
) -> int:
    """Print a certificate like the paper form, as a PDF with the sealed XML attached."""

    async def fetch(node: Node) -> bytes:
        found = await find_certificate(node, number, form=form)
        if found is None:
            raise CommandFailed(f"{number}: no such certificate is known here")
        return await node.preview(found, language)

    printed = on_node(to, fetch)
    write_file(output, printed)
    remark(f"wrote {output}, {len(printed)} bytes")
    return Status.DONE
