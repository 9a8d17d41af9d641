"""
The rest: what a certificate says and UBL has no place for.

It is not listed anywhere. It is what is missing when the written document is read back, so nothing can be
forgotten, and a box that a form adds later travels without anybody thinking of it. Each part stands in our
extension as it stood in the certificate, with its place: the positions of its parents and its own among their
children, counted from 0. Elements that say nothing are not carried.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator

from lxml import etree

from gateway.domain.errors import ContentRefused, Fault, Finding
from gateway.domain.xml import readable_path
from gateway.translate.ubl.names import REST, ext, rest

Place = tuple[int, ...]

_ABOVE = (ext("UBLExtensions"), ext("UBLExtension"), ext("ExtensionContent"))
_PLACE = re.compile(r"[0-9]{1,6}(/[0-9]{1,6}){0,20}")


def spoken(certificate: etree._Element) -> etree._Element:
    """*certificate* without comments, space between elements, and elements that say nothing."""
    parser = etree.XMLParser(no_network=True, resolve_entities=False, remove_comments=True, remove_pis=True)
    kept = etree.fromstring(etree.tostring(certificate, with_tail=False), parser)
    for silent in list(kept.iterfind(".//*")):
        if not len(silent) and not (silent.text or "").strip():
            _silence(silent, kept)
    for element in kept.iter():
        element.tail = None
        if len(element):
            element.text = None
    return kept


def difference(whole: etree._Element, part: etree._Element) -> list[tuple[Place, etree._Element]]:
    """
    What must be put into *part* to make it *whole*, in the order in which it is put.

    Args:
        whole: as ``spoken`` gives it.

    Raises:
        ContentRefused: S02, *part* says something that *whole* does not.
    """
    if _written(part) == _written(whole):
        return []
    if not _within(part, whole):
        text = "The certificate would say something else in UBL than on its form."
        raise ContentRefused((Finding(code=Fault.SCHEMA.value, text=text, path=readable_path(whole)),))
    return list(_differences(whole, part, ()))


def attach(document: etree._Element, parts: list[tuple[Place, etree._Element]]) -> None:
    """Put *parts* into our extension of the UBL *document*; none, no extension."""
    if not parts:
        return
    extensions = etree.Element(ext("UBLExtensions"))
    extension = etree.SubElement(extensions, ext("UBLExtension"))
    etree.SubElement(extension, ext("ExtensionURI")).text = REST
    content = etree.SubElement(extension, ext("ExtensionContent"))
    held = etree.SubElement(content, rest("Rest"), nsmap={"rest": REST})
    for place, element in parts:
        part = etree.SubElement(held, rest("Part"), at="/".join(map(str, place)))
        part.append(copy.deepcopy(element))
    document.insert(0, extensions)


def put_back(certificate: etree._Element, document: etree._Element) -> None:
    """
    Put into *certificate* what our extension of the UBL *document* holds, each part where it stood.

    Raises:
        ContentRefused: S02, a part that is none, or has no place in this certificate; all are told.
    """
    namespace = etree.QName(certificate).namespace
    findings = []
    for part in document.iterfind("/".join((*_ABOVE, rest("Rest"), rest("Part")))):
        inside = list(part.iterchildren(etree.Element))
        if len(inside) != 1 or etree.QName(inside[0]).namespace != namespace:
            findings.append(_misplaced(part, "holds not exactly one element of the form"))
        elif not _put(certificate, part.get("at", ""), inside[0]):
            findings.append(_misplaced(part, f"has no place at {part.get('at', '')[:40]!r}"))
    if findings:
        raise ContentRefused(tuple(findings[:50]))


def _silence(element: etree._Element, root: etree._Element) -> None:
    """Take out *element*, and those above it that held nothing else."""
    while element is not root and not len(element):
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)
        element = parent


def _written(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True)


def _within(part: etree._Element, whole: etree._Element) -> bool:
    """Whether all that *part* says, *whole* says too, in the same order."""
    if part.tag != whole.tag or dict(part.attrib) != dict(whole.attrib):
        return False
    if not len(part):
        return (part.text or "") == ("" if len(whole) else whole.text or "")
    parts = list(part)
    found = 0
    for child in whole:
        if found < len(parts) and _within(parts[found], child):
            found += 1
    return found == len(parts)


def _differences(
    whole: etree._Element, part: etree._Element, at: Place
) -> Iterator[tuple[Place, etree._Element]]:
    parts = list(part)
    found = 0
    for position, child in enumerate(whole):
        if found < len(parts) and _within(parts[found], child):
            yield from _differences(child, parts[found], (*at, position))
            found += 1
        else:
            yield (*at, position), child


def _put(certificate: etree._Element, at: str, element: etree._Element) -> bool:
    if not _PLACE.fullmatch(at):
        return False
    *above, position = (int(step) for step in at.split("/"))
    parent = certificate
    for step in above:
        if step >= len(parent):
            return False
        parent = parent[step]
    if position > len(parent) or (not len(parent) and parent.text):
        return False
    parent.insert(position, copy.deepcopy(element))
    return True


def _misplaced(part: etree._Element, words: str) -> Finding:
    return Finding(
        code=Fault.SCHEMA.value,
        text=f"A part of our extension {words}.",
        path=readable_path(part),
        line=part.sourceline,
        action="Leave the extension as it came, or leave it out.",
    )
