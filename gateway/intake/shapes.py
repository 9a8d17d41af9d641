"""
The JSON of the national API as shapes: what the description is written from and tests hold the views against.

Nothing is made of these at run time; the views write plain JSON.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.domain.dialect import DialectName
from gateway.domain.errors import Severity
from gateway.domain.status import (
    AcknowledgedBy,
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    DeliveryStatus,
    Direction,
    MessageType,
)
from gateway.store.records import ActionState


class Shape(BaseModel):
    """Base of every shape: all members, and no others."""

    model_config = ConfigDict(extra="forbid")


class Finding(Shape):
    """One thing wrong with a document."""

    code: str
    severity: Severity
    box: str | None
    path: str | None
    line: int | None
    value: str | None
    text: str
    action: str | None
    step: int | None = None


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    code: str | None = None
    submission_id: str | None = None
    error_id: str | None = None
    messages: list[dict[str, Any]] | None = None
    findings: list[Finding]


class Notice(Shape):
    """A party is out: what its senders are told, since and until when, and how many messages wait."""

    text: str
    by: str
    since: datetime
    until: datetime | None
    waiting: int


class Taken(Shape):
    """A message that now travels; with a notice while the receiver is out."""

    message_id: str
    certificate_number: str | None
    form: str
    receiver: str
    notice: Notice | None = None


class Verdict(Shape):
    """What judging came to; with ``route=true`` also who would receive it, null where nobody takes it."""

    form: str | None
    valid: bool
    findings: list[Finding]
    receiver: str | None = None


class BatchItem(Shape):
    """What became of one item; 202 taken, 200 the same again, 409 and 422 refused, 500 broken here."""

    index: int
    name: str | None
    status: int
    message_id: str | None
    certificate_number: str | None
    form: str | None
    receiver: str | None
    findings: list[Finding]
    notice: Notice | None = None


class BatchResult(Shape):
    """One result an item."""

    items: list[BatchItem]


class Hit(Shape):
    """One hit of a search."""

    certificate_number: str
    form: str
    exporting_country: str
    importing_country: str
    receiver: str
    message_id: str
    issue_date: date
    life: CertificateLife
    delivery: DeliveryStatus | None
    acknowledgement: AcknowledgementOutcome | None
    customs_response: CustomsOutcome | None
    submitted_at: datetime


class Search(Shape):
    """One page of hits."""

    items: list[Hit]
    next: str | None


class Receipt(Shape):
    """The bytes arrived; the digest is SHA-256 in hexadecimal."""

    at: datetime
    digest: str
    signer: str


class Acknowledgement(Shape):
    """The receiver's system read it."""

    outcome: AcknowledgementOutcome
    by: AcknowledgedBy
    at: datetime
    findings: list[Finding]


class Attempt(Shape):
    """One try to deliver."""

    at: datetime
    outcome: str
    cause: str | None
    next_at: datetime | None


class Element(Shape):
    """One message of a certificate; its dialect is left out where it travels in canonical form."""

    message_id: str
    type: MessageType
    direction: Direction
    party: str
    delivery: DeliveryStatus | None
    receipt: Receipt | None
    acknowledgement: Acknowledgement | None
    attempts: list[Attempt]
    dialect: DialectName | None = None


class Message(Element):
    """One message with what its header says."""

    certificate_number: str | None
    form: str
    sender: str
    receiver: str
    ref_to_message_id: str | None
    conversation_id: str
    digest: str
    created_at: datetime


class Quantity(Shape):
    """What a declaration used."""

    value: float
    unit: str | None


class CustomsResponse(Shape):
    """What one response says of one item."""

    item: int
    outcome: CustomsOutcome
    quantity: Quantity | None
    declaration: str | None
    date: str | None
    reason: str | None
    legal_basis: str | None
    message_id: str
    at: datetime


class Moment(Shape):
    """One thing that happened to a certificate."""

    at: datetime
    what: str
    who: str | None


class Link(Shape):
    """Another certificate to which this one is tied."""

    relation: str
    certificate_number: str
    life: CertificateLife | None


class Check(Shape):
    """Where anybody checks a certificate."""

    url: str


class Track(Shape):
    """A certificate from end to end."""

    certificate_number: str
    form: str
    exporting_country: str
    importing_country: str
    life: CertificateLife
    cause: str | None
    owner: str
    next_action: str
    until: datetime | None
    messages: list[Element]
    customs_responses: list[CustomsResponse]
    events: list[Moment]
    chain: list[Link]


class Event(Shape):
    """One status move; ``what`` is ``layer:value``."""

    cursor: str
    at: datetime
    what: str
    message_id: str | None
    certificate_number: str | None
    party: str | None


class TimelineEvent(Event):
    """One status move and who made it."""

    who: str | None


class Timeline(Shape):
    """All that happened to one message."""

    items: list[TimelineEvent]


class EventPage(Shape):
    """One page of events."""

    items: list[Event]
    next: str


