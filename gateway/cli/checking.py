"""``eco-gateway check``: the whole registry, judged as a node would before it starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.desk import Desk
from gateway.cli.failures import Status, WrongUse
from gateway.cli.screen import remark, say
from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.registry.folder import Folder, over_shipped
from gateway.registry.forms import RECORD_SCHEMA, load_record_schema
from gateway.registry.load import load_registry
from gateway.settings import read_settings
from gateway.validate.shape import Records


def check(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR",
            help="Laid over the shipped registry; else ECO_GATEWAY_REGISTRY.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Judge the whole registry. Each fault is a line 'file: key: fault'; exit status 1 if there is one."""
    own = read_settings({"registry": folder}).registry
    if own is not None and not own.is_dir():
        raise WrongUse(f"{own}: no such folder")
    faults = registry_faults(over_shipped(own))
    for fault in faults:
        say(fault)
    remark(f"{len(faults)} faults" if faults else "The registry is good.")
    return Status.REFUSED if faults else Status.DONE


def registry_faults(folder: Folder) -> list[RegistryFault]:
    """
    Every fault of *folder*: keys, names, files and hashes first, then what does not compile.

    A fault in one part hides none in another.
    """
    return list(
        dict.fromkeys(fault for part in (load_registry, Desk, _records) for fault in _faults(part, folder))
    )


def _faults(part: Callable[[Folder], object], folder: Folder) -> Iterator[RegistryFault]:
    try:
        part(folder)
    except Misconfigured as error:
        yield from error.faults


def _records(folder: Folder) -> Records:
    try:
        return Records(load_record_schema(folder))
    except ValueError as error:
        raise Misconfigured((RegistryFault(RECORD_SCHEMA, "-", str(error)),)) from None
