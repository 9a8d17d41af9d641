"""All dialects, in one look-up: by the name that a corridor has, and by the document that arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lxml import etree

from gateway.domain.dialect import DialectName
from gateway.domain.envelope import check_said
from gateway.domain.errors import Misconfigured, RegistryFault, Unreadable
from gateway.domain.form import Form
from gateway.domain.message import Header
from gateway.registry.folder import Folder
from gateway.translate.dialect import Dialect, Forms
from gateway.translate.edifact.data import load_edifact
from gateway.translate.edifact.decoding import is_interchange
from gateway.translate.edifact.dialect import EdifactDialect, dialects
from gateway.translate.ubl.dialect import UblDialect


class Dialects:
    """
    Turns canonical documents into what travels, and what arrived into canonical documents.

    Raises:
        Misconfigured: what a dialect is made of is not there, or does not compile; all faults are listed.
    """

    def __init__(self, folder: Folder, forms: Forms) -> None:
        self._forms = forms
        ubl, edifact = _load(folder)
        self._edifact = edifact[DialectName.EDIFACT]
        self._dialects: Mapping[DialectName, Dialect] = {ubl.id: ubl, **edifact}

    def spoken_in(self, document: etree._Element) -> Dialect | None:
        """The dialect that *document* is written in; None for canonical documents and unknown ones."""
        return next((dialect for dialect in self._dialects.values() if dialect.speaks(document)), None)

    def in_file(self, octets: bytes) -> tuple[tuple[etree._Element, Form], ...] | None:
        """
        Every certificate of a file of EDIFACT, in its order, with its form; None where it is no such file.

        Raises:
            Refused: it is no sound interchange, or what it says has no place in a certificate.
        """
        return self._edifact.from_octets(octets, self._forms) if is_interchange(octets) else None

    def wrapped(self, octets: bytes) -> etree._Element:
        """A file of EDIFACT as a message carries it, whatever it holds."""
        return self._edifact.wrapped(octets)

    def to_wire(
        self,
        name: DialectName | None,
        document: etree._Element,
        header: Header,
        about: etree._Element | None = None,
    ) -> tuple[Header, etree._Element] | None:
        """
        *document* as it travels in the dialect called *name*, under *header* as it is then.

        Args:
            about: for an acknowledgement, the document that is acknowledged, as it travelled.

        Returns:
            None where it travels as it is: no dialect is wanted, or it has no document of this type.

        Raises:
            ContentRefused: with everything that the dialect cannot hold.
        """
        if name is None or header.type not in (dialect := self._dialects[name]).types:
            return None
        written = dialect.to_wire(document, header, self._forms, about)
        namespace = etree.QName(written).namespace or ""
        return replace(header, standard=namespace, type_version=dialect.version), written

    def from_wire(self, dialect: Dialect, document: etree._Element, header: Header) -> etree._Element:
        """
        The canonical form of *document*, which is spoken in *dialect* and arrived under *header*.

        Raises:
            ContentRefused: it does not fit the dialect, or has no place in the canonical form.
            Refused: the header contradicts it (S01), it names no form (S03), or is too large (S04).
        """
        if header.type not in dialect.types:
            raise Unreadable(f"A {header.type} has no document in {dialect.id}")
        canonical = dialect.from_wire(document, header, self._forms)
        check_said(header, canonical)
        return canonical


def _load(folder: Folder) -> tuple[UblDialect, Mapping[DialectName, EdifactDialect]]:
    faults: list[RegistryFault] = []
    ubl = edifact = None
    try:
        ubl = UblDialect(folder)
    except Misconfigured as error:
        faults += error.faults
    try:
        edifact = {each.id: each for each in dialects(load_edifact(folder))}
    except Misconfigured as error:
        faults += error.faults
    if ubl is None or edifact is None:
        raise Misconfigured(tuple(faults))
    return ubl, edifact
