"""Rows to write into a ledger, and the few steps that most tests of it begin with."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

from gateway.domain.errors import Finding, Severity
from gateway.domain.ids import CertificateNumber, ConversationId, FormId, MessageId, PartyId
from gateway.domain.message import CertificateFacts, Header, Sealed
from gateway.domain.status import (
    AcknowledgedBy,
    AcknowledgementOutcome,
    DeliveryStatus,
    Direction,
    MessageType,
)
from gateway.store.ledger import Ledger
from gateway.store.records import (
    Admission,
    Admitted,
    CertificateKey,
    CertificateRow,
    CheckedReceipt,
    Claim,
    Held,
    NewCertificate,
    NewInbound,
    Outcome,
    SubmittedCertificate,
)

HOME = PartyId("VN.MOIT")
TH = PartyId("TH.CUSTOMS")
MY = PartyId("MY.CUSTOMS")
FORM_D = FormId("atiga/form-d/1.0")
RCEP = FormId("rcep/form-rcep/1.0")
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WARNING = Finding(code="W05", text="A minor thing", severity=Severity.WARNING, path="/CertificateOfOrigin")
FAULT = Finding(code="C02", text="No such code", box="7", line=3, value="999999", action="Mend it", step=None)

_numbers = count(1)


def sha256(content: bytes) -> bytes:
    """The digest of *content*."""
    return hashlib.sha256(content).digest()


def a_message_id(domain: str = "vn.example") -> MessageId:
    """One that no other call gave."""
    return MessageId(f"m{next(_numbers)}@{domain}")


def sealed(body: bytes = b"<sealed/>", **header: Any) -> Sealed:
    """A sealed message; *header* replaces parts of an outbound certificate's to TH."""
    message_id = header.pop("message_id", None) or a_message_id()
    given: dict[str, Any] = {
        "sender": HOME,
        "receiver": TH,
        "standard": "urn:eco-gateway:atiga:form-d:1.0",
        "type_version": "1.0",
        "message_id": message_id,
        "type": MessageType.CERTIFICATE,
        "created_at": AT,
        "conversation_id": ConversationId(f"co-{message_id}"),
        "form": FORM_D,
    }
    return Sealed(header=Header(**given | header), body=body, digest=sha256(body))


def facts(number: str = "VN-1", **changes: Any) -> CertificateFacts:
    """What a certificate says of itself."""
    plain = CertificateFacts(
        form=FORM_D,
        number=CertificateNumber(number),
        issuing_country="VN",
        exporting_country="VN",
        importing_country="TH",
        exporter="Sao Mai Garments Co., Ltd.",
        issue_date=date(2026, 11, 20),
    )
    return replace(plain, **changes)


def a_certificate(
    number: str = "VN-1",
    content: bytes = b"<certificate/>",
    *,
    party: PartyId = TH,
    organisation: str | None = "MOIT-HN",
    at: datetime = AT,
    conversation_id: str | None = None,
    **changes: Any,
) -> NewCertificate:
    """A certificate to submit; *changes* are to its facts."""
    about = facts(number, **changes)
    header: dict[str, Any] = {"receiver": party, "certificate_number": about.number, "form": about.form}
    if conversation_id is not None:
        header["conversation_id"] = ConversationId(conversation_id)
    return NewCertificate(
        facts=about,
        sealed=sealed(b"<sealed>" + content + b"</sealed>", **header),
        content=content,
        content_digest=sha256(content),
        warnings=(WARNING,),
        organisation=organisation,
        actor="clerk",
        at=at,
    )


def an_arrival(
    number: str | None = "TH-1",
    body: bytes = b"<arrived/>",
    *,
    findings: tuple[Finding, ...] = (),
    **header: Any,
) -> NewInbound:
    """A message that came from TH; *header* replaces parts of its header."""
    given: dict[str, Any] = {"sender": TH, "receiver": HOME, "certificate_number": number} | header
    given.setdefault("message_id", a_message_id("th.example"))
    return NewInbound(
        sealed=sealed(body, **given),
        receipt=b"<receipt for " + body + b"/>",
        receipt_signer_until=AT + 365 * 24 * 60 * MINUTE,
        valid=all(finding.severity is Severity.WARNING for finding in findings),
        findings=findings,
        at=AT,
    )


def an_answer_to(inbound: NewInbound, body: bytes = b"<acknowledgement/>") -> Sealed:
    """Our acknowledgement message about what arrived."""
    header = inbound.sealed.header
    return sealed(
        body,
        receiver=header.sender,
        type=MessageType.ACKNOWLEDGEMENT,
        conversation_id=header.conversation_id,
        certificate_number=header.certificate_number,
        ref_to_message_id=header.message_id,
    )


async def admit(
    ledger: Ledger,
    inbound: NewInbound,
    *,
    content: bytes = b"<content/>",
    answered: bool = False,
    **changes: Any,
) -> Admission:
    """Admit *inbound*, with an acknowledgement message where *answered*."""
    number = inbound.sealed.header.certificate_number
    assert number is not None
    about = facts(number, issuing_country="TH", exporting_country="TH", importing_country="VN", **changes)
    answer = (an_answer_to(inbound), AcknowledgementOutcome.ACCEPTED) if answered else None
    return await ledger.admit_certificate(inbound, about, answer, content_digest=sha256(content))


