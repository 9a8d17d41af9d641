from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from lxml import etree

from gateway.acknowledge.bodies import ROOTS, TYPES, read_body, write_body
from gateway.acknowledge.findings import EXCHANGE
from gateway.acknowledge.interchange import read_interchange, write_interchange
from gateway.acknowledge.schema import _EXPECTED, MOST_FINDINGS, ExchangeSchema
from gateway.domain.status import (
    AcknowledgedBy,
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    DeliveryStatus,
    MessageType,
)
from gateway.domain.xml import read_xml
from tests.unit.acknowledge.samples import ENTRY, SCHEMAS

SCHEMA = ExchangeSchema(ENTRY)
XS = "{http://www.w3.org/2001/XMLSchema}"
VALID = sorted((SCHEMAS / "examples" / "valid").glob("*.xml"))
INVALID = sorted((SCHEMAS / "examples" / "invalid").glob("*.xml"))


@pytest.mark.parametrize("example", VALID, ids=lambda path: path.stem)
def test_a_valid_example_fits_and_is_read(example: Path) -> None:
    root = read_xml(example.read_bytes())

    assert SCHEMA.judge(root) == ()
    if etree.QName(root).localname == "Interchange":
        assert SCHEMA.judge(write_interchange(read_interchange(root))) == ()
    elif etree.QName(root).localname != "Findings":
        body = read_body(root)
        assert SCHEMA.judge(write_body(body), TYPES[type(body)]) == ()


@pytest.mark.parametrize("example", INVALID, ids=lambda path: path.stem)
def test_an_invalid_example_has_exactly_its_findings(example: Path) -> None:
    findings = SCHEMA.judge(read_xml(example.read_bytes()))

    told = "".join(f"{finding.code} {finding.severity} {finding.path}\n" for finding in findings)
    assert told == example.with_suffix(".findings").read_text("utf-8")


def test_every_document_has_valid_and_invalid_examples() -> None:
    roots = {*ROOTS.values(), "Interchange", "Findings"}

    assert {etree.QName(read_xml(path.read_bytes())).localname for path in VALID} == roots
    assert {etree.QName(read_xml(path.read_bytes())).localname for path in INVALID} >= roots - {"Ping"}


def judged(inside: str, expected: MessageType | None = None) -> list[tuple[str, str | None, str | None]]:
    name, _, rest = inside.partition(">")
    findings = SCHEMA.judge(etree.fromstring(f'{name} xmlns="{EXCHANGE}">{rest}'), expected)
    return [(finding.text, finding.path, finding.value) for finding in findings]


def test_a_fault_is_told_with_its_place_its_value_and_what_should_stand_there() -> None:
    root = etree.fromstring(
        f'<a:Cancellation xmlns:a="{EXCHANGE}">\n<a:CertificateNumber>1</a:CertificateNumber>\n'
        "<a:RefToMessageId>nobody</a:RefToMessageId><a:Reason>x</a:Reason></a:Cancellation>"
    )

    (finding,) = SCHEMA.judge(root, MessageType.CANCELLATION)

    assert finding.code == "S02"
    assert finding.path == "/Cancellation/RefToMessageId"
    assert finding.line == 3
    assert finding.value == "nobody"
    assert finding.text == "RefToMessageId: 'nobody' is not a message id, local@domain"


@pytest.mark.parametrize(
    ("inside", "told"),
    [
        pytest.param(
            "<Acknowledgement><RefToMessageId>a@b</RefToMessageId><Outcome>maybe</Outcome><By>gateway</By>"
            "<At>2026-11-21T00:00:00Z</At></Acknowledgement>",
            "Outcome: 'maybe' is not one of 'accepted', 'accepted_with_warnings', 'rejected'",
            id="not-in-the-list",
        ),
        pytest.param(
            "<Ping><Note>x</Note><Note>y</Note></Ping>", "Note: should not stand here", id="too-many"
        ),
        pytest.param(
            "<Cancellation><Reason>x</Reason></Cancellation>",
            "Reason: should not stand here, but CertificateNumber",
            id="missing-before",
        ),
        pytest.param(
            "<StatusReply><CertificateNumber>1</CertificateNumber></StatusReply>",
            "StatusReply: lacks Life",
            id="missing-at-the-end",
        ),
        pytest.param(
            '<Interchange charset="UTF-8"></Interchange>',
            "Interchange: lacks the attribute contentType",
            id="missing-attribute",
        ),
        pytest.param('<Ping to="you"></Ping>', "Ping/@to: is not known", id="unknown-attribute"),
        pytest.param("<Surprise></Surprise>", "Surprise: is no document of the exchange", id="unknown-root"),
        pytest.param(
            "<Ping>hello</Ping>",
            "Ping: should hold elements only, no text between them",
            id="text-between",
        ),
    ],
)
def test_faults_are_told_in_words(inside: str, told: str) -> None:
    assert [text for text, _, _ in judged(inside)] == [told]


def test_a_fault_we_have_no_words_for_is_told_in_the_librarys() -> None:
    told = [text for text, _, _ in judged("<Ping><Note>x<b/></Note></Ping>")]

    assert told == ["Note: Element content is not allowed, because the type definition is simple."]


