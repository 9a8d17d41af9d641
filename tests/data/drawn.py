"""
Certificates drawn at random from the XSD itself: any that fits the structure of a form can come.

What a form's rules forbid is not kept away; structure is. An element that is added to the XSD is drawn from
the next run on.
"""

from __future__ import annotations

import string
from datetime import date
from decimal import Decimal
from functools import lru_cache

from hypothesis import strategies as st
from lxml import etree

from gateway.domain.form import Form
from gateway.registry.folder import SHIPPED
from tests.data.shipped import forms

XS = "{http://www.w3.org/2001/XMLSchema}"
_MOST_REPEATED = 3
_ANY_SCRIPT = st.characters(categories=("L", "N", "P", "S", "Zs"), exclude_characters="\u0085")


class Drawn:
    """A certificate and its form; no dataclass, so that a failing example is shown without the whole form."""

    def __init__(self, document: etree._Element, form: Form) -> None:
        self.document = document
        self.form = form

    def __repr__(self) -> str:
        return etree.tostring(self.document, encoding="unicode", pretty_print=True)


@lru_cache
def _types() -> dict[str, etree._Element]:
    root = etree.parse(SHIPPED / "schemas/common/certificate.xsd").getroot()
    return {
        str(child.get("name")): child for child in root.iterchildren(f"{XS}simpleType", f"{XS}complexType")
    }


@st.composite
def certificates(draw: st.DrawFn) -> Drawn:
    """A certificate of any shipped form that fits its XSD, and the form."""
    form = forms()[draw(st.sampled_from(sorted(forms())))]
    root = etree.Element(f"{{{form.namespace}}}{form.root}", nsmap={None: form.namespace})
    _fill(draw, root, _types()["Certificate"])
    for number, element in enumerate(root.iter(f"{{{form.namespace}}}Item"), start=1):
        element[0].text = str(number)  # the one value that must be unique
    return Drawn(root, form)


def _fill(draw: st.DrawFn, element: etree._Element, kind: etree._Element) -> None:
    if kind.tag == f"{XS}simpleType":
        element.text = draw(_value(kind))
        return
    for extension in kind.iterfind(f"{XS}simpleContent/{XS}extension"):
        element.text = draw(_value(_types()[str(extension.get("base"))]))
        for attribute in extension.iterchildren(f"{XS}attribute"):
            element.set(str(attribute.get("name")), draw(_value(_types()[str(attribute.get("type"))])))
    for particle in kind.iterchildren(f"{XS}sequence", f"{XS}choice"):
        _add(draw, element, particle)


def _add(draw: st.DrawFn, parent: etree._Element, particle: etree._Element) -> None:
    least, most = int(particle.get("minOccurs", "1")), particle.get("maxOccurs", "1")
    for _ in range(draw(st.integers(least, _MOST_REPEATED if most == "unbounded" else min(int(most), 4)))):
        inside = list(particle.iterchildren(f"{XS}element", f"{XS}sequence", f"{XS}choice"))
        if particle.tag == f"{XS}element":
            child = etree.SubElement(parent, f"{{{etree.QName(parent).namespace}}}{particle.get('name')}")
            _fill(draw, child, _types()[str(particle.get("type"))])
        elif particle.tag == f"{XS}choice":
            _add(draw, parent, draw(st.sampled_from(inside)))
        else:
            for one in inside:
                _add(draw, parent, one)


@lru_cache
def _value(kind: etree._Element) -> st.SearchStrategy[str]:
    (restriction,) = kind.iterchildren(f"{XS}restriction")
    facets = {etree.QName(facet).localname: str(facet.get("value")) for facet in restriction}
    if enumerated := [str(one.get("value")) for one in restriction.iterchildren(f"{XS}enumeration")]:
        return st.sampled_from(enumerated)
    match restriction.get("base"):
        case "xs:token":
            return _tokens(int(facets.get("minLength", "0")), int(facets["maxLength"]))
        case "xs:string":
            return st.from_regex(facets["pattern"], fullmatch=True, alphabet=string.printable.strip())
        case "xs:date":
            return st.dates(date(2000, 1, 1), date(2100, 1, 1)).map(date.isoformat)
        case "xs:positiveInteger" | "xs:nonNegativeInteger":
            return st.integers(1, int(facets["maxInclusive"])).map(str)
        case "xs:decimal":
            most = Decimal(facets.get("maxInclusive", "9999999999"))
            return st.decimals(Decimal("0.000001"), most, places=6, allow_nan=False).map(
                lambda d: format(d, "f")
            )
        case base:
            raise LookupError(f"draw a value for {base}")


def _tokens(least: int, most: int) -> st.SearchStrategy[str]:
    """Tokens as they may be written: white space around and inside does not count, and may be there."""
    words = st.text(_ANY_SCRIPT, min_size=least, max_size=min(most, 40)).filter(
        lambda text: least <= len(" ".join(text.split(" ")).strip(" ")) <= most
    )
    return st.one_of(words, words, words.map(lambda text: f"\n  {text} "))
