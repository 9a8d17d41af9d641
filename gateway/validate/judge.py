"""
Judge a certificate: its schema, its rules, the code lists; every finding at once.

The order is that of cost and of sense. What the schema refuses, or what is in no list, silences what would
only follow from it: a value that cannot be read is told once, not again by every rule that wanted to read it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from lxml import etree

from gateway.domain.errors import Fault, Finding, FormNotAgreed, Unreadable
from gateway.domain.form import EditionWindow, Form
from gateway.domain.ids import FormId
from gateway.domain.words import ENGLISH, Language, Words
from gateway.registry.codes import CodeLists
from gateway.validate.lists import Lists
from gateway.validate.places import Flaw, Spoilt, told
from gateway.validate.rules import RuleBook, Rules, rule_book
from gateway.validate.schema import Explainer, Structure

MOST_ELEMENTS = 10_000


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all threads judge one form with."""

    book: RuleBook
    lists: Lists
    explainer: Explainer


@dataclass(frozen=True, slots=True)
class _Own:
    """What one thread judges one form with."""

    structure: Structure
    rules: Rules
    is_too_large: etree.XPath


class Judge:
    """
    Judges certificates of all forms; pure, and safe to share between threads.

    Raises:
        Misconfigured: a form's XSD or rules do not compile; all faults are listed.
    """

    def __init__(self, forms: Mapping[FormId, Form], codes: CodeLists) -> None:
        self._shared = {
            form.id: _Shared(book=rule_book(form), lists=Lists(codes, form), explainer=Explainer(form))
            for form in forms.values()
        }
        self._local = threading.local()
        for form in forms.values():
            self._own(form)

    def judge(
        self,
        document: etree._Element,
        form: Form,
        on: date,
        language: Language = ENGLISH,
        editions: tuple[EditionWindow, ...] = (),
    ) -> tuple[Finding, ...]:
        """
        Everything that is to be said against *document* as a certificate of *form*, judged on the day *on*.

        At most 50 findings, in document order; none if there is nothing to say. Warnings refuse nothing.

        Args:
            document: the root element of the certificate; it may lie inside an envelope.
            language: of text and action; English where the registry does not have it.
            editions: of the Harmonized System, where the corridor has agreed others than the form.
        """
        shared, own = self._shared[form.id], self._own(form)
        if own.is_too_large(document):
            return (_too_large(form.words_in(language)),)
        structure = own.structure.flaws(document)
        unlisted = list(shared.lists.flaws(document, editions))
        broken = own.rules.flaws(document, on)
        if not (structure or unlisted or broken):
            return ()
        worth_telling = _worth_telling(structure, unlisted, broken)
        return told(worth_telling, document, form, form.words_in(language))

    def _own(self, form: Form) -> _Own:
        kept: dict[FormId, _Own] | None = getattr(self._local, "kept", None)
        if kept is None:
            kept = self._local.kept = {}
        if form.id not in kept:
            shared = self._shared[form.id]
            kept[form.id] = _Own(
                structure=Structure(form, shared.explainer),
                rules=Rules(shared.book),
                is_too_large=etree.XPath(f"count(descendant-or-self::*) > {MOST_ELEMENTS}"),
            )
        return kept[form.id]


def form_of(document: etree._Element, forms: Mapping[FormId, Form]) -> Form:
    """
    The form that *document* is written on, by the namespace of its root.

    Raises:
        FormNotAgreed: S03, no form has this namespace.
        Unreadable: S01, the namespace is known, but this is not the root element of its certificates.
    """
    name = etree.QName(document)
    form = next((form for form in forms.values() if form.namespace == name.namespace), None)
    if form is None:
        known = ", ".join(sorted(forms))
        raise FormNotAgreed(f"No form has the namespace {(name.namespace or '')[:200]!r}; known are {known}")
    if name.localname != form.root:
        raise Unreadable(f"The root element of a certificate is {form.root}, not {name.localname[:80]}")
    return form


def _too_large(words: Words) -> Finding:
    text, action = words.say("too-many-elements", most=str(MOST_ELEMENTS))
    return Finding(code=Fault.TOO_LARGE.value, text=text, action=action)


def _worth_telling(structure: list[Flaw], unlisted: list[Flaw], broken: list[Flaw]) -> list[Flaw]:
    """
    The flaws without those that only follow from others.

    What cannot be read, or is in no list, silences every rule that leans on it. A broken rule silences no
    other broken rule, each being a fault of its own; only warnings that lean on it fall silent.
    """
    spoilt = Spoilt(structure)
    listed = [flaw for flaw in unlisted if not spoilt.covers(flaw)]
    spoilt.add_all(flaw for flaw in listed if flaw.is_error)
    rules = [flaw for flaw in broken if not spoilt.covers(flaw)]
    spoilt.add_all(flaw for flaw in rules if flaw.is_error)
    return [*structure, *listed, *(flaw for flaw in rules if flaw.is_error or not spoilt.covers(flaw))]
