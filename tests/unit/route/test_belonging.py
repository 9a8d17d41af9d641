"""A party vouches for the certificates of its own country alone."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from lxml import etree

from gateway.domain.words import ENGLISH
from gateway.route.belonging import strangers
from tests.data.shipped import FORM_D, forms

WORDS = forms()[FORM_D].words_in(ENGLISH)


@dataclass(frozen=True)
class Ends:
    exporting_country: str | None
    importing_country: str | None


def certificate(exporting: str, importing: str) -> etree._Element:
    return etree.fromstring(
        f'<CertificateOfOrigin xmlns="urn:x"><ExportingCountry>{exporting}</ExportingCountry>'
        f"<ImportingCountry>{importing}</ImportingCountry></CertificateOfOrigin>"
    )


@pytest.mark.parametrize(
    ("exporting", "importing", "paths"),
    [
        pytest.param("VN", "TH", [], id="its-own"),
        pytest.param("MY", "TH", ["/CertificateOfOrigin/ExportingCountry"], id="in-another-country's-name"),
        pytest.param("VN", "MY", ["/CertificateOfOrigin/ImportingCountry"], id="for-another-country"),
    ],
)
def test_a_certificate_of_other_ends_is_told_where(exporting: str, importing: str, paths: list[str]) -> None:
    found = strangers(
        Ends(exporting, importing), certificate(exporting, importing), WORDS, exporting="VN", importing="TH"
    )

    assert [finding.path for finding in found] == paths
    assert {finding.code for finding in found} <= {"C01"}


def test_where_the_corridor_decides_the_importing_country_is_not_asked() -> None:
    assert strangers(Ends("VN", "MY"), certificate("VN", "MY"), WORDS, exporting="VN") == ()


def test_a_country_that_cannot_be_read_is_told_by_the_schema_alone() -> None:
    assert strangers(Ends(None, None), certificate("", ""), WORDS, exporting="VN", importing="TH") == ()
