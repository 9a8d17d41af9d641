"""``eco-gateway check``: the whole registry, judged as a node would before it starts, and its examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.desk import Desk
from gateway.cli.failures import Status, WrongUse
from gateway.cli.pairs import check_pairs, pair_doubts
from gateway.cli.screen import remark, say
from gateway.cli.scrutiny import all_seal_faults, corridor_doubts, party_doubts, stray_files
from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.public.paper import paper_faults
from gateway.registry.codes import load_codes
from gateway.registry.folder import Folder, over_shipped
from gateway.registry.forms import RECORD_SCHEMA, load_forms, load_record_schema
from gateway.registry.load import Registry, load_registry
from gateway.registry.parties import read_parties
from gateway.settings import read_settings
from gateway.validate.check import check_forms
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
    """
    Judge the whole registry. Each fault is a line 'file: key: fault'; exit status 1 if there is one.

    What is no fault and probably a mistake is told on standard error, each a line that begins 'note:'.
    """
    settings = read_settings({"registry": folder})
    own = settings.registry
    if own is not None and not own.is_dir():
        raise WrongUse(f"{own}: no such folder")
    whole = over_shipped(own)
    faults = registry_faults(whole)
    for fault in faults:
        say(fault)
    doubts = [] if own is None else [*stray_files(Folder((own,)))]
    registry = None if faults else load_registry(whole)
    if registry is not None:
        doubts += _doubts(registry, settings.make_clock()())
    for doubt in doubts:
        remark(f"note: {doubt}")
    if registry is None:
        remark(f"{len(faults)} fault{'' if len(faults) == 1 else 's'}")
        return Status.REFUSED
    remark(f"The registry is good: {_counted(registry)}.")
    return Status.DONE


def registry_faults(folder: Folder) -> list[RegistryFault]:
    """
    Every fault of *folder*: keys, names, files and hashes first, then what does not compile or hold.

    A fault in one part hides none in another.
    """
    parts = (load_registry, _seals, Desk, _records, check_pairs, _examples, _papers)
    return list(dict.fromkeys(fault for part in parts for fault in _faults(part, folder)))


def _faults(part: Callable[[Folder], object], folder: Folder) -> Iterator[RegistryFault]:
    try:
        part(folder)
    except Misconfigured as error:
        yield from error.faults


def _records(folder: Folder) -> Records:
    try:
        return Records(load_record_schema(folder), load_forms(folder).values())
    except ValueError as error:
        raise Misconfigured((RegistryFault(RECORD_SCHEMA, "-", str(error)),)) from None


def _seals(folder: Folder) -> None:
    if faults := all_seal_faults(folder):
        raise Misconfigured(faults)


def _examples(folder: Folder) -> None:
    """Each example of each form has exactly the findings that it should have."""
    if faults := check_forms(load_forms(folder), load_codes(folder), folder):
        raise Misconfigured(faults)


def _papers(folder: Folder) -> None:
    """Each form that is laid out on paper is printed, in every language."""
    if faults := tuple(paper_faults(load_registry(folder))):
        raise Misconfigured(faults)


def _doubts(registry: Registry, now: datetime) -> Iterator[RegistryFault]:
    for relative, party in read_parties(registry.folder)[0].items():
        yield from party_doubts(relative, party, now)
    yield from corridor_doubts(registry, now)
    yield from pair_doubts(registry)


def _counted(registry: Registry) -> str:
    counts = (
        (len(registry.forms), "form", "forms"),
        (len(registry.parties), "party", "parties"),
        (len(registry.corridors), "corridor", "corridors"),
    )
    return ", ".join(f"{count} {one if count == 1 else more}" for count, one, more in counts)
