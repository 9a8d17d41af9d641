"""
Run the business rules of a form: Schematron, compiled once to XSLT, run by lxml with all access denied.

What runs says which assert failed, where, and with which values; its code, severity, source and subject are
read from the rules themselves, its words from the messages.
"""

from __future__ import annotations

import copy
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from lxml import etree

from gateway.domain.errors import Fault, Misconfigured, RegistryFault, Severity
from gateway.domain.form import Form
from gateway.domain.words import Words, places_in
from gateway.validate.places import Flaw, Place
from gateway.validate.sources import parsed, skeleton
from gateway.validate.stylesheet import EXTRA, SCH, not_understood, stylesheet_of

ENOUGH = 200

_CONDITION = re.compile(r"\[[^\]]*\]")
_STEP = re.compile(rf"(?:[^/\[]|{_CONDITION.pattern})+")  # a condition may hold slashes of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """
    One assert of the rules, as it is written.

    Attributes:
        subject: what the finding points at, seen from the context; empty for the context itself.
        needs: what else must be readable for the rule to make sense.
        source: where the rule comes from.
    """

    id: str
    code: str
    severity: Severity
    subject: str
    needs: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBook:
    """
    The rules of one form, expanded, with the form's values in them; may be shared between threads.

    Attributes:
        values: the form's own, as words are given them.
    """

    stylesheet: bytes
    values: Mapping[str, str]
    assertions: Mapping[str, Assertion]
    namespaces: Mapping[str, str]


class Rules:
    """A rule book made ready to run. Not to be shared between threads."""

    def __init__(self, book: RuleBook) -> None:
        self._book = book
        self._transform = etree.XSLT(
            etree.fromstring(book.stylesheet), access_control=etree.XSLTAccessControl.DENY_ALL
        )

    def flaws(self, document: etree._Element, on: date) -> list[Flaw]:
        """
        The asserts that *document* fails, judged on the day *on*, in no particular order.

        Of more than 200 the first 200, errors before warnings.
        """
        output = self._transform(document, on=etree.XSLT.strparam(on.isoformat())).getroot()
        failed = list(output)
        if not failed:
            return []
        failed.sort(key=lambda element: self._assertion(element).severity is not Severity.ERROR)
        return [self._flaw(document, element) for element in failed[:ENOUGH]]

    def _assertion(self, failed: etree._Element) -> Assertion:
        return self._book.assertions[failed.get("id", "")]

    def _flaw(self, document: etree._Element, failed: etree._Element) -> Flaw:
        assertion = self._assertion(failed)
        context = self._at(document, "." + failed.get("at", ""))[0]
        return Flaw(
            code=assertion.code,
            severity=assertion.severity,
            place=self._place(context, assertion.subject),
            words=self._words(failed),
            needs=tuple(self._at(context, assertion.needs)) if assertion.needs else (),
            rule=assertion.id,
        )

    def _words(self, failed: etree._Element) -> Callable[[Words], tuple[str, str]]:
        def say(words: Words) -> tuple[str, str]:
            nothing = words.phrase("nothing")
            values = {name: value or nothing for name, value in self._book.values.items()}
            values |= {value.get("name", ""): value.text or "" for value in failed}
            text, action = words.rules[failed.get("id", "")].filled(values)
            return " ".join(text.split()), " ".join(action.split())

        return say

    def _place(self, context: etree._Element, subject: str) -> Place:
        """The subject, or the place where it would stand if it were there."""
        if not subject:
            return Place(context)
        if found := self._at(context, subject):
            return Place(found[0])
        steps = _STEP.findall(subject)
        names = [_CONDITION.sub("", step).partition(":")[2] for step in steps]
        for present in range(len(steps) - 1, 0, -1):
            if found := self._at(context, "/".join(steps[:present])):
                return Place(found[0], "/".join(names[present:]))
        return Place(context, "/".join(names))

    def _at(self, context: etree._Element, xpath: str) -> list[etree._Element]:
        found = context.xpath(xpath, namespaces=dict(self._book.namespaces))
        return [node for node in found if isinstance(node, etree._Element)] if isinstance(found, list) else []


def rule_book(form: Form) -> RuleBook:
    """
    Expand and compile the rules of *form*.

    Raises:
        Misconfigured: with every fault: no rules at all, an assert without id, code or severity, a value the
            rules do not know, an assert without words or with words that want what it does not give, an XPath
            that does not compile.
    """
    if form.rules is None:
        return _no_rules()
    root = _expanded(form.sources, form.rules)
    faults = [RegistryFault(form.rules, key, words) for key, words in _faults(root, form)]
    if faults:
        raise Misconfigured(tuple(faults))
    for let in root.iterchildren(f"{SCH}let"):
        if (value := form.values.get(let.get("name", ""))) is not None:
            let.set("value", _literal(value))
    book = RuleBook(
        stylesheet=stylesheet_of(root),
        values=MappingProxyType({name: _readable(value) for name, value in form.values.items()}),
        assertions=MappingProxyType(
            {found.id: found for found in map(_assertion, root.iter(f"{SCH}assert"))}
        ),
        namespaces=MappingProxyType(_namespaces(root)),
    )
    if faults := [RegistryFault(form.rules, key, words) for key, words in _dry_run(book, form)]:
        raise Misconfigured(tuple(faults))
    return book


def _dry_run(book: RuleBook, form: Form) -> Iterator[tuple[str, str]]:
    """Run the rules over every element there can be, so that a broken XPath shows now and not some day."""
    try:
        Rules(book).flaws(skeleton(form), form.valid_from)
    except etree.XSLTParseError as error:
        yield "-", f"does not compile: {error}"
    except etree.XSLTApplyError as error:
        yield "-", f"does not run: {error}"
    except etree.XPathError as error:
        yield "-", f"a subject, or what a rule needs, is no XPath: {error}"


def _readable(value: str) -> str:
    """A list of words as people write one; anything else as it is."""
    return ", ".join(value.split()) if value.startswith(" ") else value


def _literal(value: str) -> str:
    if value.isdecimal():
        return value
    return f'"{value}"' if "'" in value else f"'{value}'"


def _no_rules() -> RuleBook:
    empty = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
        <xsl:template match="/"><none/></xsl:template></xsl:stylesheet>"""
    nothing: Mapping[str, Any] = MappingProxyType({})
    return RuleBook(stylesheet=empty.encode(), values=nothing, assertions=nothing, namespaces=nothing)


