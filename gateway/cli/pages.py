"""``eco-gateway pages``: the page of each form, written from its data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.failures import CommandFailed, Status
from gateway.cli.judging import OwnRegistry
from gateway.cli.screen import remark
from gateway.observe.form_pages import write_pages
from gateway.observe.state_page import state_page
from gateway.registry.folder import over_shipped
from gateway.settings import read_settings


def pages(
    target: Annotated[Path, typer.Argument(metavar="DIR", help="Where the pages go.")],
    registry: OwnRegistry = None,
    states: Annotated[
        Path | None, typer.Option("--states", metavar="FILE", help="Write the page of states, too.")
    ] = None,
) -> int:
    """Write a page for each form: its boxes, rules, code lists and examples, as Markdown."""
    folder = over_shipped(read_settings({"registry": registry}).registry)
    try:
        write_pages(folder, target)
        if states is not None:
            states.write_text(state_page(), "utf-8")
    except OSError as error:
        raise CommandFailed(f"{target}: {error.strerror}") from error
    remark(f"The pages of all forms are in {target}")
    return Status.DONE
