"""Read small, fixed XML structures strictly: these children, in this order, each as often as allowed."""

from __future__ import annotations

from lxml import etree

from gateway.domain.errors import Unreadable
from gateway.domain.xml import readable_path

WHITE = " \t\r\n"


class Sequence:
    """
    What may stand in an element, in order, as an ``xs:sequence`` of one namespace.

    Args:
        entries: local names; ``?`` behind one that may be left out, ``*`` behind one that may stand any
            number of times.
    """

    __slots__ = ("_many", "_names", "_places", "_plain", "_required")

    def __init__(self, namespace: str, *entries: str) -> None:
        names = [entry.rstrip("?*") for entry in entries]
        self._names = names
        self._places = {f"{{{namespace}}}{name}": place for place, name in enumerate(names)}
        self._many = frozenset(entry[:-1] for entry in entries if entry.endswith("*"))
        self._required = [entry for entry in entries if entry[-1] not in "?*"]
        self._plain = [f"{{{namespace}}}{name}" for name in self._required]

    def read(self, parent: etree._Element) -> dict[str, etree._Element]:
        """
        The children of *parent* by local name; of those that repeat, the first.

        Raises:
            Unreadable: one is missing, unknown, out of its order or there too often, or text stands between.
        """
        nodes = list(parent)
        refuse_text(parent, nodes)
        if [node.tag for node in nodes] == self._plain:
            return dict(zip(self._required, nodes, strict=True))
        return self._sorted_out(parent, nodes)

    def _sorted_out(self, parent: etree._Element, nodes: list[etree._Element]) -> dict[str, etree._Element]:
        found: dict[str, etree._Element] = {}
        last = 0
        for child in nodes:
            if not is_element(child):
                continue
            if (place := self._places.get(str(child.tag))) is None:
                raise unreadable(f"{readable_path(child)} is not known here", child)
            name = self._names[place]
            if name in found and name not in self._many:
                raise unreadable(f"{readable_path(parent)} has {name} more than once", child)
            if place < last:
                raise unreadable(f"{readable_path(child)} stands out of its order", child)
            last = place
            found.setdefault(name, child)
        for name in self._required:
            if name not in found:
                raise unreadable(f"{readable_path(parent)} has no {name}", parent)
        return found


def is_element(node: etree._Element) -> bool:
    """Whether *node* is an element, and neither a comment nor a processing instruction."""
    return isinstance(node.tag, str)


def text_of(element: etree._Element) -> str:
    """
    All text of *element*; a comment inside neither cuts it nor adds to it.

    Raises:
        Unreadable: an element stands inside.
    """
    if not len(element):
        return element.text or ""
    if any(is_element(child) for child in element):
        raise unreadable(f"{readable_path(element)} must hold text alone", element)
    return (element.text or "") + "".join(child.tail or "" for child in element)


def filled(element: etree._Element) -> str:
    """
    The text of *element*, which must not be blank.

    Raises:
        Unreadable: it is, or an element stands inside.
    """
    text = text_of(element)
    if not text.strip(WHITE):
        raise unreadable(f"{readable_path(element)} is empty", element)
    return text


def refuse_text(parent: etree._Element, nodes: list[etree._Element]) -> None:
    """
    Make sure that nothing but white space stands between *nodes*, the children of *parent*.

    Raises:
        Unreadable: something else does.
    """
    between = parent.text or ""
    for node in nodes:
        if tail := node.tail:
            between += tail
    if between and between.strip(WHITE):
        raise unreadable(f"{readable_path(parent)} holds text between its elements", parent)


def unreadable(text: str, element: etree._Element) -> Unreadable:
    """The error for *element*, with its line."""
    return Unreadable(text, line=element.sourceline)
