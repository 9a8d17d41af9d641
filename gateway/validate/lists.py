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
from gateway.registry.codes import CodeList, CodeLists, HsEdition
from gateway.validate.places import Flaw, Place, content_of

HS_DIGITS = 6
SHOWN_AT_MOST = 40

Check = Callable[[etree._Element], Flaw | None]


class Lists:
    """The code lists, laid out for the elements of one form; may be shared between threads."""

    def __init__(self, codes: CodeLists, form: Form) -> None:
        self._codes = codes
        self._form = form
        prefix = f"{{{form.namespace}}}"
        self._issue_date = f"{prefix}IssueDate"
        self._checks: Mapping[str, Check] = {prefix + name: check for name, check in self._by_name().items()}
        self._tags = tuple(self._checks)
        self._hs_tag = f"{prefix}HarmonizedSystemCode"

    def flaws(self, document: etree._Element) -> Iterator[Flaw]:
        """Every code of *document* that is in no list, or in one but out of use; in document order."""
        rule, transition = self._editions(document.find(self._issue_date))
        checks = self._checks
        for element in document.iter(*self._tags):
            tag = str(element.tag)
            flaw = self._hs(element, rule, transition) if tag == self._hs_tag else checks[tag](element)
            if flaw is not None:
                yield flaw

    def _by_name(self) -> dict[str, Check]:
        country = self._text(self._codes.countries, Fault.NO_CORRIDOR, "a country of ISO 3166-1")
        unit = self._attribute("unit", self._codes.units, "a unit of UNECE Recommendation 20")
        return {
            "ExportingCountry": country,
            "ImportingCountry": country,
            "Country": country,
            "IssuingCountry": country,
            "Origin": country,
            "Mode": self._text(self._codes.modes, Fault.CODE, "a mode of transport"),
            "Kind": self._text(self._codes.packages, Fault.CODE, "a package of UNECE Recommendation 21"),
            "PortOfLoading": self._port,
            "PortOfDischarge": self._port,
            "HarmonizedSystemCode": lambda _: None,
            "GrossWeight": unit,
            "NetWeight": unit,
            "Quantity": unit,
            "FobValue": self._attribute("currency", self._codes.currencies, "a currency of ISO 4217"),
        }

    def _text(self, known: CodeList, code: Fault, what: str) -> Check:
        names, deprecated = known.names, known.deprecated

        def check(element: etree._Element) -> Flaw | None:
            value = content_of(element)
            if not value or (value in names and value not in deprecated):
                return None
            return _flaw(Place(element), value, known, code, what)

        return check

    def _attribute(self, attribute: str, known: CodeList, what: str) -> Check:
        names, deprecated = known.names, known.deprecated

        def check(element: etree._Element) -> Flaw | None:
            value = element.get(attribute)
            if not value or (value in names and value not in deprecated):
                return None
            return _flaw(Place(element, f"@{attribute}"), value, known, Fault.CODE, what)

        return check

    def _port(self, element: etree._Element) -> Flaw | None:
        value = content_of(element).strip()
        if not value or self._codes.is_port(value):
            return None

        def words() -> tuple[str, str]:
            text = f"'{value[:SHOWN_AT_MOST]}' is no UN/LOCODE."
            return text, "Give the country's two letters and three for the place, such as VNSGN."

        return Flaw(code=Fault.CODE.value, severity=Severity.ERROR, place=Place(element), words=words)

    def _editions(self, issue_date: etree._Element | None) -> tuple[HsEdition | None, tuple[HsEdition, ...]]:
        """The edition that is the rule for a certificate issued on *issue_date*, and those in transition."""
        windows = self._form.editions
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
                words=lambda: (
                    f"{code} is a code of an older edition of the Harmonized System, taken for a while.",
                    f"Give the code of the {edition} edition.",
                ),
            )

        def words() -> tuple[str, str]:
            nearest = rule.nearest(code)
            text = f"{code} is no subheading of the Harmonized System {edition}."
            return text, _nearest(nearest, rule.names) or "Give six digits of a subheading that exists."

        return Flaw(code=Fault.HS.value, severity=Severity.ERROR, place=Place(element), words=words)


def _flaw(place: Place, value: str, known: CodeList, code: Fault, what: str) -> Flaw:
    shown = value[:SHOWN_AT_MOST]
    if value in known.names:
        return Flaw(
            code=Fault.CODE_DEPRECATED.value,
            severity=Severity.WARNING,
            place=place,
            words=lambda: (f"{shown} ({known.names[value]}) is out of use.", "Use a current code next time."),
        )

    def words() -> tuple[str, str]:
        return f"'{shown}' is not {what}.", _nearest(known.nearest(value), known.names) or f"Give {what}."

    return Flaw(code=code.value, severity=Severity.ERROR, place=place, words=words)


def _nearest(codes: tuple[str, ...], names: Mapping[str, str]) -> str:
    shown = "; ".join(f"{code} ({names[code][:SHOWN_AT_MOST]})" for code in codes)
    return f"Nearest known: {shown}." if codes else ""


def _day(element: etree._Element | None, windows: tuple[EditionWindow, ...]) -> date:
    """The issue date; where it cannot be read, a day on which the youngest edition is the rule."""
    try:
        return date.fromisoformat("" if element is None else content_of(element).strip())
    except ValueError:
        return windows[-1].valid_from
