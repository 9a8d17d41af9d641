"""
What the doors ask of the house behind them.

A door knows HTTP and who is calling; the desk knows the order of the rooms. ``pipeline`` implements these
and ``app`` hands them over, so that doors and rooms never import each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from gateway.domain.caller import Caller
from gateway.domain.errors import Finding
from gateway.domain.ids import CertificateNumber, FormId, MessageId, PartyId
from gateway.domain.message import Arrived
from gateway.domain.words import Language
from gateway.store.audit import AuditPage
from gateway.store.event_log import Inclusion, TreeHead
from gateway.store.records import CertificateRow, MessageRow, SubmittedCertificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """
    What judging a document came to; nothing was stored.

    Attributes:
        receiver: the party to which it would be sent; None where no corridor takes it.
    """

    form: FormId | None
    findings: tuple[Finding, ...]
    receiver: PartyId | None = None

    @property
    def valid(self) -> bool:
        """Whether no finding is an error."""
        return all(finding.severity != "error" for finding in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """An answer to a national system's verb: the message that now travels, or the first one for a repeat."""

    first: bool
    message_id: MessageId
    certificate_number: CertificateNumber | None
    form: FormId
    receiver: PartyId


@dataclass(frozen=True, slots=True, kw_only=True)
class WireAnswer:
    """What the exchange endpoint answers: signed bytes, always."""

    status: int
    body: bytes
    code: str = ""  # of the first error, when it is a refusal
    repeat: bool = False
    retry_after_s: int | None = None


class SubmissionRefused(Exception):
    """
    A submission was refused and kept.

    Attributes:
        submission_id: under which operators find it.
        findings: all of them.
        code: of the first error; D05 answers 409, S04 answers 413, the rest 422.
    """

    def __init__(self, submission_id: str, code: str, findings: Sequence[Finding]) -> None:
        super().__init__(f"{code}: {findings[0].text}")
        self.submission_id = submission_id
        self.code = code
        self.findings = tuple(findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """
    What the other side's gateway says of one of our certificates.

    Attributes:
        use: ``sign`` or ``tls``.
        as_of: the time for which it was asked: now, or when our window for it opens.
        counts: it would count then, from the first to the last step.
        answered: the party itself said so.
        step: of the numbered verification, at which it would fail.
        cause: ``CODE: words``; None when it would count.
    """

    use: str
    file: str
    fingerprint: str
    as_of: datetime
    counts: bool
    answered: bool
    step: int | None = None
    cause: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinged:
    """
    What came of a ping.

    Attributes:
        answered: the party itself said something we believe, be it a refusal.
        cause: ``CODE: words``; None when its receipt came and was checked in full.
    """

    party: PartyId
    at: datetime
    answered: bool
    cause: str | None
    took_ms: int


class NationalDesk(Protocol):
    """The national system's verbs."""

    async def submit(self, content: bytes, content_type: str, caller: Caller) -> SubmittedCertificate:
        """
        Take a certificate (``application/xml``, or a box record as ``application/json``).

        Raises:
            SubmissionRefused: refused, and kept with its findings.
        """

    async def judge(self, content: bytes, content_type: str, languages: Sequence[Language] = ()) -> Verdict:
        """
        Judge a certificate without storing anything; unreadable content is a finding too.

        Args:
            languages: in which the findings may be said, the dearest first; English where none is known.
        """

    async def cancel(self, certificate: CertificateRow, reason: str, caller: Caller) -> Taken:
        """
        Ask the receiver to cancel a certificate of ours.

        Raises:
            NotAllowed: B06 items already utilised, B03 cancelled or replaced already.
        """

    async def answer(self, message: MessageRow, verb: str, body: Any, caller: Caller) -> Taken:
        """
        Answer an inbox message: *verb* is the message type (``acknowledgement``, ``customs-response``, …).

        Raises:
            ContentRefused: the body has faults; all are findings.
            NotAllowed: B02, B03, or the party's file does not ask for this answer.
            NotFound: the message is about no certificate we know.
        """


class ExchangeDesk(Protocol):
    """The parties' one verb."""

    async def admit(self, arrived: Arrived) -> WireAnswer:
        """Check, judge and commit a message from abroad, then answer with our receipt; or refuse it."""

    async def refuse_unread(self, client: PartyId, status: int, code: str, text: str) -> WireAnswer:
        """A signed refusal for a body that was not read: no length, wrong type, too large, shutting down."""


class LogDesk(Protocol):
    """What the event log shows of itself."""

    async def head(self) -> TreeHead:
        """
        The newest sealed head.

        Raises:
            NotFound: none was sealed yet.
        """

    async def inclusion(self, event: str, size: int | None) -> Inclusion:
        """
        The proof that the event with this cursor is in the tree of *size*, the largest by default.

        Raises:
            UnknownCursor, NotFound: no such event, or not in a tree of that size.
        """

    async def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """
        The proof that the tree of *first* leaves is how the tree of *second* began.

        Raises:
            NotFound: there were never such trees.
        """

    async def consistency_document(self, first: int, second: int) -> bytes:
        """The same proof as XML, for parties."""

    async def audit(self, begin: int) -> AuditPage:
        """Hold some leaves, from *begin*, against their events, and the heads among them against the tree."""
