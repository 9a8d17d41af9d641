"""A business document in another syntax, carried as ``Interchange`` with its octets as they are."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from gateway.acknowledge.elements import collapse, octets, put_octets
from gateway.acknowledge.findings import EXCHANGE
from gateway.domain.errors import ContentRefused, Fault, Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Interchange:
    """What was written in another syntax, and how to read it."""

    content_type: str
    charset: str
    content: bytes


def write_interchange(interchange: Interchange) -> etree._Element:
    """Wrap a document in another syntax."""
    root = etree.Element(
        f"{{{EXCHANGE}}}Interchange",
        attrib={"contentType": interchange.content_type, "charset": interchange.charset},
        nsmap={None: EXCHANGE},
    )
    put_octets(root, interchange.content)
    return root


def read_interchange(root: etree._Element) -> Interchange:
    """
    Read a wrapped document that fits its schema.

    Raises:
        ContentRefused: S02; it is none.
    """
    try:
        if root.tag != f"{{{EXCHANGE}}}Interchange":
            raise ValueError(f"{etree.QName(root).localname} is no Interchange")
        return Interchange(
            content_type=collapse(root.get("contentType", "")),
            charset=collapse(root.get("charset", "")),
            content=octets(root),
        )
    except ValueError as error:
        raise ContentRefused((Finding(code=Fault.SCHEMA.value, text=f"Interchange: {error}"),)) from error
