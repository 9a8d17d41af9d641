"""
Where in a document a flaw lies, and which flaws make others pointless.

A flaw is first kept by element, cheaply; only what is told in the end gets a readable path and a line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from lxml import etree

from gateway.domain.errors import Finding, Severity
from gateway.domain.form import Form
from gateway.domain.words import Words

CAP = 50
VALUE_AT_MOST = 200


@dataclass(frozen=True, slots=True)
class Place:
    """
    An element, one of its attributes, or a child that is missing in it.

    Attributes:
        below: ``@currency``, or the name of a missing child or grandchild; empty for the element itself.
    """

    element: etree._Element
    below: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """
    A flaw before it is put in words.

    Attributes:
        words: makes text and action in a language; called only for flaws that are told.
        needs: elements that must not be wrong themselves for this flaw to mean anything.
        rule: id of the assert that failed; empty for flaws of schema and lists.
    """

    code: str
    severity: Severity
    place: Place
    words: Callable[[Words], tuple[str, str]]
    needs: tuple[etree._Element, ...] = ()
    rule: str = ""

    @property
    def is_error(self) -> bool:
        """Whether it refuses the document."""
        return self.severity is Severity.ERROR


class Spoilt:
    """The places already known to be wrong: what leans on them is not worth telling."""

    def __init__(self, flaws: Iterable[Flaw] = ()) -> None:
        self._whole: set[Place] = set()
        self._above: set[etree._Element] = set()
        self.add_all(flaws)

    def add_all(self, flaws: Iterable[Flaw]) -> None:
        """Take the places of *flaws* as wrong."""
        for flaw in flaws:
            self._whole.add(flaw.place)
            node: etree._Element | None = flaw.place.element
            while node is not None:
                self._above.add(node)
                node = node.getparent()

    def covers(self, flaw: Flaw) -> bool:
        """Whether *flaw* lies at or below a wrong place, or needs something that is wrong."""
        return self._holds(flaw.place) or any(element in self._above for element in flaw.needs)

    def _holds(self, place: Place) -> bool:
        if place in self._whole:
            return True
        if place.below.startswith("@"):
            return self._an_ancestor(place.element.getparent())
        return self._an_ancestor(place.element)

    def _an_ancestor(self, node: etree._Element | None) -> bool:
        while node is not None:
            if Place(node) in self._whole:
                return True
            node = node.getparent()
        return False


def told(flaws: Iterable[Flaw], document: etree._Element, form: Form, words: Words) -> tuple[Finding, ...]:
    """
    At most 50 of *flaws* as findings, in document order; where there are more, errors go before warnings.

    The same code at the same place is told once.
    """
    order = {element: number for number, element in enumerate(document.iter())}
    once: dict[tuple[str, Place], Flaw] = {}
    for flaw in flaws:
        once.setdefault((flaw.code, flaw.place), flaw)
    in_order = sorted(once.values(), key=lambda flaw: (order[flaw.place.element], flaw.place.below))
    if len(in_order) > CAP:
        kept = {id(flaw) for flaw in sorted(in_order, key=lambda flaw: not flaw.is_error)[:CAP]}
        in_order = [flaw for flaw in in_order if id(flaw) in kept]
    return tuple(_finding(flaw, document, form, words) for flaw in in_order)


def _finding(flaw: Flaw, document: etree._Element, form: Form, words: Words) -> Finding:
    text, action = flaw.words(words)
    path = path_of(flaw.place, document)
    return Finding(
        code=flaw.code,
        severity=flaw.severity,
        text=text,
        action=action,
        box=form.box_of(path),
        path=path,
        line=flaw.place.element.sourceline,
        value=value_at(flaw.place),
    )


def path_of(place: Place, document: etree._Element) -> str:
    """
    The readable path from *document*'s root on, whatever envelope it lies in.

    Names without prefixes, a position where an element of the same name stands beside it:
    ``/CertificateOfOrigin/Items/Item[2]/FobValue/@currency``.
    """
    parts = [place.below] if place.below else []
    node: etree._Element | None = place.element
    while node is not None:
        parts.append(_step(node, with_position=node is not document))
        if node is document:
            break
        node = node.getparent()
    return "/" + "/".join(reversed(parts))


def value_at(place: Place) -> str | None:
    """What stands at *place*, cut to 200 characters; None for what is missing or has children."""
    if place.below.startswith("@"):
        value = place.element.get(place.below[1:])
    elif place.below or next(place.element.iterchildren("*"), None) is not None:
        value = None
    else:
        value = content_of(place.element).strip()
    return None if value is None else value[:VALUE_AT_MOST]


def content_of(element: etree._Element) -> str:
    """The text of a leaf; a comment inside neither cuts it nor adds to it."""
    if not len(element):
        return element.text or ""
    return (element.text or "") + "".join(child.tail or "" for child in element)


def _step(node: etree._Element, *, with_position: bool) -> str:
    name = etree.QName(node)
    if with_position:
        before = sum(1 for _ in node.itersiblings(name.text, preceding=True))
        if before or next(node.itersiblings(name.text), None) is not None:
            return f"{name.localname}[{before + 1}]"
    return name.localname
