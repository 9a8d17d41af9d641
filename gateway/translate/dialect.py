"""
What every dialect can do: the same certificate and the same acknowledgement in another syntax.

A dialect serves every form. It is pure and may be shared between threads; what is compiled is compiled once a
thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from lxml import etree

from gateway.domain.acknowledgement import Acknowledgement
from gateway.domain.form import Form
from gateway.domain.ids import FormId


class Dialect(Protocol):
    """Writes and reads certificates and acknowledgements in one syntax."""

    @property
    def id(self) -> str:
        """The name by which a corridor asks for the dialect, ``ubl-2.1``."""
        ...

    def speaks(self, document: etree._Element) -> bool:
        """Whether the root of *document* is one of this dialect's."""
        ...

    def write(self, document: etree._Element, form: Form) -> etree._Element:
        """
        Write *document*, a certificate of *form* that fits its schema, in this dialect.

        Raises:
            ContentRefused: S02, with everything that the dialect cannot hold.
        """
        ...

    def read(self, document: etree._Element, forms: Mapping[FormId, Form]) -> tuple[etree._Element, Form]:
        """
        Read a certificate of this dialect back, with the form that it is written on.

        The certificate is not judged here; what the dialect says is carried over and nothing is invented.

        Raises:
            ContentRefused: S02, it does not fit the dialect, or lacks what the form cannot do without.
            FormNotAgreed: S03, it names no form of *forms*.
        """
        ...

    def write_acknowledgement(self, body: Acknowledgement) -> etree._Element:
        """Write *body* in this dialect."""
        ...

    def read_acknowledgement(self, document: etree._Element) -> Acknowledgement:
        """
        Read an acknowledgement of this dialect.

        Raises:
            ContentRefused: S02, it does not fit the dialect.
        """
        ...
