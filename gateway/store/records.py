"""What the ledger takes and gives: plain rows, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from lxml import etree

from gateway.domain.dialect import DialectName
from gateway.domain.errors import Finding
from gateway.domain.ids import (
    CertificateNumber,
    ConversationId,
    FormId,
    MessageId,
    PartyId,
    family_of,
)
from gateway.domain.message import CertificateFacts, Sealed
from gateway.domain.status import (
    AcknowledgedBy,
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    DeliveryStatus,
    Direction,
    MessageType,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateKey:
    """What makes a certificate the same, seen from one side."""

    direction: Direction
    issuing_country: str
    family: FormId
    number: CertificateNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCertificate:
    """An outbound certificate, judged and sealed, to be written with the delivery it owes."""

    facts: CertificateFacts
    sealed: Sealed
    content: bytes  # as submitted
    content_digest: bytes
    warnings: tuple[Finding, ...]
    organisation: str | None
    actor: str
    at: datetime
    document: etree._Element | None = None  # of one that names originals, whose quantities it takes


@dataclass(frozen=True, slots=True, kw_only=True)
class ReExportRow:
    """What a back-to-back certificate takes from its originals; no *number* while it is being submitted."""

    message_id: MessageId
    originals: list[int]
    goods: list[dict[str, Any]]
    number: CertificateNumber | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedCertificate:
    """The answer to a submission; *first* tells whether this very call wrote it."""

    first: bool
    message_id: MessageId
    certificate_number: CertificateNumber
    form: FormId
    receiver: PartyId


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInbound:
    """A message from abroad whose seal holds, with our receipt for it, judged or not."""

    sealed: Sealed  # header and the exact bytes received
    receipt: bytes  # our sealed receipt; sent only after the commit
    receipt_signer_until: datetime  # when the window of the certificate that sealed it closes
    valid: bool
    findings: tuple[Finding, ...]
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedReceipt:
    """The receipt we gave for an inbound message, and for which bytes."""

    digest: bytes
    body: bytes
    signer_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """
    A certificate from abroad was taken and its receipt may go out.

    Attributes:
        awaited: something came before it: a parked message in its conversation, or what replaces it.
    """

    message_no: int
    certificate_no: int
    awaited: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """This sender's message came before with the same bytes: answer with the first receipt."""

    receipt: IssuedReceipt


@dataclass(frozen=True, slots=True)
class IdReused:
    """This sender used the message id before for other bytes (D02); nothing was written."""


@dataclass(frozen=True, slots=True)
class NumberHeld:
    """
    The certificate number stands with other content (D05); nothing was written.

    The caller writes the message as rejected, through a page.
    """


Admission = Admitted | Repeated | IdReused | NumberHeld


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRow:
    """A certificate as the ledger knows it."""

    certificate_no: int
    direction: Direction
    form: FormId
    number: CertificateNumber
    issuing_country: str
    exporting_country: str
    importing_country: str
    party: PartyId
    exporter: str
    issue_date: date
    organisation: str | None
    life: CertificateLife
    life_before: CertificateLife | None
    message_no: int  # the message that carries it now
    message_id: MessageId
    conversation_id: ConversationId
    delivery: DeliveryStatus | None
    acknowledgement: AcknowledgementOutcome | None
    customs_response: CustomsOutcome | None
    submitted_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRow:
    """A message as the ledger knows it, without its bytes."""

    message_no: int
    direction: Direction
    party: PartyId
    message_id: MessageId
    conversation_id: ConversationId
    type: MessageType
    form: FormId
    certificate_no: int | None
    certificate_number: CertificateNumber | None
    ref_to_message_id: MessageId | None
    digest: bytes
    created_at: datetime
    recorded_at: datetime
    valid: bool | None
    findings: tuple[Finding, ...]
    organisation: str | None
    delivery: DeliveryStatus | None  # outbound only
    cause: str | None  # CODE: words, why the delivery stands where it stands
    parked: bool
    dialect: DialectName | None = None  # None in canonical form


@dataclass(frozen=True, slots=True)
class Held:
    """A lane this node runs; *fence* makes a node lose that was thought dead."""

    party: PartyId
    fence: int


