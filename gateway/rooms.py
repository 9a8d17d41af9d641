"""The parts that every way through the house shares, and a message from abroad once it has been opened."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from lxml import etree

from gateway.acknowledge.bodies import Body
from gateway.acknowledge.judging import outcome_of
from gateway.acknowledge.schema import ExchangeSchema
from gateway.domain.clock import Clock
from gateway.domain.corridor import Corridor, Party
from gateway.domain.dialect import DialectName, Spoken
from gateway.domain.errors import ContentRefused, Fault, Finding, Severity
from gateway.domain.form import Form
from gateway.domain.message import CertificateFacts, Checked, Header, Letter, Sealed
from gateway.domain.specimen import LiveSpecimens
from gateway.domain.status import AcknowledgementOutcome
from gateway.domain.words import ENGLISH, Language
from gateway.registry.load import Registry
from gateway.route.corridors import over_item_limit
from gateway.store.records import NewInbound
from gateway.translate.dialects import Dialects
from gateway.translate.documents import Translator
from gateway.trust.keys import OwnKey
from gateway.trust.sealer import SealedSignal, Sealer
from gateway.validate.facts import ClaimedFacts
from gateway.validate.judge import Judge
from gateway.validate.shape import Records
from gateway.validate.signatory import signatory_findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """Who we are, what we know as data, and what judges and seals."""

    home: Party
    registry: Registry
    judge: Judge
    records: Records
    translator: Translator
    dialects: Dialects
    exchange: ExchangeSchema
    sealer: Sealer
    clock: Clock
    skew: timedelta
    replay_window: timedelta
    limit: int  # bytes of a message
    specimens: LiveSpecimens = field(default_factory=LiveSpecimens)

    def against(
        self,
        document: etree._Element,
        form: Form,
        corridor: Corridor | None,
        *,
        claims: ClaimedFacts,
        at: datetime,
        language: Language = ENGLISH,
    ) -> tuple[Finding, ...]:
        """
        What form, code lists and *corridor* have against a certificate in canonical form.

        It is judged by the day that it is at *at* where the certificate was issued.
        """
        on = self.registry.zones.day(claims.exporting_country, at)
        if corridor is None:
            return self.judge.judge(document, form, on, language)
        findings = self.judge.judge(document, form, on, language, corridor.editions)
        if any(finding.code == Fault.TOO_LARGE for finding in findings):
            return findings
        words = form.words_in(language)
        signed = signatory_findings(document, form, claims, self.specimens.now, corridor.specimens, words)
        return (*findings, *over_item_limit(document, form, corridor, words), *signed)

    def written(
        self,
        header: Header,
        document: etree._Element,
        dialect: DialectName | None,
        about: etree._Element | None = None,
    ) -> Letter:
        """
        *document*, in canonical form under *header*, as it travels in *dialect*.

        Args:
            about: for an acknowledgement, the document that is acknowledged, as it travelled.

        Raises:
            ContentRefused: with everything that the dialect cannot hold.
        """
        written = self.dialects.to_wire(dialect, document, header, about)
        if dialect is None or written is None:
            return Letter(header=header, document=document)
        header, spoken = written
        kept = Spoken(dialect=dialect, canonical=canonical_bytes(document))
        return Letter(header=header, document=spoken, spoken=kept)

    def sealed(self, letter: Letter, key: OwnKey | None = None) -> Sealed:
        """*letter* as a whole message, sealed with *key* or that of the hour; its document moves into it."""
        profile = self.registry.parties[letter.header.receiver].seal
        sealed = self.sealer.message(letter.header, letter.document, profile, key)
        return replace(sealed, spoken=letter.spoken)

    def understood(self, checked: Checked) -> Understood:
        """
        What a message from abroad says, in canonical form, whichever dialect it came in.

        Raises:
            Refused: S01, its header contradicts it; S03, it names a form that we do not know.
        """
        if (dialect := self.dialects.spoken_in(checked.document)) is None:
            return Understood(document=checked.document)
        try:
            document = self.dialects.from_wire(dialect, checked.document, checked.header)
        except ContentRefused as refused:
            return Understood(
                document=None, findings=refused.findings, spoken=Spoken(dialect=dialect.id, canonical=None)
            )
        kept = Spoken(dialect=dialect.id, canonical=canonical_bytes(document))
        return Understood(document=document, spoken=kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Understood:
    """
    What a message from abroad says.

    Attributes:
        document: in canonical form; None where it could not be read, and *findings* say why.
        spoken: of a message that came in a dialect.
    """

    document: etree._Element | None
    findings: tuple[Finding, ...] = ()
    spoken: Spoken | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """
    A message from abroad: its seal holds, its document is judged, our receipt is sealed. Nothing is kept yet.

    Attributes:
        facts: of a certificate without errors, else None.
        body: of an answer that fits its schema, else None.
        spoken: of a message that came in a dialect.
        content_digest: of a certificate, SHA-256 over its canonical form: what makes its content the same.
        acknowledgement: ours, sealed; for certificates without errors whose sender wants one.
    """

    checked: Checked
    findings: tuple[Finding, ...]
    facts: CertificateFacts | None
    body: Body | None
    receipt: SealedSignal
    spoken: Spoken | None = None
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
            sealed=Sealed(
                header=self.checked.header, body=arrived.body, digest=arrived.digest, spoken=self.spoken
            ),
            receipt=self.receipt.body,
            receipt_signer_until=self.receipt.until,
            valid=not has_error(findings),
            findings=findings,
            at=arrived.at,
        )


def canonical_bytes(document: etree._Element) -> bytes:
    """*document* alone, the same for the same content however it was written."""
    return etree.tostring(document, method="c14n")


def has_error(findings: tuple[Finding, ...]) -> bool:
    """Whether one of *findings* refuses the document."""
    return any(finding.severity is Severity.ERROR for finding in findings)
