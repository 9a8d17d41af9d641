"""
What can go wrong, and what a party or a caller is told about it.

* GatewayError
  x Refused             the message is at fault; tell the sender, never retry
    + Unreadable            S01: not XML, a DTD, a header that cannot be read
    + TooLarge              S04
    + ContentRefused        every finding of schema, rules and code lists
    + SealRefused           G01, G02: one of the numbered checks of the seal failed
    + CannotTell            T03: a check needs what we do not have just now; the sender tries again
    + NotForUs              C01, T02: party unknown, another party's client certificate, not addressed to us
    + IdRepeated            D02: this message id came before with other content
    + NumberTaken           D05: this certificate number came before with other content
    + OutsideClock          D04: outside the tolerated skew or the replay window
    + FormNotAgreed         S03: no corridor has agreed this form or version
  x DeliveryFailed      the way to the party is at fault, or the party refuses
    + PartyUnreachable      retry: T01 no answer, T02 TLS
    + PartyAskedToWait      retry as asked, T03
    + PartyRefused          never retry: a signed exception
  x NotAllowed          the state of a thing does not allow what was asked
  x NotFound            no such thing, or not for this caller
  x UnknownCursor       a page was asked for after a cursor that was never given out
  x KeyUnusable         our signing key lies elsewhere and cannot be asked; nothing is sealed, come back later
  x LogBroken           the event log has lost hashes of its own, so it can prove nothing
  x Misconfigured       we are at fault; the process must not start

Rooms raise these and nothing else. Only ``acknowledge`` and ``intake`` turn them into answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Fault(StrEnum):
    """The codes of the exception catalogue; one member each."""

    CANNOT_CONNECT = "T01"  #: endpoint unreachable, or no answer in time
    TLS = "T02"  #: TLS or client certificate
    ASKED_TO_WAIT = "T03"  #: overload or maintenance; Retry-After
    PATIENCE_USED_UP = "T04"  #: attempts exhausted; an operator must act
    UNREADABLE = "S01"  #: not well-formed, or a header that cannot be read
    SCHEMA = "S02"  #: the document does not fit its schema
    FORM_NOT_AGREED = "S03"  #: form or version not agreed, or outside its window
    TOO_LARGE = "S04"  #: message too large, or too many items
    SEAL = "G01"  #: the signature is missing, broken or not over the whole document
    SIGNER = "G02"  #: the signer's certificate is unknown, expired, revoked or not trusted
    SIGNATORY = "G03"  #: signatory or issuing body not on the specimen list
    REPEATED = "D01"  #: this message id again, same content: answered like the first
    REPEATED_ID = "D02"  #: this message id again, with other content
    ORPHAN = "D03"  #: an answer about a certificate nobody knows
    OUTSIDE_CLOCK = "D04"  #: created outside the clock tolerance or the replay window
    NUMBER_TAKEN = "D05"  #: certificate number again, with other content
    NO_CORRIDOR = "C01"  #: not a Party, no party file, or no corridor for this form
    HS = "C02"  #: harmonized system code unknown, wrong edition or wrong length
    CRITERION = "C03"  #: origin criterion not admissible, or a bad combination
    FOB = "C04"  #: FOB value missing where it must be given
    DATES = "C05"  #: dates that contradict each other or the law
    THIRD_PARTY = "C06"  #: third-party invoicing without company and country
    BACK_TO_BACK = "C07"  #: original proof of origin missing, expired or exceeded
    ORIGIN = "C08"  #: country of origin contradicts the criterion
    CODE = "C09"  #: a code that is not in its list
    GOODS = "B01"  #: goods do not match the declaration
    OVER_UTILISED = "B02"  #: more utilised than was issued
    NOT_IN_FORCE = "B03"  #: certificate cancelled, replaced or expired
    DENIED = "B04"  #: preference denied
    VERIFICATION = "B05"  #: verification opened
    ALREADY_UTILISED = "B06"  #: cancellation refused: items already utilised
    FOB_NOT_ASKED = "W01"  #: FOB given where it is not asked
    HS_TRANSITION = "W02"  #: HS edition in transition, or more digits than asked
    ORIGINAL_UNKNOWN = "W03"  #: back-to-back original unknown to the ledger
    CODE_DEPRECATED = "W04"  #: unit or package code deprecated
    MINOR = "W05"  #: minor discrepancy told by customs


class Severity(StrEnum):
    """Whether a finding refuses the document or only accompanies it."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """
    One thing wrong with a document: which rule, how grave, where, and what to do.

    Attributes:
        path: begins with ``/``, without prefixes, a position where an element repeats.
        box: number of the box on the paper form.
        value: what was found there, cut to 200 characters.
        step: number of the seal check that failed, if it was one.
    """

    code: str
    text: str
    severity: Severity = Severity.ERROR
    box: str | None = None
    path: str | None = None
    line: int | None = None
    value: str | None = None
    action: str | None = None
    step: int | None = None


class GatewayError(Exception):
    """Base of every error this gateway raises on purpose."""


class Refused(GatewayError):
    """The message is at fault: tell the sender, never retry."""

    fault: ClassVar[Fault] = Fault.UNREADABLE

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that is wrong, as findings; at least one."""
        return (Finding(code=self.code, text=str(self)),)

    @property
    def code(self) -> str:
        """The code of the first finding."""
        return self.fault.value


