"""
What every dialect can do: say what a message says in another syntax, and read it back.

Both work on whole documents: on one side the canonical form, a certificate of a form or an exchange document,
on the other the business document that travels. A dialect serves every form. It is pure and may be shared
between threads; what is compiled is compiled once a thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from lxml import etree

from gateway.domain.dialect import DialectName
from gateway.domain.errors import Unreadable
from gateway.domain.form import Form
from gateway.domain.ids import FormId
from gateway.domain.message import Header
from gateway.domain.status import MessageType

Forms = Mapping[FormId, Form]


class Dialect(Protocol):
    """Writes and reads the documents of messages in one syntax."""

    @property
    def id(self) -> DialectName:
        """The name by which a corridor asks for it."""
        ...

    @property
    def version(self) -> str:
        """What the header of a message says under TypeVersion of a document in this dialect."""
        ...

    @property
    def types(self) -> frozenset[MessageType]:
        """The types of message that it has a document for; all others travel in canonical form."""
        ...

    def speaks(self, document: etree._Element) -> bool:
        """Whether the root of *document* is one of this dialect's."""
        ...

    def read(self, document: etree._Element, forms: Forms) -> tuple[etree._Element, Form]:
        """
        The certificate in *document* in canonical form, and the form that it names.

        Raises:
            ContentRefused: it does not fit the dialect, or lacks what the canonical form cannot do without.
            FormNotAgreed: S03, it names no form of *forms*.
        """
        ...

    def to_wire(
        self, document: etree._Element, header: Header, forms: Forms, about: etree._Element | None = None
    ) -> etree._Element:
        """
        Write *document*, the canonical form of a message under *header*, as it travels in this dialect.

        Args:
            header: of one of the dialect's types.
            about: for an acknowledgement, the document that is acknowledged, as it travelled.

        Raises:
            ContentRefused: with everything that the dialect cannot hold.
        """
        ...

    def from_wire(self, document: etree._Element, header: Header, forms: Forms) -> etree._Element:
        """
        The canonical form of *document*, which travelled under *header*.

        It is not judged here; what the dialect says is carried over and nothing is invented.

        Raises:
            ContentRefused: it does not fit the dialect, or lacks what the canonical form cannot do without.
            FormNotAgreed: S03, it names no form of *forms*.
            Unreadable: S01, it is on another form than *header* says.
        """
        ...


def check_form(form: Form, header: Header) -> None:
    """
    Whether a certificate in a dialect is on the form that its *header* names.

    Raises:
        Unreadable: S01, it is on another one.
    """
    if form.id != header.form:
        raise Unreadable(f"FORM is {header.form}, but the business document is a certificate on {form.id}")
