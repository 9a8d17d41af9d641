"""Signals that an independent writer made are read as they are meant; their seals are checked elsewhere."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from lxml import etree

from gateway.acknowledge.findings import EXCHANGE
from gateway.acknowledge.reading import Opened, read_answer
from gateway.acknowledge.schema import ExchangeSchema
from gateway.domain.answer import Answer
from gateway.domain.errors import PartyRefused, PartyUnreachable
from gateway.domain.ids import MessageId
from gateway.domain.xml import read_xml
from gateway.store.records import CheckedReceipt
from tests.unit.acknowledge.samples import CLAIM, ENTRY, HOME, NOW, OpenedSignal, party, registered
from tests.unit.acknowledge.xsd import WIRE_EXAMPLES

MESSAGE = (WIRE_EXAMPLES / "message.xml").read_bytes()
SENT = replace(
    CLAIM,
    message_id=MessageId("5c1f0a7e3d9b4c52a1e8f6d7900b3c11@vn.moit"),
    body=MESSAGE,
    digest=hashlib.sha256(MESSAGE).digest(),
)


def opened(raw: bytes) -> Opened:
    return OpenedSignal(root=read_xml(raw), certificate=registered())


def read(status: int, name: str) -> CheckedReceipt:
    answer = Answer(status=status, headers={}, body=(WIRE_EXAMPLES / name).read_bytes())
    return read_answer(SENT, answer, party=party(), home=HOME, open_seal=opened, at=NOW)


def test_the_receipt_delivers_the_message() -> None:
    receipt = read(200, "receipt.xml")

    assert receipt.digest == SENT.digest
    assert receipt.at == NOW.replace(microsecond=903000)


def test_the_exception_refuses_the_message_with_both_findings() -> None:
    with pytest.raises(PartyRefused) as caught:
        read(422, "exception.xml")

    assert caught.value.cause == ("S02: Item 1: HarmonizedSystemCode: 6 digits expected, found '61091'")
    assert [finding.code for finding in caught.value.findings] == ["S02", "C03"]
    assert caught.value.findings[0].path == "CertificateOfOrigin/Item[1]/HarmonizedSystemCode"


def test_the_exception_about_an_unreadable_message_is_about_another() -> None:
    with pytest.raises(PartyUnreachable, match="refusal of another message: S01"):
        read(400, "exception-unreadable.xml")


@pytest.mark.parametrize("name", ["exception.xml", "exception-unreadable.xml"])
def test_their_findings_fit_our_schema(name: str) -> None:
    findings = etree.parse(WIRE_EXAMPLES / name).getroot().find(f"{{{EXCHANGE}}}Findings")
    assert findings is not None

    assert ExchangeSchema(ENTRY).judge(etree.fromstring(etree.tostring(findings))) == ()