class Webhook(Shape):
    """A subscriber: what it sees, and how telling it goes; ``former_until`` while two secrets sign."""

    name: str
    url: str
    role: str
    organisation: str | None
    state: str
    failures: int
    cause: str | None
    next_attempt_at: datetime
    told_at: datetime | None
    made_at: datetime
    made_by: str
    former_until: datetime | None


class WebhookPage(Shape):
    """All subscribers."""

    items: list[Webhook]
    next: None


class WebhookSecret(Shape):
    """The secret with which events are signed; shown this once."""

    name: str
    secret: str


class ReportTable(Shape):
    """Figures over days; what each row holds, the report says."""

    from_: date = Field(alias="from")
    to: date
    items: list[dict[str, Any]]


class Arrival(Shape):
    """Something that arrived from abroad."""

    message_id: str
    type: MessageType
    sender: str
    form: str
    certificate_number: str | None
    received_at: datetime
    ref_to_message_id: str | None
    valid: bool | None
    findings: list[Finding]


class InboxItem(Arrival):
    """An arrival at its place in the feed."""

    cursor: str


class InboxPage(Shape):
    """One page of arrivals."""

    items: list[InboxItem]
    next: str


class ArrivalWithContent(Arrival):
    """An arrival and what it says: a box record, or the body with which an answer was posted."""

    content: Any


class RefusedSubmission(Shape):
    """A submission that was refused."""

    submission_id: str
    status: str
    at: datetime
    who: str
    organisation: str | None
    form: str | None
    certificate_number: str | None
    content_type: str
    findings: list[Finding]


class RefusedPage(Shape):
    """One page of refused submissions."""

    items: list[RefusedSubmission]
    next: str | None


class SuspendedCorridor(Shape):
    """One corridor that was stopped, both ways; the form without version."""

    form: str
    suspended_by: str
    suspended_at: datetime
    reason: str | None
    outgoing_only: bool


class Suspension(Shape):
    """Who stopped a lane; nobody did where ``suspended_by`` is null. With a notice it is an outage."""

    suspended_by: str | None
    suspended_at: datetime | None
    reason: str | None
    outgoing_only: bool
    notice: str | None
    until: datetime | None
    corridors: list[SuspendedCorridor]


class Maintenance(Shape):
    """A planned maintenance."""

    from_: datetime = Field(alias="from")
    to: datetime
    notice: str


class Certificate(Shape):
    """A certificate that a party has registered."""

    use: str
    file: str
    subject: str
    fingerprint: str
    from_: datetime = Field(alias="from")
    to: datetime


class RevocationSource(Shape):
    """Where a revocation list is fetched, and how that went last."""

    url: str
    tried_at: datetime | None
    fault: str | None


class RevocationList(Shape):
    """A revocation list that is held against a party's certificates; ``fetched_at`` is null for a file."""

    source: str
    issued_at: datetime
    fresh_until: datetime | None
    is_fresh: bool
    fetched_at: datetime | None
    revoked: int


class Revocation(Shape):
    """How a party's revocation lists are come by; ``stale`` says what is wrong with them."""

    fail: Literal["soft", "hard"]
    stale: str | None
    sources: list[RevocationSource]
    lists: list[RevocationList]


class Party(Suspension):
    """A party as its file and our operators have it."""

    id: str
    name: str
    country: str
    transport: str
    endpoint: str
    messages: list[MessageType]
    acknowledgements: bool
    national_acknowledgements: bool
    certificates: list[Certificate]
    revocation: Revocation | None
    maintenance: list[Maintenance]


class PartyPage(Shape):
    """All parties."""

    items: list[Party]
    next: str | None


class Change(Shape):
    """What wants to change whom the gateway believes, in words, and who has approved it."""

    id: str
    words: list[str]
    proposed_at: datetime
    approved_by: list[str]


class ChangePage(Shape):
    """All changes that wait."""

    items: list[Change]
    next: str | None


class ChangeState(Shape):
    """How a change stands after a decision."""

    id: str
    state: Literal["in force", "waits for another person", "rejected"]


class Official(Shape):
    """Somebody who may sign; ``specimen`` names the picture of the signature."""

    name: str
    id: str | None
    position: str | None
    from_: date | None = Field(alias="from")
    to: date | None
    specimen: str | None


class IssuingBody(Shape):
    """An issuing body with its officials; ``seal`` names the picture of its seal."""

    name: str
    id: str | None
    address: str | None
    from_: date | None = Field(alias="from")
    to: date | None
    seal: str | None
    official: list[Official]


class SpecimenList(Shape):
    """A country's specimen list; it counts from its day on, until the next one."""

    number: int
    country: str
    agreements: list[str]
    from_: date = Field(alias="from")
    source: str
    imported_at: datetime
    imported_by: str
    body: list[IssuingBody]


class SpecimenPage(Shape):
    """All specimen lists."""

    items: list[SpecimenList]
    next: str | None


class SpecimenPicture(Shape):
    """The name of a picture: the SHA-256 of its bytes."""

    sha256: str


