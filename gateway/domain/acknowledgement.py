"""Layer 2 in one record: what the receiver's system says of a message, in whatever syntax it travels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.domain.errors import Finding
from gateway.domain.ids import CertificateNumber, MessageId
from gateway.domain.status import AcknowledgedBy, AcknowledgementOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """Layer 2: the receiver's system read the message and accepts or refuses it."""

    certificate_number: CertificateNumber | None
    ref_to_message_id: MessageId
    outcome: AcknowledgementOutcome
    by: AcknowledgedBy
    at: datetime
    findings: tuple[Finding, ...] = ()
