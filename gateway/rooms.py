"""The parts that every way through the house shares, and a message from abroad once it has been opened."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from gateway.acknowledge.bodies import Body
from gateway.acknowledge.judging import outcome_of
from gateway.acknowledge.schema import ExchangeSchema
from gateway.domain.clock import Clock
from gateway.domain.corridor import Party
from gateway.domain.errors import Finding, Severity
from gateway.domain.message import CertificateFacts, Checked, Sealed
from gateway.domain.status import AcknowledgementOutcome
from gateway.registry.load import Registry
from gateway.store.records import NewInbound
from gateway.translate.documents import Translator
from gateway.trust.sealer import SealedSignal, Sealer
from gateway.validate.judge import Judge
from gateway.validate.shape import Records


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """Who we are, what we know as data, and what judges and seals."""

    home: Party
    registry: Registry
    judge: Judge
    records: Records
    translator: Translator
    exchange: ExchangeSchema
    sealer: Sealer
    clock: Clock
    skew: timedelta
    replay_window: timedelta
    limit: int  # bytes of a message


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """
    A message from abroad: its seal holds, its document is judged, our receipt is sealed. Nothing is kept yet.

    Attributes:
        facts: of a certificate without errors, else None.
        body: of an answer that fits its schema, else None.
        content_digest: of a certificate, SHA-256 over its canonical form: what makes its content the same.
        acknowledgement: ours, sealed; for certificates without errors whose sender wants one.
    """

    checked: Checked
    findings: tuple[Finding, ...]
    facts: CertificateFacts | None
    body: Body | None
    receipt: SealedSignal
    content_digest: bytes = b""
    acknowledgement: Sealed | None = None

    @property
    def acknowledged(self) -> tuple[Sealed, AcknowledgementOutcome] | None:
        """Our acknowledgement with what it says, where the sender wants one."""
        if self.acknowledgement is None:
            return None
        return self.acknowledgement, outcome_of(self.findings)

    def refused(self, finding: Finding) -> Opened:
        """The same certificate, refused after all for what only the ledger could know."""
        return replace(self, facts=None, findings=(*self.findings, finding), acknowledgement=None)

    def inbound(self, findings: tuple[Finding, ...]) -> NewInbound:
        """What the ledger keeps of it, with the *findings* that stand at the end."""
        arrived = self.checked.arrived
        return NewInbound(
            sealed=Sealed(header=self.checked.header, body=arrived.body, digest=arrived.digest),
            receipt=self.receipt.body,
            receipt_signer_until=self.receipt.until,
            valid=not has_error(findings),
            findings=findings,
            at=arrived.at,
        )


def has_error(findings: tuple[Finding, ...]) -> bool:
    """Whether one of *findings* refuses the document."""
    return any(finding.severity is Severity.ERROR for finding in findings)
