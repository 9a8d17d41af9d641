"""Whether each dialect gives back the certificates it is given: the fullest valid example of each form."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from gateway.domain.dialect import DialectName
from gateway.domain.errors import ContentRefused, Misconfigured, Refused, RegistryFault
from gateway.domain.form import Form
from gateway.domain.ids import ConversationId, MessageId, PartyId
from gateway.domain.message import Header
from gateway.domain.status import MessageType
from gateway.domain.xml import read_xml
from gateway.registry.folder import SHIPPED, Folder
from gateway.registry.load import Registry, load_registry
from gateway.translate.dialects import Dialects
from gateway.validate.records import record_of


def check_pairs(folder: Folder) -> None:
    """
    Write an example of each form in each dialect and read it back; its box record must be the same.

    Shipped forms go through every dialect, others through those that a corridor names for them.

    Raises:
        Misconfigured: a dialect can hold no valid example of such a form, or gives another one back; or the
            registry itself has faults.
    """
    if faults := tuple(_faults(load_registry(folder), binding=True)):
        raise Misconfigured(faults)


def pair_doubts(registry: Registry) -> Iterator[RegistryFault]:
    """What the dialects lose of forms that no corridor carries in them yet."""
    yield from _faults(registry, binding=False)


def _faults(registry: Registry, *, binding: bool) -> Iterator[RegistryFault]:
    dialects = Dialects(registry.folder, registry.forms)
    named = {(corridor.delivers, corridor.certificates_in) for corridor in registry.corridors.values()}
    for form in registry.forms.values():
        shipped = (SHIPPED / form.folder / "form.toml").is_file()
        for name in DialectName:
            if binding is (shipped or (form.id, name) in named):
                yield from _pair(form, name, dialects, registry.folder)


def what_is_said(value: Any) -> Any:
    """A box record without what says nothing in it, empty lists and texts: no dialect keeps those."""
    if isinstance(value, dict):
        kept = {key: what_is_said(one) for key, one in value.items()}
        return {key: one for key, one in kept.items() if one not in ({}, [], "")}
    return [what_is_said(one) for one in value] if isinstance(value, list) else value


def _pair(form: Form, name: DialectName, dialects: Dialects, folder: Folder) -> Iterator[RegistryFault]:
    refused: RegistryFault | None = None
    for relative, document in _fullest_first(form, folder):
        try:
            back = _there_and_back(document, form, name, dialects)
        except ContentRefused as error:  # a character set, say, that cannot hold this one
            refused = refused or RegistryFault(relative, name, f"cannot be written: {error}")
            continue
        except Refused as error:
            yield RegistryFault(relative, name, f"cannot be read back: {error}")
            return
        if what_is_said(record_of(back, form)) != what_is_said(record_of(document, form)):
            yield RegistryFault(relative, name, "is read back as another certificate than was written")
        return
    if refused is not None:
        yield refused


def _fullest_first(form: Form, folder: Folder) -> Iterator[tuple[str, etree._Element]]:
    found = [
        (relative, path.read_bytes()) for relative, path in folder.glob(f"{form.folder}/examples/valid/*.xml")
    ]
    for relative, octets in sorted(found, key=lambda one: len(one[1]), reverse=True):
        yield relative, read_xml(octets)


def _there_and_back(
    document: etree._Element, form: Form, name: DialectName, dialects: Dialects
) -> etree._Element:
    header = Header(
        sender=PartyId("A.SENDER"),
        receiver=PartyId("A.RECEIVER"),
        standard=form.namespace,
        type_version="1.0",
        message_id=MessageId("example@a.sender"),
        type=MessageType.CERTIFICATE,
        created_at=datetime.now(UTC),
        conversation_id=ConversationId("example@a.sender"),
        form=form.id,
        certificate_number=record_of(document, form)["certificate_number"],
    )
    wire = dialects.to_wire(name, document, header)
    if wire is None:
        return document
    dialect = dialects.spoken_in(wire[1])
    return document if dialect is None else dialects.from_wire(dialect, wire[1], wire[0])