def test_the_root_must_be_the_message_types() -> None:
    ((text, path, _),) = judged("<Ping></Ping>", MessageType.CANCELLATION)

    assert (
        text == f"a message of type cancellation carries Cancellation of {EXCHANGE}, not Ping of {EXCHANGE}"
    )
    assert path == "/Ping"


def test_a_certificate_is_no_document_of_the_exchange() -> None:
    ((text, _, _),) = judged("<Ping></Ping>", MessageType.CERTIFICATE)

    assert "carries no document of the exchange" in text


def test_at_most_fifty_faults_are_told() -> None:
    inside = '<ItemOutcome item="0"><Outcome>x</Outcome><Date>y</Date></ItemOutcome>' * 40
    found = judged(
        "<CustomsResponse><CertificateNumber>1</CertificateNumber><RefToMessageId>a@b</RefToMessageId>"
        f"{inside}</CustomsResponse>"
    )

    assert len(found) == MOST_FINDINGS


def test_two_facets_of_one_value_are_one_fault() -> None:
    inside = '<ItemOutcome item="1"><Outcome>utilised</Outcome><Quantity unit="KGM">-1.12345678</Quantity>'
    found = judged(
        "<CustomsResponse><CertificateNumber>1</CertificateNumber><RefToMessageId>a@b</RefToMessageId>"
        f"{inside}<Date>2026-11-21</Date></ItemOutcome></CustomsResponse>"
    )

    assert found == [
        (
            "Quantity: '-1.12345678' is not a number from 0, at most 16 digits, 6 of them after the point",
            "/CustomsResponse/ItemOutcome/Quantity",
            "-1.12345678",
        )
    ]


def test_a_prefix_that_means_two_things_costs_the_path_at_most() -> None:
    root = etree.fromstring(
        f'<a:Ping xmlns:a="{EXCHANGE}"><a:Note/><b:Other xmlns:b="urn:x">'
        '<a:Note xmlns:a="urn:y"/></b:Other></a:Ping>'
    )

    findings = SCHEMA.judge(root)

    assert all(finding.path.startswith("/Ping") for finding in findings if finding.path)
    assert findings


@pytest.mark.parametrize("prefix", ["é", "中", "a.b", "a-b", "div", "and", "_", "x·"])
def test_any_prefix_is_found_again(prefix: str) -> None:
    root = etree.fromstring(
        f'<{prefix}:Ping xmlns:{prefix}="{EXCHANGE}"><{prefix}:Note>x</{prefix}:Note>'
        f"<{prefix}:Note/></{prefix}:Ping>"
    )

    assert [finding.path for finding in SCHEMA.judge(root)] == ["/Ping/Note[2]"]


def test_threads_share_one_schema_without_mixing_their_findings() -> None:
    good = etree.fromstring(f'<Ping xmlns="{EXCHANGE}"><Note>x</Note></Ping>')
    bad = etree.fromstring(f'<Ping xmlns="{EXCHANGE}"><Note> </Note></Ping>')

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(SCHEMA.judge, [good, bad] * 50))

    assert [len(findings) for findings in found] == [0, 1] * 50


def named(kind: str) -> set[str]:
    """Every element or attribute that the XSDs of messages declare with a text of its own."""
    of_no_message = SCHEMAS / "tree-head.xsd"  # the head of a log is asked for, nobody hands one in
    return {
        str(node.get("name"))
        for path in {*SCHEMAS.glob("*.xsd")} - {of_no_message}
        for node in etree.parse(path).iter(f"{XS}{kind}")
        if node.get("name")
    }


def test_every_value_that_can_be_wrong_is_known_by_name() -> None:
    enumerated = {"Outcome", "By", "Life", "Delivery", "Acknowledgement", "Kind", "@severity"}
    containers = {*ROOTS.values(), "Findings", "Received", "Finding", "ItemOutcome", "Interchange"}
    elements = named("element") - containers - enumerated
    attributes = {f"@{name}" for name in named("attribute")} - enumerated | {
        "@path",
        "@box",
        "@value",
        "@action",
    }

    assert elements <= set(_EXPECTED)
    assert attributes - {"@path", "@box", "@value", "@action"} <= set(_EXPECTED)
    assert set(_EXPECTED) <= elements | attributes | {"Interchange"}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("AcknowledgementOutcome", AcknowledgementOutcome),
        ("CustomsOutcome", CustomsOutcome),
        ("By", AcknowledgedBy),
        ("Life", CertificateLife),
        ("Delivery", DeliveryStatus),
    ],
)
def test_the_lists_of_the_schema_are_those_of_the_code(name: str, values: type[str]) -> None:
    found = [
        str(value.get("value"))
        for path in SCHEMAS.glob("*.xsd")
        for node in etree.parse(path).iter(f"{XS}simpleType", f"{XS}element")
        if node.get("name") == name
        for value in node.iter(f"{XS}enumeration")
    ]

    assert found == [str(value) for value in values]  # type: ignore[attr-defined]
