"""What we send, its Signature taken off, is valid against the published schemas."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from gateway.domain.ids import MessageId
from gateway.domain.status import MessageType
from gateway.trust.seal import seal
from tests.conformance.sealed import MY, VN, a_receipt, an_exception
from tests.keys import PartyKeys
from tests.messages import a_message

HERE = Path(__file__).parent
PARSER = etree.XMLParser(no_network=True)


def schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(HERE / "xsd" / name, PARSER))


def without_signature(raw: bytes) -> etree._Element:
    root = etree.fromstring(raw)
    root.remove(root[-1])
    return root


@pytest.mark.parametrize("keys", [VN, MY], ids=["rsa", "ecdsa"])
@pytest.mark.parametrize("kind", MessageType)
def test_our_messages_are_standard_business_documents(keys: PartyKeys, kind: MessageType) -> None:
    raw = seal(a_message(type=kind, ref_to_message_id=MessageId("a@b")), keys.own)

    schema("StandardBusinessDocumentHeader.xsd").assertValid(without_signature(raw))


@pytest.mark.parametrize("keys", [VN, MY], ids=["rsa", "ecdsa"])
def test_our_receipts_are_ebbp_signals(keys: PartyKeys) -> None:
    schema("signals.xsd").assertValid(without_signature(a_receipt(keys)))


@pytest.mark.parametrize("known", [True, False], ids=["readable", "unreadable"])
def test_our_exceptions_are_ebbp_signals(known: bool) -> None:
    schema("signals.xsd").assertValid(without_signature(an_exception(VN, known=known)))


@pytest.mark.parametrize(
    ("name", "against"),
    [
        pytest.param("message.xml", "StandardBusinessDocumentHeader.xsd", id="message"),
        pytest.param("receipt.xml", "signals.xsd", id="receipt"),
        pytest.param("exception.xml", "signals.xsd", id="exception"),
        pytest.param("exception-unreadable.xml", "signals.xsd", id="exception-unreadable"),
    ],
)
def test_the_foreign_examples_are_valid(name: str, against: str) -> None:
    schema(against).assertValid(without_signature((HERE / "wire-examples" / name).read_bytes()))
