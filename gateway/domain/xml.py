"""The one hardened XML reader; every byte from outside that claims to be XML passes through it."""

from __future__ import annotations

import re
import threading

from lxml import etree

from gateway.domain.errors import TooLarge, Unreadable

MAX_MESSAGE_BYTES = 5 * 1024 * 1024
MAX_ATTRIBUTES = 100

_local = threading.local()


def read_xml(raw: bytes, *, limit: int = MAX_MESSAGE_BYTES) -> etree._Element:
    """
    Parse *raw* and refuse what could hurt later steps.

    No DTD (lxml's validator dies of an unresolved entity instead of reporting it), at most 100
    attributes an element (canonicalisation is quadratic in them), nothing fetched, nothing expanded.

    Raises:
        TooLarge: more than *limit* bytes; decided before parsing.
        Unreadable: not well-formed, a DTD, too many attributes.
    """
    if len(raw) > limit:
        raise TooLarge(f"{len(raw)} bytes are more than the {limit} agreed")
    try:
        root = etree.fromstring(raw, _parser())
    except etree.XMLSyntaxError as error:
        line, column = error.position
        where = f": line {line}, column {column}" if line else ""
        raise Unreadable(f"Not well-formed{where}: {_first_line(error.msg)}", line=line) from None
    except ValueError as error:
        raise Unreadable(f"Not readable as XML: {_first_line(str(error))}") from None
    if root.getroottree().docinfo.doctype:
        raise Unreadable("A document type declaration (DTD) is not allowed", action="Remove the DOCTYPE.")
    if _too_many_attributes()(root):
        raise Unreadable(f"More than {MAX_ATTRIBUTES} attributes on one element")
    return root


def readable_path(element: etree._Element) -> str:
    """
    Where *element* stands, for people: ``/CertificateOfOrigin/Items/Item[2]/FobValue``.

    Names without prefixes; a position where an element of the same name stands beside it.
    """
    parts: list[str] = []
    node: etree._Element | None = element
    while node is not None:
        parts.append(_step(node))
        node = node.getparent()
    return "/" + "/".join(reversed(parts))


def _step(node: etree._Element) -> str:
    name = etree.QName(node)
    before = len(list(node.itersiblings(name.text, preceding=True)))
    if before or next(node.itersiblings(name.text), None) is not None:
        return f"{name.localname}[{before + 1}]"
    return name.localname


def _parser() -> etree.XMLParser:
    parser = getattr(_local, "parser", None)
    if parser is None:
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, huge_tree=False
        )
        _local.parser = parser
    return parser


def _too_many_attributes() -> etree.XPath:
    xpath = getattr(_local, "too_many", None)
    if xpath is None:
        xpath = etree.XPath(f"boolean(//*[@*[{MAX_ATTRIBUTES + 1}]])")
        _local.too_many = xpath
    return xpath


def _first_line(text: str | None) -> str:
    return re.sub(r"\s+", " ", (text or "").split("\n")[0])[:200]
