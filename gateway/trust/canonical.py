"""Exclusive XML canonicalisation, without comments: the octets a seal is made over."""

from __future__ import annotations

import re

from lxml import etree

from gateway.domain.errors import SealRefused, TooLarge
from gateway.domain.xml import MAX_MESSAGE_BYTES

EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"

# Longest growth of honest text is fourfold (every ">" becomes "&gt;").
_GROWTH = 4
_AMPERSAND = re.compile(rb""" xmlns(?::[^=<>\s]*)?=(?:"[^"&]*&|'[^'&]*&)""")


def canonical(tree: etree._ElementTree[etree._Element], *, limit: int = MAX_MESSAGE_BYTES) -> bytes:
    """
    The exclusive canonical form of the whole document, without comments.

    A namespace is written anew at every element that needs it and whose parents do not, so a name of a
    megabyte and a few thousand elements would fill the memory: the writing stops at four times *limit*.

    Raises:
        TooLarge: the canonical form grows beyond that.
        SealRefused: there is none (a relative namespace name), or none that could be trusted: libxml2 does
            not escape an ampersand in a namespace name, so the form would read as another document.
    """
    octets = _Bounded(_GROWTH * limit)
    try:
        tree.write_c14n(octets, exclusive=True, with_comments=False)
    except etree.C14NError:
        raise SealRefused("The document has no canonical form", step=6) from None
    written = b"".join(octets.parts)
    if _AMPERSAND.search(written) and _has_ampersand(tree):
        raise SealRefused("A namespace name has an ampersand in it, which is not allowed", step=6)
    return written


def canonical_part(element: etree._Element) -> bytes:
    """
    The exclusive canonical form of one small element where it stands, without comments.

    Raises:
        SealRefused: there is none (a relative namespace name).
    """
    try:
        return etree.tostring(element, method="c14n", exclusive=True, with_comments=False)
    except etree.C14NError:
        raise SealRefused("The signature has no canonical form", step=6) from None


def _has_ampersand(tree: etree._ElementTree[etree._Element]) -> bool:
    return any("&" in name for element in tree.iter(etree.Element) for name in element.nsmap.values())


class _Bounded:
    """A file that takes so many bytes and no more."""

    __slots__ = ("_left", "parts")

    def __init__(self, limit: int) -> None:
        self._left = limit
        self.parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._left -= len(data)
        if self._left < 0:
            raise TooLarge("The canonical form grows beyond all measure; namespace names are far too long")
        self.parts.append(data)
        return len(data)
