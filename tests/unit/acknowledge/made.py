"""Strategies that make every exchange document there can be."""

from __future__ import annotations

from hypothesis import strategies as st

from gateway.acknowledge.bodies import (
    Acknowledgement,
    Attachment,
    Body,
    Cancellation,
    CustomsResponse,
    Ping,
    RetransmissionRequest,
    StatusQuery,
    StatusReply,
    VerificationKind,
    VerificationReply,
    VerificationRequest,
    VerificationResult,
)
from gateway.acknowledge.interchange import Interchange
from gateway.domain.errors import Fault, Finding, Severity
from gateway.domain.status import (
    AcknowledgedBy,
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    DeliveryStatus,
)
from gateway.store.records import CustomsEntry
from tests.unit.acknowledge.samples import amounts, days, message_ids, moments, numbers, texts, words

units = st.sampled_from(["KGM", "H87", "SET", "PR", "5"])
file_names = words.map(lambda word: word.replace("/", "").replace("\\", "")).filter(
    lambda name: bool(name) and name == name.strip()
)
attachments = st.lists(
    st.builds(
        Attachment,
        name=file_names,
        type=st.just("application/pdf"),
        content=st.binary(max_size=50).map(lambda rest: b"%PDF-" + rest),
    ),
    max_size=2,
).map(tuple)

findings = st.lists(
    st.builds(
        Finding,
        code=st.sampled_from([fault.value for fault in Fault]),
        text=texts,
        severity=st.sampled_from(Severity),
        box=st.none() | words,
        path=st.none() | words,
        line=st.none() | st.integers(1, 99999),
        value=st.none() | texts,
        action=st.none() | texts,
    ),
    max_size=3,
).map(tuple)


@st.composite
def entries(draw: st.DrawFn) -> CustomsEntry:
    quantity = draw(st.none() | amounts)
    return CustomsEntry(
        item=draw(st.integers(1, 99999)),
        outcome=draw(st.sampled_from(CustomsOutcome)),
        quantity=quantity,
        unit=None if quantity is None else draw(units),
        declaration=draw(st.none() | words),
        date=draw(days),
        reason=draw(st.none() | texts),
        legal_basis=draw(st.none() | texts),
    )


acknowledgements = st.builds(
    Acknowledgement,
    certificate_number=st.none() | numbers,
    ref_to_message_id=message_ids,
    outcome=st.sampled_from(AcknowledgementOutcome),
    by=st.sampled_from(AcknowledgedBy),
    at=moments,
    findings=findings,
)
customs_responses = st.builds(
    CustomsResponse,
    certificate_number=numbers,
    ref_to_message_id=message_ids,
    entries=st.lists(entries(), min_size=1, max_size=3).map(tuple),
    office=st.none() | words,
)
cancellations = st.builds(
    Cancellation,
    certificate_number=numbers,
    ref_to_message_id=message_ids,
    reason=texts,
    replaced_by=st.none() | numbers,
)
retransmission_requests = st.builds(
    RetransmissionRequest,
    certificate_number=st.none() | numbers,
    ref_to_message_id=st.none() | message_ids,
    reason=st.none() | texts,
)
status_queries = st.builds(
    StatusQuery,
    certificate_number=st.none() | numbers,
    ref_to_message_id=st.none() | message_ids,
    reason=st.none() | texts,
)
status_replies = st.builds(
    StatusReply,
    life=st.sampled_from(CertificateLife),
    certificate_number=st.none() | numbers,
    delivery=st.none() | st.sampled_from(DeliveryStatus),
    acknowledgement=st.none() | st.sampled_from(AcknowledgementOutcome),
    entries=st.lists(entries(), max_size=2).map(tuple),
)
verification_requests = st.builds(
    VerificationRequest,
    certificate_number=numbers,
    ref_to_message_id=message_ids,
    kind=st.sampled_from(VerificationKind),
    due_by=st.none() | days,
    attachments=attachments,
    questions=st.lists(texts, min_size=1, max_size=2).map(tuple),
)
verification_replies = st.builds(
    VerificationReply,
    certificate_number=numbers,
    ref_to_message_id=message_ids,
    kind=st.sampled_from(VerificationKind),
    due_by=st.none() | days,
    attachments=attachments,
    answers=st.lists(texts, min_size=1, max_size=2).map(tuple),
)
verification_results = st.builds(
    VerificationResult,
    certificate_number=numbers,
    ref_to_message_id=message_ids,
    kind=st.sampled_from(VerificationKind),
    due_by=st.none() | days,
    attachments=attachments,
    conclusion=texts,
)
pings = st.builds(Ping, note=st.none() | texts)

bodies: st.SearchStrategy[Body] = st.one_of(
    acknowledgements,
    customs_responses,
    cancellations,
    retransmission_requests,
    status_queries,
    status_replies,
    verification_requests,
    verification_replies,
    verification_results,
    pings,
)
interchanges = st.builds(
    Interchange,
    content_type=st.sampled_from(["application/EDIFACT", "application/edi-x12"]),
    charset=st.sampled_from(["UTF-8", "ISO-8859-1", "us-ascii"]),
    content=st.binary(max_size=200),
)