class Unreadable(Refused):
    """The bytes cannot be read as a message: no XML, a DTD, a header that is incomplete or contradicts."""

    fault = Fault.UNREADABLE

    def __init__(self, text: str, *, line: int | None = None, action: str | None = None) -> None:
        super().__init__(text)
        self.line = line
        self.action = action

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The one finding, with its line where the parser told it."""
        return (Finding(code=self.code, text=str(self), line=self.line, action=self.action, step=1),)


class TooLarge(Refused):
    """The message is larger than agreed."""

    fault = Fault.TOO_LARGE


class ContentRefused(Refused):
    """The document breaks its schema, a rule or a code list; all findings are kept, warnings too."""

    fault = Fault.SCHEMA

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        first = next((f for f in findings if f.severity is Severity.ERROR), findings[0])
        super().__init__(f"{len(findings)} finding(s), first: {first.code} {first.text}")
        self._findings = findings
        self._first = first

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings, in document order."""
        return self._findings

    @property
    def code(self) -> str:
        """The code of the first error."""
        return self._first.code


class SealRefused(Refused):
    """One of the numbered checks of the seal failed."""

    fault = Fault.SEAL

    def __init__(self, text: str, *, step: int, code: Fault = Fault.SEAL, action: str | None = None) -> None:
        super().__init__(text)
        self.step = step
        self._code = code
        self.action = action

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The one check that failed, with its number."""
        return (Finding(code=self.code, text=str(self), step=self.step, action=self.action),)

    @property
    def code(self) -> str:
        """G01 for the signature, G02 for its certificate, T03 where the certificate cannot be judged now."""
        return self._code.value


class CannotTell(SealRefused):
    """
    A numbered check needs what we do not have just now: a fresh revocation list. Not the message's fault.

    The sender is asked to come again, so nothing is lost while an authority's list is late.
    """

    fault = Fault.ASKED_TO_WAIT

    def __init__(self, text: str, *, step: int, action: str | None = None) -> None:
        super().__init__(text, step=step, code=self.fault, action=action)


class NotForUs(Refused):
    """Sender unknown, not the one whose client certificate was shown, or the receiver is somebody else."""

    fault = Fault.NO_CORRIDOR

    def __init__(self, text: str, *, code: Fault = Fault.NO_CORRIDOR) -> None:
        super().__init__(text)
        self._code = code

    @property
    def code(self) -> str:
        """C01, or T02 where the client certificate is another party's."""
        return self._code.value


class IdRepeated(Refused):
    """This sender used the message id before, for other content."""

    fault = Fault.REPEATED_ID


class NumberTaken(Refused):
    """This certificate number stands already, with other content."""

    fault = Fault.NUMBER_TAKEN


class OutsideClock(Refused):
    """Created outside the tolerated skew or the replay window."""

    fault = Fault.OUTSIDE_CLOCK


class FormNotAgreed(Refused):
    """No corridor has agreed this form, version or type of message."""

    fault = Fault.FORM_NOT_AGREED


class DeliveryFailed(GatewayError):
    """An attempt did not bring a receipt."""

    retryable: ClassVar[bool] = False

    def __init__(self, text: str, *, code: str) -> None:
        super().__init__(text)
        self.code = code

    @property
    def cause(self) -> str:
        """``CODE: words``, as it stands in timelines and queues."""
        return f"{self.code}: {self}"


class PartyUnreachable(DeliveryFailed):
    """
    No believable answer.

    Attributes:
        body_went_out: the whole body had left, so a receipt may still exist on the other side.
        closed: there was no way in at all, so it was not this message's fault and the next fares no better.
    """

    retryable = True

    def __init__(
        self,
        text: str,
        *,
        code: str = Fault.CANNOT_CONNECT.value,
        body_went_out: bool = False,
        closed: bool = False,
    ) -> None:
        super().__init__(text, code=code)
        self.body_went_out = body_went_out
        self.closed = closed


class PartyAskedToWait(DeliveryFailed):
    """The party answered 429 or 503; the attempt does not count against its patience."""

    retryable = True

    def __init__(self, text: str, *, retry_after_s: float | None) -> None:
        super().__init__(text, code=Fault.ASKED_TO_WAIT.value)
        self.retry_after_s = retry_after_s


class PartyRefused(DeliveryFailed):
    """The party sent a signed exception about this message: final."""

    def __init__(self, text: str, *, code: str, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(text, code=code)
        self.findings = findings


class NotAllowed(GatewayError):
    """
    The state of a thing does not allow what was asked.

    Attributes:
        code: from the catalogue where a rule stands behind it, else None.
    """

    def __init__(self, text: str, *, code: str | None = None) -> None:
        super().__init__(text)
        self.code = code


class NotFound(GatewayError):
    """No such thing, or not for this caller."""


class UnknownCursor(GatewayError):
    """A cursor that was never given out."""


@dataclass(frozen=True, slots=True, order=True)
class RegistryFault:
    """One fault in the registry: ``file: key: fault``."""

    file: str
    key: str
    fault: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.fault}"


class KeyUnusable(GatewayError):
    """
    A signing key of ours that lies elsewhere does not sign; the text says why, and never a secret.

    Nothing was sealed and nothing kept: whoever asked may come back.
    """


class LogBroken(GatewayError):
    """The event log has lost hashes of its own; ``eco-gateway audit verify`` says which."""


class Misconfigured(GatewayError):
    """The process must not start; all faults are listed."""

    def __init__(self, faults: tuple[RegistryFault, ...]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = faults
