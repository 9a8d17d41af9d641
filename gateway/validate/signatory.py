"""Step 8 of the numbered verification: who signed was on the specimen list in force on the day of issue."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from lxml import etree

from gateway.domain.errors import Fault, Finding, Severity
from gateway.domain.form import Form
from gateway.domain.specimen import Asked, Listed, SpecimenList, Specimens
from gateway.domain.words import Words
from gateway.validate.facts import ClaimedFacts
from gateway.validate.places import Place, content_of, path_of, value_at

STEP = 8
Said = tuple[str, str]  # text and action


def signatory_findings(
    document: etree._Element,
    form: Form,
    claims: ClaimedFacts,
    specimens: Specimens,
    asked: Asked | None,
    words: Words,
) -> tuple[Finding, ...]:
    """
    What the specimen lists have against who issued and signed *document*; at most one finding, G03.

    A certificate from an official who is not on the list shall not be honoured (ATIGA Annex 8 Rule 2(2)).

    Args:
        asked: what the corridor wants; None where it asks for no lists.
    """
    country, on = claims.exporting_country, claims.issue_date
    if asked is None or country is None or on is None:
        return ()
    body, signatory = _child(document, form, "IssuingBody"), _child(document, form, "Signatory")
    listed = specimens.in_force(country, form.id.partition("/")[0], on)
    if listed is None:
        said = words.say("specimens-missing", country=country, day=str(on))
        return (_finding(document, form, signatory, said, asked),)
    if body is None and signatory is None:
        said = words.say("specimens-unasked", list=listed.told)
        return (_finding(document, form, None, said, asked),)
    bodies: Iterable[Listed] = listed.bodies
    if body is not None:
        if (fault := _missing(body, bodies, listed, on, words)) is not None:
            return (_finding(document, form, body, fault, asked),)
        bodies = [each for each in bodies if each.is_called(_text(body)) and each.counts_on(on)]
    if signatory is not None:
        officials = [one for each in bodies if each.counts_on(on) for one in each.officials]
        if (fault := _missing(signatory, officials, listed, on, words)) is not None:
            return (_finding(document, form, signatory, fault, asked),)
    return ()


def _missing(
    named: etree._Element, some: Iterable[Listed], listed: SpecimenList, on: date, words: Words
) -> Said | None:
    """Why *named* is not among *some* on that day, or None."""
    known = [each for each in some if each.is_called(_text(named))]
    if any(each.counts_on(on) for each in known):
        return None
    if not known:
        return words.say("signatory-unlisted", name=_text(named), list=listed.told, day=str(on))
    windows = ", ".join(
        words.phrase(
            "window", begins=str(each.begins or listed.valid_from), ends=str(each.ends or words.phrase("on"))
        )
        for each in known
    )
    return words.say("signatory-outside", name=_text(named), list=listed.told, windows=windows, day=str(on))


def _finding(
    document: etree._Element, form: Form, named: etree._Element | None, said: Said, asked: Asked
) -> Finding:
    text, action = said
    place = Place(document if named is None else named)
    path = path_of(place, document)
    return Finding(
        code=Fault.SIGNATORY.value,
        text=text,
        severity=Severity.ERROR if asked is Asked.REFUSE else Severity.WARNING,
        box=form.box_of(path),
        path=path,
        line=place.element.sourceline,
        value=value_at(place),
        action=action,
        step=STEP,
    )


def _child(document: etree._Element, form: Form, name: str) -> etree._Element | None:
    return document.find(f"{{{form.namespace}}}{name}")


def _text(element: etree._Element) -> str:
    return " ".join(content_of(element).split())
