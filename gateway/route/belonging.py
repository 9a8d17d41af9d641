"""Whose certificate it is: a party vouches for those of its own country, and for no others."""

from __future__ import annotations

from lxml import etree

from gateway.domain.errors import Fault, Finding
from gateway.domain.message import ClaimedEnds
from gateway.domain.words import Words
from gateway.domain.xml import readable_path


def strangers(
    claims: ClaimedEnds,
    document: etree._Element,
    words: Words,
    *,
    exporting: str,
    importing: str | None = None,
) -> tuple[Finding, ...]:
    """
    What is wrong with the ends of a certificate, seen from the parties that carry it (C01).

    Without this a registered party could send a certificate in another country's name.

    Args:
        claims: the countries that the certificate names; one that cannot be read is the schema's to tell.
        exporting: the country whose party hands it in or sends it.
        importing: the country whose party receives it; None where the corridor decides.
    """
    findings = []
    named, meant_for = claims.exporting_country, claims.importing_country
    if named not in (None, exporting):
        said = words.say("issued-elsewhere", country=str(named), sender=exporting)
        findings.append(_stranger(document, "ExportingCountry", named, said))
    if importing is not None and meant_for not in (None, importing):
        said = words.say("meant-for-another", country=str(meant_for), receiver=importing)
        findings.append(_stranger(document, "ImportingCountry", meant_for, said))
    return tuple(findings)


def _stranger(document: etree._Element, name: str, value: str | None, said: tuple[str, str]) -> Finding:
    text, action = said
    element = document.find(f"{{{etree.QName(document).namespace}}}{name}")
    return Finding(
        code=Fault.NO_CORRIDOR,
        text=text,
        path=None if element is None else readable_path(element),
        line=None if element is None else element.sourceline,
        value=value,
        action=action,
    )
