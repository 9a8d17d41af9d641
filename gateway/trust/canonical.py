"""XML canonicalisation, without comments: the octets a seal is made over."""

from __future__ import annotations

import re

from lxml import etree

from gateway.domain.errors import SealRefused, TooLarge
from gateway.domain.seals import Canonicalization
from gateway.domain.xml import MAX_MESSAGE_BYTES

# Longest growth of honest text is fourfold (every ">" becomes "&gt;").
_GROWTH = 4
# For each element libxml2's C14N 1.0 compares every namespace in scope with every other; 10 to 25 ns each.
_MOST_COMPARISONS = 25_000_000
_AMPERSAND = re.compile(rb""" xmlns(?::[^=<>\s]*)?=(?:"[^"&]*&|'[^'&]*&)""")
_XML = "{http://www.w3.org/XML/1998/namespace}"


def canonical(
    tree: etree._ElementTree[etree._Element],
    form: Canonicalization = Canonicalization.EXCLUSIVE,
    *,
    limit: int = MAX_MESSAGE_BYTES,
) -> bytes:
    """
    The canonical form of the whole document, without comments.

    A namespace is written anew at every element that needs it and whose parents do not, so a name of a
    megabyte and a few thousand elements would fill the memory: the writing stops at four times *limit*.

    Raises:
        TooLarge: the canonical form grows beyond that.
        SealRefused: there is none (a relative namespace name), or none that could be trusted: libxml2 does
            not escape an ampersand in a namespace name, so the form would read as another document.
    """
    octets = _Bounded(_GROWTH * limit)
    try:
        tree.write_c14n(octets, exclusive=form is Canonicalization.EXCLUSIVE, with_comments=False)
    except etree.C14NError:
        raise SealRefused("The document has no canonical form", step=6) from None
    written = b"".join(octets.parts)
    if _AMPERSAND.search(written) and _has_ampersand(tree):
        raise SealRefused("A namespace name has an ampersand in it, which is not allowed", step=6)
    return written


def canonical_part(element: etree._Element, form: Canonicalization = Canonicalization.EXCLUSIVE) -> bytes:
    """
    The canonical form of one small element where it stands, without comments.

    Raises:
        SealRefused: there is none (a relative namespace name).
    """
    exclusive = form is Canonicalization.EXCLUSIVE
    try:
        return etree.tostring(
            element if exclusive else _with_all_in_scope(element),
            method="c14n",
            exclusive=exclusive,
            with_comments=False,
        )
    except (etree.C14NError, etree.XMLSyntaxError):
        raise SealRefused("The signature has no canonical form", step=6) from None


def inherits_xml_attributes(raw: bytes) -> bool:
    """Whether the root of *raw* has attributes that C14N 1.0 hands down to a part, like ``xml:lang``."""
    return any(str(name).startswith(_XML) for name in etree.fromstring(raw, _parser()).attrib)


def refuse_costly(root: etree._Element) -> None:
    """
    Refuse what C14N 1.0 would take half a second for: too many namespaces over too many elements.

    Raises:
        TooLarge: there are.
    """
    most = in_scope = 0
    for event, _ in etree.iterwalk(root, events=("start-ns", "end-ns")):
        in_scope += 1 if event == "start-ns" else -1
        most = max(most, in_scope)
    if most * most * int(_count()(root)) > _MOST_COMPARISONS:
        raise TooLarge(f"{most} namespaces in scope at once, in a document of this size, are far too many")


def _with_all_in_scope(element: etree._Element) -> etree._Element:
    """
    The element as the root of a document of its own, which says all that it had from its ancestors.

    C14N 1.0 wants their namespaces and their ``xml:`` attributes. Asked for the element in its place, libxml2
    under lxml forgets the attributes and takes an inherited default namespace away again (``xmlns=""``).
    """
    alone = etree.fromstring(etree.tostring(element, with_tail=False), _parser())
    for ancestor in element.iterancestors():
        for name, value in ancestor.attrib.items():
            if str(name).startswith(_XML) and name not in alone.attrib:
                alone.set(name, value)
    return alone


def _count() -> etree.XPath:
    return etree.XPath("count(//*)")


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)


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
