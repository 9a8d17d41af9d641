"""Where a certificate stands: what is wrong, whose move it is, which move, and until when. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never

from gateway.domain.errors import Fault, Finding, Severity
from gateway.domain.ids import PartyId, family_of
from gateway.domain.status import (
    AcknowledgedBy,
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    DeliveryStatus,
    Direction,
    MessageType,
)
from gateway.intake import catalogue
from gateway.intake.catalogue import Move, move_for
from gateway.store.records import AcknowledgementRow, MessageRow, PartyState, Story

_REPLACED_BY_A_LATER_ONE = frozenset({MessageType.CERTIFICATE, MessageType.CANCELLATION})
_NEVER_ACKNOWLEDGED = frozenset({MessageType.ACKNOWLEDGEMENT, MessageType.PING})
_TRIED_AGAIN = frozenset(
    {Fault.CANNOT_CONNECT.value, Fault.ASKED_TO_WAIT.value, Fault.PATIENCE_USED_UP.value}
)
_BEHIND = "behind message "  # how the ledger says that a delivery waits for another of its conversation
_GONE = frozenset({CertificateLife.CANCELLED, CertificateLife.REPLACED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """
    The answer to four questions.

    Attributes:
        cause: ``CODE: words``; None when nothing is wrong.
        owner: whose move it is.
        next_action: what they do, one sentence.
        until: when it is due, or tried next; None when no time is set.
    """

    cause: str | None
    owner: str
    next_action: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """What must be known beside the ledger's story: who is suspended, and how long answers may take."""

    suspended: Mapping[PartyId, PartyState]
    acknowledgement_within: Callable[[PartyId], timedelta | None]


def standing(story: Story, agreed: Agreed) -> Standing:
    """
    Say where *story* stands.

    What is wrong counts before what is merely under way: the first of its messages that failed, else what
    customs decided, else the first message that is unfinished. When all are well, the certificate's life and
    what customs made of it decide. A message that a later one replaced (a number submitted again) is history.
    """
    found = [
        stands
        for message in story.messages
        if not _is_history(message, story.messages) and (stands := _of_message(message, story, agreed))
    ]
    whole = _of_certificate(story)
    return next((one for one in (*found, whole) if one.cause is not None), (*found, whole)[0])


def the_acknowledgement(rows: Sequence[AcknowledgementRow]) -> AcknowledgementRow | None:
    """The one that counts: the national system's last one, else the gateway's last one."""
    national = [row for row in rows if row.by is AcknowledgedBy.NATIONAL_SYSTEM]
    counting = national or rows
    return counting[-1] if counting else None


def _is_history(message: MessageRow, messages: Collection[MessageRow]) -> bool:
    return message.type in _REPLACED_BY_A_LATER_ONE and any(
        later.type is message.type
        and later.direction is message.direction
        and later.message_no > message.message_no
        for later in messages
    )


def _of_message(message: MessageRow, story: Story, agreed: Agreed) -> Standing | None:
    match message.direction:
        case Direction.IN:
            return _of_arrival(message, story)
        case Direction.OUT:
            return _of_delivery(message, story, agreed) or _of_acknowledgement(message, story, agreed)
        case _:
            assert_never(message.direction)


def _of_arrival(message: MessageRow, story: Story) -> Standing | None:
    if message.parked:
        return _by_code(
            Fault.ORPHAN.value, f"{Fault.ORPHAN.value}: it is about a certificate we do not know yet"
        )
    row = the_acknowledgement(story.acknowledgements.get(message.message_no, ()))
    rejected = row is not None and row.outcome is AcknowledgementOutcome.REJECTED
    error = _first_error(row.findings if row is not None and rejected else message.findings)
    if error is None and _counts(message, story):
        error = next((one for one in message.findings if one.code == Fault.OVER_UTILISED), None)
    if error is None and not rejected:
        return _of_verification(message, story)
    cause = _told(error) if error is not None else "rejected without a finding"
    if message.type is not MessageType.CERTIFICATE:
        return _by_code(_code_of(cause), cause)
    waits = f"Wait for a corrected certificate from {message.party}."
    return Standing(cause=cause, owner=_party(message.party), next_action=waits)


def _of_verification(message: MessageRow, story: Story) -> Standing | None:
    """A verification of our certificate that customs asked for, until we replied or they concluded."""
    ours = story.certificate is not None and story.certificate.direction is Direction.OUT
    if message.type is not MessageType.VERIFICATION_REQUEST or not ours:
        return None
    for later in story.messages:
        if later.type is MessageType.VERIFICATION_REPLY and later.ref_to_message_id == message.message_id:
            return None
        if later.type is MessageType.VERIFICATION_RESULT and later.message_no > message.message_no:
            return None
    code = Fault.VERIFICATION.value
    return _by_code(code, f"{code}: a verification was asked for and is not answered")


def _counts(message: MessageRow, story: Story) -> bool:
    """Whether something that this customs response said still counts, and was not replaced by a later one."""
    latest = {(row.entry.item, row.entry.declaration): row.message_no for row in story.customs}
    return message.message_no in latest.values()


