"""Names of UBL 2.1, and what is ours in it."""

from __future__ import annotations

from gateway.domain.dialect import DialectName

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"

CERTIFICATE = f"{_UBL}CertificateOfOrigin-2"
RESPONSE = f"{_UBL}ApplicationResponse-2"
AGGREGATE = f"{_UBL}CommonAggregateComponents-2"
BASIC = f"{_UBL}CommonBasicComponents-2"
EXTENSION = f"{_UBL}CommonExtensionComponents-2"

DIALECT = DialectName.UBL.value
"""What stands in ProfileID."""

VERSION = "2.1"
"""What stands in UBLVersionID."""

REST = "urn:eco-gateway:ubl:1.0"
"""Namespace of our extension, and its address inside the document."""


def cac(name: str) -> str:
    """The tag of an aggregate component."""
    return f"{{{AGGREGATE}}}{name}"


def cbc(name: str) -> str:
    """The tag of a basic component."""
    return f"{{{BASIC}}}{name}"


def ext(name: str) -> str:
    """The tag of an extension component."""
    return f"{{{EXTENSION}}}{name}"


def rest(name: str) -> str:
    """The tag of an element of our extension."""
    return f"{{{REST}}}{name}"