@dataclass(frozen=True, slots=True)
class Running:
    """What a node tells of a lane it runs."""

    held: Held
    window: int  # attempts in flight at most
    heard: bool  # the party answered since it was told last


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRest:
    """
    How a party answers: its failures in a row, and for how long it is left in peace after the last.

    Attributes:
        cause: ``CODE: words``; None when it answers.
        rest_s: seconds from now; 0 when the rest is over.
        asked: it asked for it; else its door was found closed.
    """

    failures: int = 0
    cause: str | None = None
    rest_s: float = 0.0
    asked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One delivery leased to this process for one attempt; *fence* makes a late writer lose."""

    message_no: int
    message_id: MessageId
    conversation_id: ConversationId
    type: MessageType
    party: PartyId
    body: bytes
    digest: bytes
    created_at: datetime
    attempts: int  # made before this one, all counted
    waits_used: int  # of the party's waits, since the row was started anew
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedReceipt:
    """A receipt of theirs that was checked in full."""

    body: bytes
    digest: bytes  # SHA-256 of the bytes it acknowledges
    signer: str  # subject of the certificate that sealed it
    at: datetime  # when it was given, by their clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one attempt came to; written with the attempt's row in one transaction."""

    claim: Claim
    status: DeliveryStatus
    due_in_s: float  # from now, by the database's clock; 0 when final
    waits_used: int
    cause: str | None
    receipt: CheckedReceipt | None
    at: datetime  # end of the attempt, by the gateway's clock
    took_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One try to deliver, as it is told in a timeline."""

    at: datetime
    outcome: str  # delivered | refused | retry
    cause: str | None
    next_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRow:
    """The receipt that made a delivery delivered."""

    at: datetime
    digest: bytes
    signer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgementRow:
    """An acknowledgement about one message, ours or theirs."""

    message_no: int  # the message it is about
    outcome: AcknowledgementOutcome
    by: AcknowledgedBy
    findings: tuple[Finding, ...]
    at: datetime
    carried_by: int | None  # the message that carried it, when one did


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomsEntry:
    """What customs says of one item, once; *quantity* is what this declaration used."""

    item: int
    outcome: CustomsOutcome
    quantity: Decimal | None = None
    unit: str | None = None
    declaration: str | None = None
    date: date | None = None
    reason: str | None = None
    legal_basis: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomsRow:
    """
    A kept customs response for one item.

    Attributes:
        at: when we took it.
        said_at: when its message was written; of several for one place the last that was said counts.
    """

    entry: CustomsEntry
    message_no: int
    message_id: MessageId
    at: datetime
    said_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
    """One thing that happened; the cursor is opaque to everybody but the store."""

    cursor: str
    at: datetime
    what: str  # layer:value
    message_id: MessageId | None
    certificate_number: CertificateNumber | None
    party: PartyId | None
    who: str | None
    detail: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxRow:
    """Something that arrived from abroad and was judged."""

    cursor: str
    message: MessageRow


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainRow:
    """Another certificate to which this one is tied."""

    relation: str  # replaces | replaced_by | certified_copy_of | certified_copy
    certificate_number: CertificateNumber
    life: CertificateLife | None  # None when the ledger does not know it


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All the ledger knows of one certificate, or of one message that is about none."""

    certificate: CertificateRow | None
    messages: tuple[MessageRow, ...]
    attempts: dict[int, tuple[AttemptRow, ...]]  # by message_no
    receipts: dict[int, ReceiptRow]
    acknowledgements: dict[int, tuple[AcknowledgementRow, ...]]  # by message they are about, oldest first
    customs: tuple[CustomsRow, ...]
    events: tuple[EventRow, ...]
    chain: tuple[ChainRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedSubmission:
    """A submission we refused: kept with its bytes and findings."""

    submission_id: UUID
    at: datetime
    organisation: str | None
    actor: str
    form: str | None
    certificate_number: str | None
    content_type: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorridorState:
    """A corridor that an operator suspended; *form* without version, as it travels, both ways."""

    form: FormId
    suspended_by: str
    suspended_at: datetime
    reason: str | None
    outgoing_only: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyState:
    """
    What operators decided about a party.

    Attributes:
        notice: of an outage: what senders are told.
        until: when the suspension ends by itself; None where somebody must resume it.
        corridors: those suspended by themselves.
    """

    party: PartyId
    suspended_by: str | None = None
    suspended_at: datetime | None = None
    reason: str | None = None
    outgoing_only: bool = False
    notice: str | None = None
    until: datetime | None = None
    corridors: tuple[CorridorState, ...] = ()

    @property
    def is_outage(self) -> bool:
        """Whether an outage is declared, or a planned maintenance under way."""
        return self.notice is not None

    def takes_nothing(self, form: FormId | None) -> bool:
        """Whether nothing of the party's is taken; *form* of a message that was read, else None."""
        if self.suspended_by is not None:
            return not self.outgoing_only
        family = form and family_of(form)
        return any(not one.outgoing_only for one in self.corridors if one.form == family)


class ActionState(StrEnum):
    """Where an act on many messages stands."""

    PLANNED = "planned"
    RUNNING = "running"
    STOPPED = "stopped"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRow:
    """
    One act on many messages; its list is frozen.

    Attributes:
        wanted: the filter that found them, or that ids were named.
        most: more than so many were not planned.
        digest: SHA-256 over the message ids of the list, a line each.
        done, refused: how many of *count* were acted upon, and how many did not allow it.
    """

    action_no: int
    action_id: UUID
    verb: str
    wanted: dict[str, Any]
    reason: str | None
    most: int
    per_second: int
    count: int
    digest: bytes
    state: ActionState
    done: int
    refused: int
    who: str
    planned_at: datetime
    started_by: str | None
    started_at: datetime | None
    ended_at: datetime | None
    stopped_by: str | None
    stopped_for: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionItem:
    """One message of an action's list; *result* is ``done``, why not, or None while it waits its turn."""

    position: int
    message_no: int
    message_id: MessageId
    party: PartyId
    certificate_number: CertificateNumber | None
    form: FormId
    recorded_at: datetime
    delivery: DeliveryStatus
    result: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LaneRow:
    """The backlog of one lane; ages in seconds since the message was recorded."""

    party: PartyId
    waiting: int
    oldest_s: float | None
    by_age: dict[str, int]  # "5min" "20min" "1h" "4h" "1d" "older"
    by_status: dict[str, int]
    next_due_s: float | None
    cause: str | None  # of the oldest
    holder: str | None  # the node that runs it; None while nobody does
    window: int | None
    rest: LaneRest
    heard_s: float | None  # since the party's last sign of life, give or take some seconds
