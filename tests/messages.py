"""A message to seal and to spoil: a header and a small certificate of origin under it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from lxml import etree

from gateway.domain.envelope import write_envelope
from gateway.domain.ids import CertificateNumber, ConversationId, FormId, MessageId, PartyId
from gateway.domain.message import Header
from gateway.domain.status import MessageType
from gateway.trust.keys import OwnKey
from gateway.trust.seal import seal

NOW = datetime(2026, 11, 21, 21, 40, tzinfo=UTC)
NAMESPACE = "urn:eco-gateway:rcep:form-rcep:1.0"
NUMBER = "VN-TH 26/02/00006"
VN = PartyId("VN.MOIT")
TH = PartyId("TH.CUSTOMS")

CERTIFICATE = f"""<CertificateOfOrigin xmlns="{NAMESPACE}">
  <CertificateNumber>{NUMBER}</CertificateNumber>
  <Exporter><Name>Sao Mai Garments Co., Ltd.</Name></Exporter>
  <Item number="1"><Description>Trousers of cotton &amp; linen, ladies’</Description></Item>
</CertificateOfOrigin>"""


def a_header(**changes: Any) -> Header:
    """The header of a certificate from VN to TH, created a moment before ``NOW``."""
    header = Header(
        sender=VN,
        receiver=TH,
        standard=NAMESPACE,
        type_version="1.0",
        message_id=MessageId("5c1f0a7e3d9b4c52@vn.moit"),
        type=MessageType.CERTIFICATE,
        created_at=datetime(2026, 11, 21, 21, 39, 58, 844000, tzinfo=UTC),
        conversation_id=ConversationId("co-2602-00006@vn.moit"),
        form=FormId("rcep/form-rcep/1.0"),
        certificate_number=CertificateNumber(NUMBER),
    )
    return replace(header, **changes)


def a_document(xml: str = CERTIFICATE) -> etree._Element:
    """A business document."""
    return etree.fromstring(xml)


def a_message(**changes: Any) -> etree._Element:
    """A whole message, not sealed."""
    return write_envelope(a_header(**changes), a_document())


def a_sealed_message(key: OwnKey, **changes: Any) -> bytes:
    """A whole message, sealed with *key*."""
    return seal(a_message(**changes), key)