async def admitted(ledger: Ledger, inbound: NewInbound, **how: Any) -> Admitted:
    """Admit *inbound*, which must be taken."""
    admission = await admit(ledger, inbound, **how)
    assert isinstance(admission, Admitted)
    return admission


def key(number: str = "VN-1", direction: Direction = Direction.OUT) -> CertificateKey:
    """The key of a Form D certificate."""
    country = "VN" if direction is Direction.OUT else "TH"
    family = FormId("atiga/form-d")
    return CertificateKey(
        direction=direction, issuing_country=country, family=family, number=CertificateNumber(number)
    )


def receipt_for(claim: Claim, body: bytes = b"<their receipt/>") -> CheckedReceipt:
    """A checked receipt for what was claimed."""
    return CheckedReceipt(body=body, digest=claim.digest, signer="CN=TH", at=AT + MINUTE)


def delivered(claim: Claim) -> Outcome:
    """The attempt brought a receipt."""
    return Outcome(
        claim=claim,
        status=DeliveryStatus.DELIVERED,
        due_in_s=0,
        waits_used=claim.waits_used,
        cause=None,
        receipt=receipt_for(claim),
        at=AT + MINUTE,
        took_ms=12,
    )


def failed(
    claim: Claim,
    status: DeliveryStatus = DeliveryStatus.AWAITING_RETRY,
    *,
    due_in_s: float = 60,
    waits_used: int | None = None,
) -> Outcome:
    """The attempt brought no receipt."""
    return Outcome(
        claim=claim,
        status=status,
        due_in_s=due_in_s,
        waits_used=claim.waits_used + 1 if waits_used is None else waits_used,
        cause="T01: cannot connect",
        receipt=None,
        at=AT + MINUTE,
        took_ms=12,
    )


_HELD: WeakKeyDictionary[Ledger, dict[PartyId, Held]] = WeakKeyDictionary()


async def hold(
    ledger: Ledger, *parties: PartyId, node: str = "here", lease_s: float = 3600
) -> dict[PartyId, Held]:
    """Take these lanes for *node*; what it held before it holds under a new fence."""
    held, _ = await ledger.hold_lanes(node, parties=parties, running=(), lease_s=lease_s)
    return {one.party: one for one in held}


async def claim_due(
    ledger: Ledger, party: PartyId = TH, *, lease_s: float = 60, limit: int = 1
) -> list[Claim]:
    """Claim under a lease of the lane that lasts as long as the test."""
    held = _HELD.setdefault(ledger, {})
    if party not in held:
        held |= await hold(ledger, party, node=f"the one for {party}")
    return await ledger.claim(held[party], lease_s=lease_s, limit=limit)


async def claim_one(ledger: Ledger, party: PartyId = TH, *, lease_s: float = 60) -> Claim:
    """The one delivery that is due."""
    (claimed,) = await claim_due(ledger, party, lease_s=lease_s)
    return claimed


async def submit_and_claim(ledger: Ledger, number: str = "VN-1", **how: Any) -> Claim:
    """Submit a certificate and lease its delivery."""
    await ledger.submit(a_certificate(number, **how))
    return await claim_one(ledger)


async def deliver(ledger: Ledger, number: str = "VN-1", **how: Any) -> SubmittedCertificate:
    """Submit a certificate and bring it to ``delivered``."""
    submitted = await ledger.submit(a_certificate(number, **how))
    assert await ledger.settle([delivered(await claim_one(ledger))]) == [True]
    return submitted


async def message_no_of(ledger: Ledger, message_id: MessageId) -> int:
    """The ledger's own number of a message."""
    (message,) = await ledger.find_messages(message_id)
    return message.message_no


async def owe(ledger: Ledger, conversation_id: str, *, party: PartyId = TH) -> int:
    """Owe a message that is about no certificate; its message_no."""
    message = sealed(receiver=party, type=MessageType.PING, conversation_id=ConversationId(conversation_id))
    async with ledger.page() as page:
        return await page.write_outbound(message, certificate_no=None, organisation=None, actor="a", at=AT)


async def acknowledge(
    ledger: Ledger,
    certificate: CertificateRow,
    outcome: AcknowledgementOutcome,
    by: AcknowledgedBy = AcknowledgedBy.GATEWAY,
) -> None:
    """Their acknowledgement of the message that carries *certificate* now."""
    async with ledger.page() as page:
        await page.acknowledge(
            certificate.message_no,
            certificate_no=certificate.certificate_no,
            outcome=outcome,
            by=by,
            findings=(),
            at=AT,
            carried_by=None,
        )


async def certificate_of(
    ledger: Ledger, number: str = "VN-1", direction: Direction = Direction.OUT
) -> CertificateRow:
    """The certificate with this number."""
    (row,), _ = await ledger.certificates(number=number, direction=direction)
    return row


async def events_of(ledger: Ledger) -> list[str]:
    """What happened, oldest first."""
    rows, _ = await ledger.events(after=None, limit=500)
    return [row.what for row in rows]
