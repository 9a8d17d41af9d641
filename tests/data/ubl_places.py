"""
Where every element of a certificate stands in UBL, found out and not written down.

A certificate with every box filled is written twice: as it is, and with one value changed. What differs
between the two UBL documents is where that value stands.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import count

from lxml import etree

from gateway.domain.form import Form
from gateway.registry.folder import SHIPPED
from gateway.translate.ubl.names import cac, cbc, rest
from tests.data.shipped import RCEP, forms
from tests.data.ubl import dialect

XS = "{http://www.w3.org/2001/XMLSchema}"
EXTENSION = "our extension"
_MOST_OPTIONS = 3
Place = tuple[str, str]  # path and value

# One value of each type that is no free text and no list of words; the second is another one.
_VALUES = {
    "Day": ("2026-01-02", "2026-03-04"),
    "Count": ("41", "57"),
    "Percent": ("47", "58"),
    "Amount": ("2650.5", "777.25"),
    "Country": ("VN", "LA"),
    "CountryIfAny": ("MY", "KH"),
    "Currency": ("USD", "EUR"),
    "Unit": ("KGM", "TNE"),
    "PackageKind": ("CT", "BX"),
    "HarmonizedSystemCode": ("610910", "620462"),
    "OriginCriterion": ("CTC", "RVC"),
}


def places() -> dict[str, list[str]]:
    """For each element or attribute with a value of its own, in the order of the XSD, its places in UBL."""
    found: dict[str, list[str]] = {}
    for option in range(_MOST_OPTIONS):
        filled = _Filler(option).certificate(forms()[RCEP])
        before = _standing(filled)
        for changed, path in _changed(filled):
            known = found.setdefault(path, [])
            known += [
                place for place in dict.fromkeys(_differing(before, _standing(changed))) if place not in known
            ]
    return {path: found[path] for path in _paths_of_the_xsd()}


class _Filler:
    """Fills every box once, what may repeat and the items twice; of a choice always the same *option*."""

    def __init__(self, option: int) -> None:
        root = etree.parse(SHIPPED / "schemas/common/certificate.xsd").getroot()
        self._types = {
            str(child.get("name")): child for child in root.iterchildren("{*}simpleType", "{*}complexType")
        }
        self._option = option
        self._numbers = count(1)

    def certificate(self, form: Form) -> etree._Element:
        root = etree.Element(f"{{{form.namespace}}}{form.root}", nsmap={None: form.namespace})
        self._fill(root, self._types["Certificate"])
        items = root.find("{*}Items")
        assert items is not None
        items.append(second := copy.deepcopy(items[0]))
        second[0].text = "99"
        second.remove(next(second.iterchildren("{*}Producer")))
        return root

    def _fill(self, element: etree._Element, kind: etree._Element) -> None:
        if kind.tag == f"{XS}simpleType":
            element.text = self._value(kind)
        for extension in kind.iterfind(f"{XS}simpleContent/{XS}extension"):
            element.text = self._value(self._types[str(extension.get("base"))])
            for attribute in extension.iterchildren(f"{XS}attribute"):
                element.set(str(attribute.get("name")), self._value(self._types[str(attribute.get("type"))]))
        for particle in kind.iterchildren(f"{XS}sequence", f"{XS}choice"):
            self._add(element, particle)

    def _add(self, parent: etree._Element, particle: etree._Element) -> None:
        inside = list(particle.iterchildren(f"{XS}element", f"{XS}sequence", f"{XS}choice"))
        if particle.tag == f"{XS}choice" and particle.get("maxOccurs") is None:
            inside = [inside[min(self._option, len(inside) - 1)]]
        for one in inside:
            if one.tag != f"{XS}element":
                self._add(parent, one)
                continue
            kind = self._types[str(one.get("type"))]
            for _ in range(2 if one.get("maxOccurs") and kind.tag == f"{XS}simpleType" else 1):
                child = etree.SubElement(parent, f"{{{etree.QName(parent).namespace}}}{one.get('name')}")
                self._fill(child, kind)

    def _value(self, kind: etree._Element) -> str:
        name = str(kind.get("name"))
        if name in _VALUES:
            return _VALUES[name][0]
        words = [str(one.get("value")) for one in kind.iter(f"{XS}enumeration")]
        return words[0] if words else str(next(self._numbers))


def _changed(filled: etree._Element) -> Iterator[tuple[etree._Element, str]]:
    """*filled* with one value changed, and the path of that value; for each value."""
    for number, element in enumerate(filled.iter(etree.Element)):
        path = "/".join(
            etree.QName(e).localname for e in (*reversed(list(element.iterancestors())), element)[1:]
        )
        for name in map(str, element.attrib):
            changed = copy.deepcopy(filled)
            list(changed.iter(etree.Element))[number].set(name, _another(element.get(name, "")))
            yield changed, f"{path}/@{name}"
        if not len(element):
            changed = copy.deepcopy(filled)
            list(changed.iter(etree.Element))[number].text = _another(element.text or "")
            yield changed, path


def _another(value: str) -> str:
    """Another value of the same type."""
    for first, second in _VALUES.values():
        if value == first:
            return second
    others = {"sea": "post", "issued_retroactively": "de_minimis", "SEE BOX 8": "CONFIDENTIAL", "*": "**"}
    return others.get(value) or str(int(value) + 1000)


def _standing(document: etree._Element) -> list[Place]:
    """Every value in the UBL document with its path, places told apart by their codes instead of numbers."""
    written = dialect().write(document, forms()[RCEP])
    standing = []
    for element in written.iter(etree.Element):
        path = _path(element)
        standing += [(f"{path}/@{name}", value) for name, value in element.items()]
        if not len(element):
            standing.append((path, element.text or ""))
    return standing


def _differing(before: list[Place], after: list[Place]) -> Iterator[str]:
    """Paths at which the two do not say the same; every document of both has the same places."""
    for old, new in zip(before, after, strict=True):
        if old != new:
            yield new[0]


def _path(element: etree._Element) -> str:
    chain = [*reversed(list(element.iterancestors())), element][1:]
    if any(one.tag == rest("Part") for one in chain):
        return EXTENSION
    return "/".join(map(_step, chain))


def _step(element: etree._Element) -> str:
    name = etree.QName(element).localname
    codes = {
        cac("SupportingDocumentReference"): ("DocumentTypeCode", "DocumentStatusCode"),
        cac("AdditionalItemProperty"): ("NameCode",),
    }.get(str(element.tag), ())
    told = [text for code in codes if (text := element.findtext(cbc(code))) is not None]
    return f"{name}[{' '.join(told)}]" if told else name


def _paths_of_the_xsd() -> list[str]:
    root = etree.parse(SHIPPED / "schemas/common/certificate.xsd").getroot()
    types = {str(child.get("name")): child for child in root.iterchildren(f"{XS}complexType")}

    def below(kind: etree._Element, path: str) -> Iterator[str]:
        for element in kind.iter(f"{XS}element"):
            here = f"{path}{element.get('name')}"
            inner = types.get(str(element.get("type")))
            if inner is None:
                yield here
            elif (attribute := inner.find(f"{XS}simpleContent/{XS}extension/{XS}attribute")) is not None:
                yield from (here, f"{here}/@{attribute.get('name')}")
            else:
                yield from below(inner, f"{here}/")

    return list(dict.fromkeys(below(types["Certificate"], "")))
