"""
Hold every code of a certificate against its list: countries, currencies, units, packages, ports, modes, HS.

One walk over the elements that carry codes; what is found is put in words, with the nearest known codes, only
if it is told in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date

from lxml import etree

from gateway.domain.errors import Fault, Severity
from gateway.domain.form import EditionWindow, Form
from gateway.domain.words import Words
from gateway.registry.codes import HS_DIGITS, CodeList, CodeLists, HsEdition
from gateway.validate.places import Flaw, Place, content_of

COUNTRY = 2  # characters of a UN/LOCODE that name it
SHOWN_AT_MOST = 40

Check = Callable[[etree._Element], Flaw | None]


class Lists:
    """The code lists, laid out for the elements of one form; may be shared between threads."""

    def __init__(self, codes: CodeLists, form: Form) -> None:
        self._codes = codes
        self._form = form
        prefix = f"{{{form.namespace}}}"
        self._issue_date = f"{prefix}IssueDate"
        self._importing = f"{prefix}ImportingCountry"
        self._checks: Mapping[str, Check] = {prefix + name: check for name, check in self._by_name().items()}
        self._tags = tuple(self._checks)
        self._hs_tag = f"{prefix}HarmonizedSystemCode"

    def flaws(self, document: etree._Element, editions: tuple[EditionWindow, ...] = ()) -> Iterator[Flaw]:
        """
        Every code of *document* that is in no list, or in one but out of use; in document order.

        Args:
            editions: of the Harmonized System, as a corridor has agreed them; else the form's.
        """
        windows = editions or self._form.editions
        rule, transition = self._editions(document.find(self._issue_date), windows)
        importing = document.find(self._importing)
        tariff = None if importing is None else self._codes.tariffs.get(content_of(importing))
        checks = self._checks
        for element in document.iter(*self._tags):
            tag = str(element.tag)
            if tag == self._hs_tag:
                flaw = self._hs(element, rule, transition) or _beyond_six(element, tariff)
            else:
                flaw = checks[tag](element)
            if flaw is not None:
                yield flaw

    def _by_name(self) -> dict[str, Check]:
        country = self._text(self._codes.countries, Fault.NO_CORRIDOR, "country")
        unit = self._attribute("unit", self._codes.units, "unit")
        return {
            "ExportingCountry": country,
            "ImportingCountry": country,
            "Country": country,
            "IssuingCountry": country,
            "Origin": country,
            "Mode": self._text(self._codes.modes, Fault.CODE, "mode"),
            "Kind": self._text(self._codes.packages, Fault.CODE, "package"),
            "PortOfLoading": self._port,
            "PortOfDischarge": self._port,
            "HarmonizedSystemCode": lambda _: None,
            "GrossWeight": unit,
            "NetWeight": unit,
            "Quantity": unit,
            "FobValue": self._attribute("currency", self._codes.currencies, "currency"),
        }

    def _text(self, known: CodeList, code: Fault, kind: str) -> Check:
        names, deprecated = known.names, known.deprecated

        def check(element: etree._Element) -> Flaw | None:
            value = content_of(element)
            if not value or (value in names and value not in deprecated):
                return None
            return _flaw(Place(element), value, known, code, kind)

        return check

    def _attribute(self, attribute: str, known: CodeList, kind: str) -> Check:
        names, deprecated = known.names, known.deprecated

        def check(element: etree._Element) -> Flaw | None:
            value = element.get(attribute)
            if not value or (value in names and value not in deprecated):
                return None
            return _flaw(Place(element, f"@{attribute}"), value, known, Fault.CODE, kind)

        return check

    def _port(self, element: etree._Element) -> Flaw | None:
        value = content_of(element).strip()
        if not value or self._codes.is_port(value):
            return None
        return Flaw(
            code=Fault.CODE.value,
            severity=Severity.ERROR,
            place=Place(element),
            words=lambda words: self._of_a_port(value, words),
        )

    def _of_a_port(self, value: str, words: Words) -> tuple[str, str]:
        shown = value[:SHOWN_AT_MOST]
        if self._codes.ports is None or not self._codes.may_be_port(value):
            return words.say("port-unknown", value=shown)
        near = self._codes.ports.nearest(value, beginning=COUNTRY)
        if nearest := _shown(near, self._codes.ports.names):
            return words.say("port-unlisted-near", value=shown, nearest=nearest)
        return words.say("port-unlisted", value=shown)

    def _editions(
        self, issue_date: etree._Element | None, windows: tuple[EditionWindow, ...]
    ) -> tuple[HsEdition | None, tuple[HsEdition, ...]]:
        """The edition that is the rule for a certificate issued on *issue_date*, and those in transition."""
        covering = [window for window in windows if window.covers(_day(issue_date, windows))] or windows[:1]
        *older, rule = (self._codes.hs.get(window.edition) for window in covering)
        return rule, tuple(edition for edition in older if edition is not None)

    def _hs(
        self, element: etree._Element, rule: HsEdition | None, transition: tuple[HsEdition, ...]
    ) -> Flaw | None:
        value = content_of(element)
        code = value[:HS_DIGITS]
        if rule is None or len(code) < HS_DIGITS or code in rule.names:
            return None
        edition = rule.edition
        if any(code in older.names for older in transition):
            return Flaw(
                code=Fault.HS_TRANSITION.value,
                severity=Severity.WARNING,
                place=Place(element),
                words=lambda words: words.say("hs-older-edition", value=code, edition=edition),
            )

        def say(words: Words) -> tuple[str, str]:
            if nearest := _shown(rule.nearest(code), rule.names):
                return words.say("hs-unknown-near", value=code, edition=edition, nearest=nearest)
            return words.say("hs-unknown", value=code, edition=edition)

        return Flaw(code=Fault.HS.value, severity=Severity.ERROR, place=Place(element), words=say)


def _beyond_six(element: etree._Element, tariff: HsEdition | None) -> Flaw | None:
    """W02 where the importing country's tariff is known and has no such code; the subheading may be right."""
    value = content_of(element)
    if tariff is None or len(value) <= HS_DIGITS or tariff.begins(value):
        return None

    def say(words: Words) -> tuple[str, str]:
        if nearest := _shown(tariff.nearest(value), tariff.names):
            return words.say("tariff-unknown-near", value=value, edition=tariff.edition, nearest=nearest)
        return words.say("tariff-unknown", value=value, edition=tariff.edition)

    return Flaw(code=Fault.HS_TRANSITION.value, severity=Severity.WARNING, place=Place(element), words=say)


def _flaw(place: Place, value: str, known: CodeList, code: Fault, kind: str) -> Flaw:
    shown = value[:SHOWN_AT_MOST]
    if value in known.names:
        return Flaw(
            code=Fault.CODE_DEPRECATED.value,
            severity=Severity.WARNING,
            place=place,
            words=lambda words: words.say("code-out-of-use", value=shown, name=known.names[value]),
        )

    def say(words: Words) -> tuple[str, str]:
        if nearest := _shown(known.nearest(value), known.names):
            return words.say("code-unknown-near", value=shown, kind=words.phrase(kind), nearest=nearest)
        return words.say("code-unknown", value=shown, kind=words.phrase(kind))

    return Flaw(code=code.value, severity=Severity.ERROR, place=place, words=say)


def _shown(codes: tuple[str, ...], names: Mapping[str, str]) -> str:
    return "; ".join(f"{code} ({names[code][:SHOWN_AT_MOST]})" for code in codes)


def _day(element: etree._Element | None, windows: tuple[EditionWindow, ...]) -> date:
    """The issue date; where it cannot be read, a day on which the youngest edition is the rule."""
    try:
        return date.fromisoformat("" if element is None else content_of(element).strip())
    except ValueError:
        return windows[-1].valid_from
