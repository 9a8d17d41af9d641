"""Documents made from a schema: every element it allows, every text it takes, in any script."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path

from hypothesis import strategies as st
from lxml import etree

XS = "{http://www.w3.org/2001/XMLSchema}"
SERVICE = "?+:'*., \u00a0-"
_CONTENT = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
_VISIBLE = st.characters(codec="utf-8", categories=["L", "N", "P", "S"])
_WORDS = st.text(_CONTENT | st.sampled_from(SERVICE), max_size=30)

Draw = st.DrawFn


def collapsed(text: str) -> str:
    return " ".join(part for part in text.replace("\n", " ").split(" ") if part)


@st.composite
def tokens(draw: Draw, least: int, most: int) -> str:
    """An ``xs:token``; now and then as long as it may be."""
    text = collapsed(draw(_WORDS))
    if text and draw(st.integers(0, 9)) == 0:
        text = (f"{text} " * (most // len(text) + 1))[:most]
    text = collapsed(text[:most])
    return text if len(text) >= least else "x" * least


class Documents:
    """Makes elements of one schema's complex types, in one namespace."""

    def __init__(self, xsd: Path) -> None:
        root = etree.parse(xsd).getroot()
        self._types = {
            element.get("name", ""): element
            for element in root
            if element.tag in (f"{XS}simpleType", f"{XS}complexType")
        }

    @cache  # noqa: B019 - lives as long as the tests
    def element(self, tag: str, type_name: str) -> st.SearchStrategy[etree._Element]:
        """An element called *tag* of the complex type *type_name*."""

        @st.composite
        def made(draw: Draw) -> etree._Element:
            found = etree.Element(tag)
            self._fill(draw, found, type_name, tag.rpartition("}")[0] + "}" if tag[0] == "{" else "")
            return found

        return made()

    def _fill(self, draw: Draw, element: etree._Element, type_name: str, namespace: str) -> None:
        kind = self._types.get(type_name)
        if kind is None or kind.tag == f"{XS}simpleType":
            element.text = draw(self.text(type_name)) or None
            return
        extension = kind.find(f"{XS}simpleContent/{XS}extension")
        if extension is not None:
            self._fill(draw, element, extension.get("base", ""), namespace)
            for attribute in extension.iterchildren(f"{XS}attribute"):
                element.set(attribute.get("name", ""), draw(self.text(attribute.get("type", ""))))
            return
        for particle in kind.iterchildren(f"{XS}sequence", f"{XS}choice"):
            self._particle(draw, element, particle, namespace)

    def _particle(self, draw: Draw, parent: etree._Element, particle: etree._Element, namespace: str) -> None:
        least = int(particle.get("minOccurs", "1"))
        most = particle.get("maxOccurs", "1")
        for _ in range(draw(st.integers(least, max(least, 3 if most == "unbounded" else min(int(most), 5))))):
            if particle.tag == f"{XS}sequence":
                for inner in particle.iterchildren("*"):
                    self._particle(draw, parent, inner, namespace)
            elif particle.tag == f"{XS}choice":
                inner = draw(st.sampled_from(list(particle.iterchildren("*"))))
                self._particle(draw, parent, inner, namespace)
            else:
                child = etree.SubElement(parent, namespace + particle.get("name", ""))
                self._fill(draw, child, particle.get("type", ""), namespace)

    @cache  # noqa: B019 - lives as long as the tests
    def text(self, type_name: str) -> st.SearchStrategy[str]:
        """A text of the simple type *type_name*."""
        restriction = self._types[type_name].find(f"{XS}restriction")
        assert restriction is not None
        facets: dict[str, list[str]] = {}
        for facet in restriction.iterchildren("*"):
            facets.setdefault(etree.QName(facet).localname, []).append(facet.get("value", ""))
        base = restriction.get("base", "")
        if "enumeration" in facets:
            return st.sampled_from(facets["enumeration"])
        made: Callable[[dict[str, list[str]]], st.SearchStrategy[str]] = {
            "xs:date": lambda _: st.dates(datetime.date(1900, 1, 1)).map(datetime.date.isoformat),
            "xs:positiveInteger": lambda f: st.integers(1, int(f["maxInclusive"][0])).map(str),
            "xs:nonNegativeInteger": lambda f: st.integers(0, int(f["maxInclusive"][0])).map(str),
            "xs:decimal": _decimals,
            "xs:string": lambda f: st.from_regex(f["pattern"][0], fullmatch=True, alphabet=_VISIBLE),
            "xs:token": lambda f: tokens(int(f.get("minLength", ["0"])[0]), int(f["maxLength"][0])),
        }[base]
        return made(facets)


def _decimals(facets: dict[str, list[str]]) -> st.SearchStrategy[str]:
    least = 1 if "minExclusive" in facets else 0
    most = int(facets.get("maxInclusive", ["9999999999"])[0])
    return st.integers(0, int(facets["fractionDigits"][0])).flatmap(
        lambda places: st.integers(least, most * 10**places).map(
            lambda digits: format(Decimal(digits).scaleb(-places), "f")
        )
    )