class Pinged(Shape):
    """What came of a ping; ``cause`` is null when the party's receipt came and was checked in full."""

    party: str
    at: datetime
    answered: bool
    cause: str | None
    took_ms: int


class RehearsedCertificate(Shape):
    """What a party's gateway says of a certificate of ours; ``step`` is where it would fail."""

    use: Literal["sign", "tls"]
    file: str
    fingerprint: str
    as_of: datetime
    counts: bool
    answered: bool
    step: int | None
    cause: str | None


class Rehearsal(Shape):
    """What a party's gateway says of our certificates."""

    party: str
    at: datetime
    certificates: list[RehearsedCertificate]


class Expiries(Shape):
    """When the last window that is open now closes."""

    sign: datetime | None
    tls: datetime | None


class BackOff(Shape):
    """How long a party that fails us is left in peace still, in seconds; ``asked`` when it asked for it."""

    failures: int
    cause: str | None
    rest_s: float
    asked: bool


class Lane(Suspension):
    """The backlog of one lane, who runs it and how its party answers; ages and waits in seconds."""

    party: str
    waiting: int
    oldest_s: float | None
    by_age: dict[str, int]
    by_status: dict[str, int]
    next_due_s: float | None
    cause: str | None
    holder: str | None
    window: int | None
    back_off: BackOff | None
    heard_s: float | None
    certificates_expire: Expiries


class LanePage(Shape):
    """All lanes."""

    items: list[Lane]
    next: str | None


class ActionMessage(Shape):
    """One message of an action's list; ``result`` is ``done``, why not, or null while it waits its turn."""

    position: int
    message_id: str
    party: str
    certificate_number: str | None
    form: str
    recorded_at: datetime
    delivery: DeliveryStatus
    result: str | None


class Action(Shape):
    """One act on many messages, its list frozen; ``digest``: SHA-256 over the message ids, a line each."""

    action_id: str
    verb: str
    wanted: dict[str, Any]
    reason: str | None
    most: int
    per_second: int
    count: int
    digest: str
    state: ActionState
    done: int
    refused: int
    left: int
    who: str
    planned_at: datetime
    started_by: str | None
    started_at: datetime | None
    ended_at: datetime | None
    stopped_by: str | None
    stopped_for: str | None


class PlannedAction(Action):
    """A planned action with its first messages."""

    sample: list[ActionMessage]


class ActionPage(Shape):
    """One page of actions."""

    items: list[Action]
    next: str | None


class ActionMessagePage(Shape):
    """One page of an action's list."""

    items: list[ActionMessage]


class Note(Shape):
    """What somebody did about an exception: ``taken``, ``handed-back``, ``note`` or ``closed``."""

    at: datetime
    who: str
    what: str
    words: str | None


class ExceptionOfList(Shape):
    """One cause that a person must act on; ``waiting`` is how many messages and clocks suffer from it now."""

    id: str
    code: str
    cause: str
    owner: str
    next_action: str
    party: str
    organisation: str | None
    state: str
    waiting: int
    times: int
    first_opened_at: datetime
    opened_at: datetime
    last_seen_at: datetime
    age_s: float
    taken_by: str | None
    taken_at: datetime | None
    closed_at: datetime | None
    closed_by: str | None
    resolution: str | None


class ExceptionPage(Shape):
    """One page of exceptions, the oldest first."""

    items: list[ExceptionOfList]
    next: str | None


class OneException(ExceptionOfList):
    """An exception and what people did about it."""

    notes: list[Note]


class ExceptionItem(Shape):
    """A message that suffers from an exception, or did; without an id for what we refused on the wire."""

    message_id: str | None
    certificate_number: str | None
    form: str | None
    issuing_country: str | None
    cause: str
    opened_at: datetime
    closed_at: datetime | None
    closed_by: str | None
    resolution: str | None


class Clock(Shape):
    """A clock of the law's, or of a party's file: from when, until when, by which rule."""

    name: str
    certificate_number: str | None
    message_id: str
    party: str
    owner: str
    limit: str
    state: str
    started_at: datetime
    warn_at: datetime
    due_at: datetime
    warned_at: datetime | None
    breached_at: datetime | None
    stopped_at: datetime | None


class ClockPage(Shape):
    """Clocks, the first to end first."""

    items: list[Clock]
    next: str | None


class ExceptionItemPage(Shape):
    """One page of what suffers from an exception."""

    items: list[ExceptionItem]
    next: str | None


class Retention(Shape):
    """A corridor whose documents are not kept for good, and how many certificates are past that time."""

    party: str
    direction: Direction
    form: str
    keep_documents_days: int
    certificates: int
    at_least: bool


class RetentionPage(Shape):
    """All of them."""

    items: list[Retention]
    next: str | None


class Purged(Shape):
    """What a round of housekeeping removed."""

    certificates: int
    documents: int
    left: bool


class Health(Shape):
    """Whether the process lives, or can be sent to."""

    status: str