def _of_delivery(message: MessageRow, story: Story, agreed: Agreed) -> Standing | None:
    status = message.delivery
    match status:
        case None | DeliveryStatus.DELIVERED:
            return None
        case (
            DeliveryStatus.READY_TO_SEND
            | DeliveryStatus.SENDING
            | DeliveryStatus.AWAITING_RETRY
            | DeliveryStatus.AWAITING_RECEIPT
        ):
            return _of_waiting(message, story, agreed)
        case DeliveryStatus.ON_HOLD:
            return _by(catalogue.RELEASE, message.cause or "held by an operator")
        case DeliveryStatus.WITHDRAWN:
            certificate = message.type is MessageType.CERTIFICATE
            move = catalogue.WITHDRAWN if certificate else catalogue.FINISHED
            return _by(move, message.cause or "withdrawn by an operator")
        case DeliveryStatus.EXPIRED:
            code = _code_of(message.cause)
            expired = move_for(Fault.PATIENCE_USED_UP.value)
            return _by(expired if code in _TRIED_AGAIN else move_for(code), message.cause)
        case DeliveryStatus.REFUSED:
            return _by(move_for(_code_of(message.cause)), message.cause)
        case _:
            assert_never(status)


def _of_waiting(message: MessageRow, story: Story, agreed: Agreed) -> Standing:
    state = agreed.suspended.get(message.party)
    if state is not None and (stopped := _of_stopped(message, state)) is not None:
        return stopped
    if message.cause is None:
        return _by(catalogue.SENDING, None)
    if message.cause.startswith(_BEHIND):
        return _by(catalogue.WAITING, message.cause)
    attempts = story.attempts.get(message.message_no, ())
    move = move_for(_code_of(message.cause))
    return Standing(
        cause=message.cause,
        owner=move.owner.value,
        next_action=move.next_action,
        until=attempts[-1].next_at if attempts else None,
    )


def _of_stopped(message: MessageRow, state: PartyState) -> Standing | None:
    """Who stopped what would carry *message*; None when nobody did."""
    if state.notice is not None:
        move, cause = catalogue.OUTAGE, f"outage declared by {state.suspended_by}: {state.notice}"
    elif state.suspended_by is not None:
        move, cause = catalogue.RESUME, f"party suspended by {state.suspended_by}"
    else:
        form = family_of(message.form)
        corridor = next((one for one in state.corridors if one.form == form), None)
        if corridor is None:
            return None
        move, cause = catalogue.RESUME_CORRIDOR, f"corridor suspended by {corridor.suspended_by}"
    return Standing(cause=cause, owner=move.owner.value, next_action=move.next_action, until=state.until)


def _of_acknowledgement(message: MessageRow, story: Story, agreed: Agreed) -> Standing | None:
    if message.type in _NEVER_ACKNOWLEDGED:
        return None
    row = the_acknowledgement(story.acknowledgements.get(message.message_no, ()))
    if row is None:
        return _awaited(message, story, agreed)
    match row.outcome:
        case AcknowledgementOutcome.ACCEPTED | AcknowledgementOutcome.ACCEPTED_WITH_WARNINGS:
            return None
        case AcknowledgementOutcome.REJECTED:
            error = _first_error(row.findings)
            if error is None:
                return _by(catalogue.UNKNOWN_CODE, f"rejected by {message.party} without a finding")
            return _by_code(error.code, _told(error))
        case _:
            assert_never(row.outcome)


def _awaited(message: MessageRow, story: Story, agreed: Agreed) -> Standing:
    receipt = story.receipts.get(message.message_no)
    within = agreed.acknowledgement_within(message.party)
    return Standing(
        cause=None,
        owner=_party(message.party),
        next_action=f"Wait for the acknowledgement of {message.party}.",
        until=receipt.at + within if receipt is not None and within is not None else None,
    )


def _of_certificate(story: Story) -> Standing:
    certificate = story.certificate
    if certificate is None or certificate.life in _GONE:
        return _by(catalogue.FINISHED, None)
    incoming = certificate.direction is Direction.IN
    outcome = certificate.customs_response
    match outcome:
        case CustomsOutcome.UTILISED | CustomsOutcome.NOT_UTILISED:
            return _by(catalogue.FINISHED, None)
        case CustomsOutcome.PREFERENCE_DENIED | CustomsOutcome.UNDER_VERIFICATION:
            code = _CUSTOMS_CODES[outcome]
            cause = f"{code}: {_last_reason(story, outcome)}"
            if not incoming:
                return _by_code(code, cause)
            answers = f"Wait for the answer of {certificate.party}."
            return Standing(cause=cause, owner=_party(certificate.party), next_action=answers)
        case CustomsOutcome.PARTIALLY_UTILISED | None:
            return _by(catalogue.CUSTOMS_RESPONSE if incoming else catalogue.NATIONAL_ANSWER_DUE, None)
        case _:
            assert_never(outcome)


_CUSTOMS_CODES = {
    CustomsOutcome.PREFERENCE_DENIED: Fault.DENIED.value,
    CustomsOutcome.UNDER_VERIFICATION: Fault.VERIFICATION.value,
}


def _last_reason(story: Story, outcome: CustomsOutcome) -> str:
    rows = [row.entry for row in story.customs if row.entry.outcome is outcome]
    if not rows:
        return outcome.value.replace("_", " ")
    return f"item {rows[-1].item}: {rows[-1].reason or outcome.value.replace('_', ' ')}"


def _first_error(findings: Sequence[Finding]) -> Finding | None:
    return next((finding for finding in findings if finding.severity is Severity.ERROR), None)


def _told(finding: Finding) -> str:
    return f"{finding.code}: {finding.text}"


def _code_of(cause: str | None) -> str:
    return (cause or "").partition(":")[0]


def _party(party: PartyId) -> str:
    return f"party {party}"


def _by_code(code: str, cause: str) -> Standing:
    return _by(move_for(code), cause)


def _by(move: Move, cause: str | None) -> Standing:
    return Standing(cause=cause, owner=move.owner.value, next_action=move.next_action)
