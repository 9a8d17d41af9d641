"""Whose certificate it is: a party vouches for those of its own country, and for no others."""

from __future__ import annotations

from lxml import etree

from gateway.domain.errors import Fault, Finding
from gateway.domain.message import ClaimedEnds
from gateway.domain.xml import readable_path


def strangers(
    claims: ClaimedEnds, document: etree._Element, *, exporting: str, importing: str | None = None
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
    if claims.exporting_country not in (None, exporting):
        findings.append(
            _stranger(
                document,
                "ExportingCountry",
                claims.exporting_country,
                f"was issued in {claims.exporting_country}, but comes from {exporting}",
            )
        )
    if importing is not None and claims.importing_country not in (None, importing):
        findings.append(
            _stranger(
                document,
                "ImportingCountry",
                claims.importing_country,
                f"is meant for {claims.importing_country}, but was sent to {importing}",
            )
        )
    return tuple(findings)


def _stranger(document: etree._Element, name: str, value: str | None, words: str) -> Finding:
    element = document.find(f"{{{etree.QName(document).namespace}}}{name}")
    return Finding(
        code=Fault.NO_CORRIDOR,
        text=f"The certificate {words}.",
        path=None if element is None else readable_path(element),
        line=None if element is None else element.sourceline,
        value=value,
        action="Hand it in at the gateway of the country that issued it, for the country that it names.",
    )
