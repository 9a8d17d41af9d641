"""The data of the UBL dialect: records and examples travel, the page is true, the XSDs are those of OASIS."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from gateway.cli.pairs import what_is_said
from gateway.registry.folder import SHIPPED
from gateway.translate.ubl.names import rest
from gateway.validate.judge import form_of
from gateway.validate.records import form_of_record, record_of
from tests.data.shipped import consignments, errors, examples, forms, judged, without_test_keys, written
from tests.data.ubl import dialect, said, there_and_back
from tests.data.ubl_places import EXTENSION, places
from tests.unit.house.tree import in_code, table

XSDS = SHIPPED / "schemas/ubl/2.1"
PAGE = "docs/dialects-ubl.md"
SOUND = [
    pytest.param(record, id=record["case"])
    for record in consignments()
    if not record["expected"]["rejected_with"]
]


@pytest.mark.parametrize("record", SOUND)
def test_a_record_comes_back_from_ubl_as_it_went_in(record: dict[str, Any]) -> None:
    form = form_of_record(record, forms())

    back, found = there_and_back(written(record), form)

    assert found is form
    assert what_is_said(record_of(back, form)) == what_is_said({**without_test_keys(record), "form": form.id})


def test_a_record_that_came_back_gets_the_verdict_it_had() -> None:
    record = consignments()[0]
    back, form = there_and_back(written(record), form_of_record(record, forms()))

    assert errors(judged(record_of(back, form))) == errors(judged(record)) == []


@pytest.mark.parametrize("path", examples("valid"))
def test_an_example_comes_back_from_ubl_as_it_went_in(path: str) -> None:
    document = etree.parse(SHIPPED / path).getroot()
    form = form_of(document, forms())

    back, found = there_and_back(document, form)

    assert found is form
    assert said(back) == said(document)


def test_our_extension_holds_what_the_page_says_and_nothing_else() -> None:
    told = {path for path, where in _table() if where == [EXTENSION]}
    used = set()
    for path in examples("valid"):
        document = etree.parse(SHIPPED / path).getroot()
        for part in dialect().write(document, form_of(document, forms())).iter(rest("Part")):
            leaves = [part[0]] if not len(part[0]) else list(part[0])
            used |= {etree.QName(leaf).localname for leaf in leaves}

    assert used <= {path.rpartition("/")[2] for path in told}


def test_the_page_says_where_everything_stands() -> None:
    assert dict(_table()) == places()


def test_the_xsds_are_those_of_oasis() -> None:
    lines = (XSDS / "SHA256SUMS").read_text("utf-8").splitlines()
    told = {name: digest for digest, name in (line.split("  ") for line in lines)}
    found = {
        path.relative_to(XSDS).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in XSDS.glob("*/*.xsd")
    }

    assert found == told


@pytest.mark.parametrize("xsd", sorted(XSDS.glob("*/*.xsd")), ids=lambda path: path.name)
def test_each_xsd_keeps_the_notice_that_allows_copying(xsd: Path) -> None:
    assert re.search(r"OASIS|UN/CEFACT|ETSI|W3C", xsd.read_text("utf-8"))


def test_no_xsd_lies_there_that_is_not_needed() -> None:
    needed: set[Path] = set()
    open_ends = sorted(XSDS.glob("maindoc/*.xsd"))
    while open_ends:
        path = open_ends.pop()
        if path not in needed:
            needed.add(path)
            locations = re.findall(r'schemaLocation="([^"]+)"', path.read_text("utf-8"))
            open_ends += [(path.parent / location).resolve() for location in locations]

    assert needed == set(XSDS.glob("*/*.xsd"))


def _table() -> list[tuple[str, list[str]]]:
    """Rows of the page: the element, and its places with the long name written out."""
    rows = []
    for element, where, *_ in table(PAGE, "## Where everything stands"):
        named = re.findall(r"`([^`]+)`", where) or [where]
        rows.append(
            (
                in_code(element),
                [re.sub(r"^Application\b", "CertificateOfOriginApplication", n) for n in named],
            )
        )
    return rows
