"""Compile what a form is made of from the bytes the registry read; no file is touched, nothing is fetched."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lxml import etree

from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.domain.form import Form

XSD = "{http://www.w3.org/2001/XMLSchema}"
_SCHEME = "form:///"
_DEEPEST = 12


def parser_over(sources: Mapping[str, bytes]) -> etree.XMLParser:
    """A parser that finds included documents among *sources* and nowhere else."""
    parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False, remove_comments=True)
    parser.resolvers.add(_Sources(sources))
    return parser


def parsed(sources: Mapping[str, bytes], path: str) -> etree._Element:
    """The document at *path* among *sources*."""
    return etree.fromstring(sources[path], parser_over(sources), base_url=_SCHEME + path)


def compiled_schema(form: Form) -> etree.XMLSchema:
    """
    The form's XSD, compiled by libxml2.

    Raises:
        Misconfigured: it does not compile.
    """
    try:
        return etree.XMLSchema(parsed(form.sources, form.entry))
    except (etree.XMLSchemaParseError, etree.XMLSyntaxError) as error:
        raise Misconfigured((RegistryFault(form.entry, "-", f"does not compile: {error}"),)) from None


def single_schema(form: Form) -> bytes:
    """
    The form's XSD with everything that it includes in one document.

    An included document without a target namespace takes the form's, as the inclusion would give it.
    """
    root = parsed(form.sources, form.entry)
    whole = etree.Element(root.tag, attrib=dict(root.attrib), nsmap={**root.nsmap, None: form.namespace})
    whole.extend(_included(form.sources, form.entry, set()))
    return etree.tostring(whole)


def _included(sources: Mapping[str, bytes], path: str, seen: set[str]) -> Iterator[etree._Element]:
    if path in seen:
        return
    seen.add(path)
    for child in parsed(sources, path):
        if child.tag == f"{XSD}include":
            target = posixpath.join(posixpath.dirname(path), child.get("schemaLocation", ""))
            yield from _included(sources, posixpath.normpath(target), seen)
        else:
            yield child


class _Sources(etree.Resolver):
    """Answers from memory; what is not there is an error, never a look at disk or network."""

    def __init__(self, sources: Mapping[str, bytes]) -> None:
        self._sources = sources

    def resolve(self, system_url: str | None, public_id: str | None, context: Any) -> Any:
        """Hand libxml2 the bytes behind *system_url*."""
        path = posixpath.normpath((system_url or "").removeprefix(_SCHEME).lstrip("/"))
        if path not in self._sources:
            raise OSError(f"{path} is not part of the form")
        return self.resolve_string(self._sources[path], context, base_url=_SCHEME + path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """
    One element or attribute that a form's XSD allows.

    Attributes:
        path: of names from the root on: ``CertificateOfOrigin/Items/Item/Quantity``, ``…/Quantity/@unit``.
        needed: whether it must be there once its parent is; None where one of several must.
        repeats: whether it may stand there more than once.
        expected: what its documentation says of its content; empty for elements that hold elements.
    """

    path: str
    needed: bool | None
    repeats: bool
    expected: str


def declared(form: Form) -> tuple[Declared, ...]:
    """All that the form's XSD allows, each path once, in the order of the XSD."""
    root = etree.fromstring(single_schema(form))
    types = {
        kind.get("name", ""): kind for kind in root.iterchildren(f"{XSD}complexType", f"{XSD}simpleType")
    }
    found: dict[str, Declared] = {}
    for element in root.iterchildren(f"{XSD}element"):
        if element.get("name") == form.root:
            _collect(element, "", types, found)
    return tuple(found.values())


def elements_of(kind: etree._Element, types: Mapping[str, etree._Element]) -> Iterator[etree._Element]:
    """The elements right below one of the type *kind*, those of the type that it extends first."""
    if (base := _extended(kind, types)) is not None:
        yield from elements_of(base, types)
    for below in kind.iter(f"{XSD}element"):
        if below is not kind and next(below.iterancestors(f"{XSD}element"), None) in (None, kind):
            yield below


def attributes_of(kind: etree._Element, types: Mapping[str, etree._Element]) -> Iterator[etree._Element]:
    """The attributes of an element of the type *kind*, those of the type that it extends first."""
    if (base := _extended(kind, types)) is not None:
        yield from attributes_of(base, types)
    for below in kind.iter(f"{XSD}attribute"):
        if next(below.iterancestors(f"{XSD}element"), None) in (None, kind):
            yield below


def repeats(element: etree._Element) -> bool:
    """Whether *element* may stand more than once where it is declared."""
    groups = element.iterancestors(f"{XSD}choice", f"{XSD}sequence")
    return any(one.get("maxOccurs", "1") != "1" for one in (element, *groups))


def _extended(kind: etree._Element, types: Mapping[str, etree._Element]) -> etree._Element | None:
    """The type of the form that *kind* extends; None for a type of XML Schema itself."""
    found = next(kind.iterfind(f".//{XSD}complexContent/{XSD}extension"), None)
    base = None if found is None else types.get(found.get("base", "").rpartition(":")[2])
    return None if base is kind else base


def element_paths(form: Form) -> frozenset[str]:
    """Every path of element names that the form's XSD allows: ``CertificateOfOrigin/Items/Item/FobValue``."""
    return frozenset(one.path for one in declared(form) if "@" not in one.path)


def skeleton(form: Form) -> etree._Element:
    """A document with one of each element that the form's XSD allows, all of them empty."""
    root = etree.Element(f"{{{form.namespace}}}{form.root}")
    made = {form.root: root}
    for path in sorted(element_paths(form) - {form.root}):
        above, _, name = path.rpartition("/")
        made[path] = etree.SubElement(made[above], f"{{{form.namespace}}}{name}")
    return root


def _collect(
    element: etree._Element, above: str, types: Mapping[str, etree._Element], found: dict[str, Declared]
) -> None:
    path = f"{above}{element.get('name')}"
    if path.count("/") > _DEEPEST:
        return
    if path in found:
        if _needed(element) is None:
            found[path] = replace(found[path], needed=None)
        return
    kind = _type_of(element, types)
    found[path] = Declared(
        path=path,
        needed=_needed(element),
        repeats=repeats(element),
        expected=_expected(kind, types),
    )
    for attribute in attributes_of(kind, types):
        found[f"{path}/@{attribute.get('name')}"] = Declared(
            path=f"{path}/@{attribute.get('name')}",
            needed=attribute.get("use") == "required",
            repeats=False,
            expected=_expected(_type_of(attribute, types), types),
        )
    for below in elements_of(kind, types):
        _collect(below, f"{path}/", types, found)


def _type_of(declaration: etree._Element, types: Mapping[str, etree._Element]) -> etree._Element:
    return types.get(declaration.get("type", "").rpartition(":")[2], declaration)


def _needed(element: etree._Element) -> bool | None:
    if element.get("minOccurs") == "0":
        return False
    above = list(element.iterancestors(f"{XSD}choice", f"{XSD}sequence"))
    if any(group.get("minOccurs") == "0" for group in above):
        return False
    return None if any(group.tag == f"{XSD}choice" for group in above) else True


def _expected(kind: etree._Element, types: Mapping[str, etree._Element]) -> str:
    """What the type says that it expects, or the one that it extends."""
    if (said := kind.find(f"{XSD}annotation/{XSD}documentation")) is not None:
        return " ".join("".join(said.itertext()).split())
    extended = kind.find(f"{XSD}simpleContent/{XSD}extension")
    base = types.get(extended.get("base", "").rpartition(":")[2]) if extended is not None else None
    return "" if base is None else _expected(base, types)
