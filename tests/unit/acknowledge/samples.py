"""Things of this room's tests: made here, never taken from a network or a file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import strategies as st
from lxml import etree

from gateway.acknowledge.units import Factor, Factors
from gateway.domain.corridor import Party, Patience, RegisteredCertificate
from gateway.domain.ids import CertificateNumber, ConversationId, FormId, MessageId, PartyId
from gateway.domain.message import Header
from gateway.domain.status import CertificateLife, CustomsOutcome, Direction, MessageType
from gateway.store.records import CertificateRow, Claim, CustomsEntry, CustomsRow

SCHEMAS = Path(__file__).resolve().parents[3] / "schemas" / "exchange" / "1.0"
ENTRY = SCHEMAS / "exchange.xsd"

NOW = datetime(2026, 11, 21, 21, 34, 40, 904000, tzinfo=UTC)
HOME = PartyId("VN.MOIT")
ABROAD = PartyId("TH.CUSTOMS")
ID = MessageId("5c1f0a7e@vn.moit")
OTHER_ID = MessageId("0000000@vn.moit")
CONVERSATION = ConversationId("co-1@vn.moit")
NUMBER = CertificateNumber("VN-TH 26/02/00006")
BODY = b"<sealed/>"
DIGEST = hashlib.sha256(BODY).digest()
OTHER_DIGEST = hashlib.sha256(b"<other/>").digest()

FACTORS: Factors = {
    "KGM": Factor(base="kg", times=Fraction(1)),
    "GRM": Factor(base="kg", times=Fraction(1, 1000)),
    "TNE": Factor(base="kg", times=Fraction(1000)),
    "LBR": Factor(base="kg", times=Fraction("0.45359237")),
    "LTR": Factor(base="m³", times=Fraction(1, 1000)),
    "PR": Factor(base="1", times=Fraction(2)),
    "DZN": Factor(base="1", times=Fraction(12)),
}

HEADER = Header(
    sender=HOME,
    receiver=ABROAD,
    standard="urn:eco-gateway:rcep:form-rcep:1.0",
    type_version="1.0",
    message_id=ID,
    type=MessageType.CERTIFICATE,
    created_at=NOW - timedelta(milliseconds=60),
    conversation_id=CONVERSATION,
    form=FormId("rcep/form-rcep/1.0"),
    certificate_number=NUMBER,
)

CLAIM = Claim(
    message_no=1,
    message_id=ID,
    conversation_id=CONVERSATION,
    type=MessageType.CERTIFICATE,
    party=ABROAD,
    body=BODY,
    digest=DIGEST,
    created_at=HEADER.created_at,
    attempts=0,
    waits_used=0,
    fence=1,
)

CERTIFICATE = CertificateRow(
    certificate_no=1,
    direction=Direction.OUT,
    form=FormId("rcep/form-rcep/1.0"),
    number=NUMBER,
    issuing_country="VN",
    exporting_country="VN",
    importing_country="TH",
    party=ABROAD,
    exporter="Sao Mai Garments",
    issue_date=date(2026, 11, 20),
    organisation=None,
    life=CertificateLife.IN_FORCE,
    life_before=None,
    message_no=1,
    message_id=ID,
    conversation_id=CONVERSATION,
    delivery=None,
    acknowledgement=None,
    customs_response=None,
    submitted_at=NOW,
)


def living(life: CertificateLife, before: CertificateLife | None = None) -> CertificateRow:
    return replace(CERTIFICATE, life=life, life_before=before)


@cache
def registered() -> RegisteredCertificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TH.CUSTOMS sign")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(NOW + timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    return RegisteredCertificate(
        file="th.pem",
        certificate=certificate,
        valid_from=NOW - timedelta(days=30),
        valid_to=NOW + timedelta(days=30),
    )


@cache
def party() -> Party:
    return Party(
        id=ABROAD,
        name="Thai Customs",
        country="TH",
        transport="eco-https/1",
        endpoint="https://gateway.th.example/exchange/v1/messages",
        anchor=registered().certificate,
        tls_anchor=registered().certificate,
        sign=(registered(),),
        tls=(),
        patience=Patience(
            waits=(timedelta(seconds=5),),
            receipt_within=timedelta(seconds=30),
            acknowledgement_within=timedelta(hours=4),
        ),
        messages=frozenset(MessageType),
        acknowledgements=True,
        national_acknowledgements=True,
    )


@dataclass(frozen=True, kw_only=True)
class OpenedSignal:
    root: etree._Element
    certificate: RegisteredCertificate


def entry(
    item: int,
    outcome: CustomsOutcome = CustomsOutcome.PARTIALLY_UTILISED,
    quantity: str | None = None,
    *,
    unit: str = "KGM",
    declaration: str | None = None,
) -> CustomsEntry:
    return CustomsEntry(
        item=item,
        outcome=outcome,
        quantity=None if quantity is None else Decimal(quantity),
        unit=None if quantity is None else unit,
        declaration=declaration,
        date=date(2026, 11, 21),
    )


def kept(*entries: CustomsEntry) -> tuple[CustomsRow, ...]:
    return tuple(
        CustomsRow(
            entry=one, message_no=number, message_id=MessageId(f"{number}@th.customs"), at=NOW, said_at=NOW
        )
        for number, one in enumerate(entries)
    )


def printed(root: etree._Element) -> etree._Element:
    """What a reader sees who gets *root* as bytes."""
    return etree.fromstring(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def case_insensitive(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {name.lower(): value for name, value in headers.items()}


# Words that XML carries and that collapsing white space leaves as they are.
xml_characters = st.characters(
    exclude_categories=["Cs"], exclude_characters="\ufffe\uffff" + "".join(map(chr, range(32)))
)
texts = st.text(st.one_of(xml_characters, st.sampled_from("\t\n\r")), min_size=1, max_size=40).filter(
    lambda words: bool(words.strip())
)
words = st.text(xml_characters, min_size=1, max_size=20).map(lambda text: " ".join(text.split())).filter(bool)
local = st.text(st.sampled_from("abcXYZ019.-_+"), min_size=1, max_size=20)
message_ids = st.builds(lambda one, other: MessageId(f"{one}@{other}"), local, local)
numbers = words.map(CertificateNumber)
moments = st.integers(0, 10**13).map(lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms))
days = st.dates(date(1900, 1, 1), date(2999, 12, 31))
amounts = st.decimals(0, 999_999_999, places=6, allow_nan=False, allow_infinity=False)