def _expanded(sources: Mapping[str, bytes], path: str) -> etree._Element:
    """The rules at *path*; each ``extends href`` gives way to what stands in the schema it names."""
    root = parsed(sources, path)
    for extends in list(root.iterchildren(f"{SCH}extends")):
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), extends.get("href", "")))
        place = root.index(extends)
        root.remove(extends)
        for offset, child in enumerate(_expanded(sources, target)):
            root.insert(place + offset, copy.deepcopy(child))
    return root


def _assertion(element: etree._Element) -> Assertion:
    return Assertion(
        id=element.get("id", ""),
        code=element.get("flag", ""),
        severity=Severity(element.get("role", "")),
        subject=element.get("subject", ""),
        needs=element.get(f"{EXTRA}needs", ""),
        source=element.get(f"{EXTRA}source", ""),
    )


def _namespaces(root: etree._Element) -> dict[str, str]:
    return {ns.get("prefix", ""): ns.get("uri", "") for ns in root.iterchildren(f"{SCH}ns")}


def _faults(root: etree._Element, form: Form) -> Iterator[tuple[str, str]]:
    lets = {let.get("name") for let in root.iterchildren(f"{SCH}let")}
    for name in form.values.keys() - lets:
        yield name, "the rules have no sch:let of this name"
    if form.namespace not in _namespaces(root).values():
        yield "sch:ns", f"no prefix is bound to {form.namespace}"
    codes = {code.value for code in Fault}
    seen: set[str] = set()
    for element in root.iter(f"{SCH}assert"):
        name = element.get("id", "")
        if not name or name in seen:
            yield name or "sch:assert", "an assert needs an id of its own"
        seen.add(name)
        if element.get("flag") not in codes:
            yield name, f"flag {element.get('flag')!r} is no code of the catalogue"
        if element.get("role") not in set(Severity):
            yield name, "role is neither error nor warning"
        yield from ((name, words) for words in _speechless(element, form))
        if not element.get(f"{EXTRA}source"):
            yield name, "no source is named"
    yield from not_understood(root)


def _speechless(element: etree._Element, form: Form) -> Iterator[str]:
    """What keeps an assert from being put in words."""
    given = form.values.keys() | {value.get(f"{EXTRA}name") for value in element}
    for language, words in form.words.items():
        if (sentence := words.rules.get(element.get("id", ""))) is None:
            yield "the messages have no words for it"
            return
        for name in sorted(places_in(sentence.text + sentence.action) - given):
            yield f"its words in '{language}' want a value {{{name}}}, which it does not give"
