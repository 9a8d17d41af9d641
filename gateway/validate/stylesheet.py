"""
Compile Schematron to XSLT: as much of it as our rules are written in, and so that only what fails costs.

The tests of a rule are asked all together first, of all elements of its context in one go where that can be
done; one by one only where they fail. Nothing is written of what holds; of an assert that fails: where, and
the values that its words ask for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

EXTRA = "{urn:eco-gateway:rules:1.0}"
SCH = "{http://purl.oclc.org/dsdl/schematron}"
XSL = "{http://www.w3.org/1999/XSL/Transform}"

_UNDERSTOOD = frozenset(
    f"{SCH}{name}"
    for name in (
        "schema",
        "title",
        "ns",
        "let",
        "pattern",
        "rule",
        "assert",
        "value-of",
    )
)
_NAME = r"[\w.-]+:[\w.-]+"
_CONTEXT = re.compile(rf"{_NAME}(/{_NAME})*(\[{_NAME}.*\])?")
_OF_THE_CONTEXT = re.compile(r"\b(position|last|current)\(")

# The way down from the root by position: the same in the document itself, whatever envelope holds it.
_WAY = f"""<xsl:template name="way" xmlns:xsl="{XSL[1:-1]}">
  <xsl:for-each select="ancestor-or-self::*[parent::*]"
    >/*[<xsl:value-of select="count(preceding-sibling::*) + 1"/>]</xsl:for-each>
</xsl:template>"""


def not_understood(root: etree._Element) -> Iterator[tuple[str, str]]:
    """Name and fault of each element of the rules at *root* that does not compile, whatever it says."""
    for element in root.iter(f"{SCH}*"):
        name = f"sch:{etree.QName(element).localname}"
        if element.tag not in _UNDERSTOOD:
            yield name, "is not understood here"
        elif element.tag == f"{SCH}rule" and not _CONTEXT.fullmatch(element.get("context", "")):
            yield name, f"the context {element.get('context')!r} is no path of names with prefixes"
        elif element.tag == f"{SCH}value-of" and not element.get(f"{EXTRA}name"):
            yield name, "has no e:name, by which words could ask for it"


def stylesheet_of(root: etree._Element) -> bytes:
    """
    The stylesheet of the rules at *root*, in which every ``extends`` has already been followed.

    It takes the parameter ``on`` and writes ``<failed>``, in it an ``<assert id at>`` for each assert that
    fails, in it ``<value name>``; *at* is the way down from the root: ``/*[20]/*[3]``.
    Of the rules of one pattern only the first that fits an element is asked about it.
    """
    prefixes = {ns.get("prefix", ""): ns.get("uri", "") for ns in root.iterchildren(f"{SCH}ns")}
    sheet = etree.Element(f"{XSL}stylesheet", nsmap={"xsl": XSL[1:-1], **prefixes}, version="1.0")
    sheet.set("exclude-result-prefixes", " ".join(prefixes))
    for let in root.iterchildren(f"{SCH}let"):
        kind = "param" if let.get("name") == "on" else "variable"
        _write(sheet, kind, name=let.get("name", ""), select=let.get("value", ""))
    failed = etree.SubElement(_write(sheet, "template", match="/"), "failed")
    for number, pattern in enumerate(root.iterchildren(f"{SCH}pattern")):
        mode = f"pattern-{number}"
        rules = list(pattern.iterchildren(f"{SCH}rule"))
        _write(failed, "apply-templates", select=" | ".join(map(_suspects, rules)), mode=mode)
        for priority, rule in enumerate(reversed(rules)):
            context = rule.get("context", "")
            template = _write(sheet, "template", match=context, mode=mode, priority=str(priority))
            _write_rule(template, rule)
    sheet.append(etree.fromstring(_WAY))
    return etree.tostring(sheet)


def _suspects(rule: etree._Element) -> str:
    """The elements to be asked about *rule*; only those that fail it, where that shows from outside."""
    every = f"/descendant::{rule.get('context')}"
    return f"{every}[not({_all_tests(rule)})]" if _stands_alone(rule) else every


def _stands_alone(rule: etree._Element) -> bool:
    """Whether the tests of *rule* mean the same in a predicate of its context."""
    has_variables = rule.find(f"{SCH}let") is not None
    return not has_variables and _OF_THE_CONTEXT.search(_all_tests(rule)) is None


def _all_tests(rule: etree._Element) -> str:
    return " and ".join(f"({one.get('test')})" for one in rule.iterchildren(f"{SCH}assert"))


def _write_rule(template: etree._Element, rule: etree._Element) -> None:
    for let in rule.iterchildren(f"{SCH}let"):
        _write(template, "variable", name=let.get("name", ""), select=let.get("value", ""))
    if not _stands_alone(rule):
        template = _write(template, "if", test=f"not({_all_tests(rule)})")
    for one in rule.iterchildren(f"{SCH}assert"):
        failure = etree.SubElement(_write(template, "if", test=f"not({one.get('test')})"), "assert")
        failure.set("id", one.get("id", ""))
        _write(_write(failure, "attribute", name="at"), "call-template", name="way")
        for value in one.iterchildren(f"{SCH}value-of"):
            named = etree.SubElement(failure, "value", name=value.get(f"{EXTRA}name", ""))
            _write(named, "value-of", select=value.get("select", ""))


def _write(parent: etree._Element, instruction: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{XSL}{instruction}", attributes)
