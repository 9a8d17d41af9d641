"""
What is wrong with a message so that a person must act: at most one trouble a message. Pure.

A message that moves by itself (T01, T03 while it is tried again) is none, nor is what a later message of the
same certificate replaced, nor anything about a certificate that was cancelled or replaced.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from gateway.domain.errors import Fault, Finding, Severity
from gateway.domain.ids import PartyId
from gateway.domain.status import (
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    DeliveryStatus,
    Direction,
    MessageType,
)
from gateway.intake.catalogue import Move, Owner, move_for
from gateway.store.troubles import Cause, MessageFacts

REJECTED = "rejected"
"""The code of a rejection that names no finding."""

_GONE = frozenset({CertificateLife.CANCELLED, CertificateLife.REPLACED})
_OWN_CODE = re.compile(r"B0[145]\b")
_OURS_TO_SETTLE = frozenset({Fault.ORPHAN.value, Fault.NUMBER_TAKEN.value})
_SETTLE_WITH_SENDER = Move(
    Owner.CUSTOMS, "Correct the declaration, or settle it with the issuing authority abroad."
)
_COMPARE = Move(
    Owner.CUSTOMS, "Compare both certificates that carry this number and ask the sender which one counts."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What is wrong: the cause it belongs to, and what is told of this message, ``CODE: words``."""

    cause: Cause
    told: str


def trouble_of(facts: MessageFacts) -> Trouble | None:
    """What is wrong with the message; None when nobody need act."""
    refused = facts.refused_answer
    if refused is not None and (refused["code"] == Fault.NOT_IN_FORCE or facts.life not in _GONE):
        return _trouble(facts.party, None, refused["code"], refused["text"], _SETTLE_WITH_SENDER)
    if facts.type is MessageType.CERTIFICATE and (facts.life in _GONE or not facts.is_current):
        return None
    match facts.direction:
        case Direction.OUT:
            return _of_delivery(facts) or _of_rejection(facts)
        case Direction.IN:
            return _of_arrival(facts)
        case _:
            assert_never(facts.direction)


def refused_from(party: PartyId, findings: Sequence[Finding]) -> Trouble | None:
    """
    What we refused from a party on the wire, where somebody at home should know.

    A seal that does not hold may be an attack; a signer we do not know, a wrong clock or a used id will not
    mend themselves. What is merely unreadable or too large its sender was told.
    """
    code = findings[0].code if findings else ""
    move = _FROM_ABROAD.get(code)
    if move is None:
        return None
    return _trouble(party, None, code, findings[0].text, move)


_FROM_ABROAD: Mapping[str, Move] = {
    Fault.SEAL.value: Move(Owner.OPERATOR, "Keep the bytes and ask the party what it sent."),
    Fault.SIGNER.value: Move(
        Owner.ADMINISTRATOR, "Ask the party for its new signing certificate and register it."
    ),
    Fault.TLS.value: Move(Owner.ADMINISTRATOR, "Compare the party's TLS certificate with its file."),
    Fault.REPEATED_ID.value: move_for(Fault.REPEATED_ID),
    Fault.OUTSIDE_CLOCK.value: move_for(Fault.OUTSIDE_CLOCK),
    Fault.FORM_NOT_AGREED.value: Move(
        Owner.ADMINISTRATOR, "Agree the form with the party, or ask it to send no more of it."
    ),
    Fault.NO_CORRIDOR.value: move_for(Fault.NO_CORRIDOR),
}


def _of_delivery(facts: MessageFacts) -> Trouble | None:
    code, _, words = (facts.cause or "").partition(": ")
    match facts.delivery:
        case DeliveryStatus.EXPIRED | DeliveryStatus.REFUSED:
            return _of_code(facts, code or REJECTED, words)
        case DeliveryStatus.AWAITING_RETRY if code == Fault.TLS:
            return _of_code(facts, code, words)
        case _:
            return None


def _of_rejection(facts: MessageFacts) -> Trouble | None:
    if facts.acknowledgement is not AcknowledgementOutcome.REJECTED or facts.life in _GONE:
        return None
    error = _first_error(facts.acknowledgement_findings)
    if error is None:
        return _of_code(facts, REJECTED, "without a finding")
    return _of_code(facts, error.code, error.text)


def _of_arrival(facts: MessageFacts) -> Trouble | None:
    error = _first_error(facts.findings) or _first_error(facts.acknowledgement_findings)
    if error is not None:
        if error.code == Fault.NOT_IN_FORCE and facts.side is Direction.OUT:
            return _of_code(facts, error.code, error.text)
        if error.code not in _OURS_TO_SETTLE or (error.code == Fault.ORPHAN and facts.found_since):
            return None  # its sender has the findings, or it is settled
        move = _COMPARE if error.code == Fault.NUMBER_TAKEN else move_for(error.code)
        return _trouble(facts.party, None, error.code, error.text, move)
    if facts.side is not Direction.OUT or facts.life in _GONE:
        return None
    if facts.type is MessageType.VERIFICATION_REQUEST and not facts.answered:
        return _of_code(facts, Fault.VERIFICATION, "a verification was asked for and is not answered")
    return _of_customs(facts) if facts.customs else None


def _of_customs(facts: MessageFacts) -> Trouble | None:
    """What a customs response on a certificate of ours says that somebody must settle."""
    over = next((one for one in facts.findings if one.code == Fault.OVER_UTILISED), None)
    if over is not None:
        return _of_code(facts, over.code, over.text)
    for outcome, code in _GRAVE.items():
        for entry in facts.customs:
            if entry["outcome"] == outcome:
                reason = entry["reason"] or outcome.value.replace("_", " ")
                said = _OWN_CODE.match(reason)
                return _of_code(facts, said[0] if said else code, f"item {entry['item']}: {reason}")
    return None


_GRAVE: Mapping[CustomsOutcome, str] = {
    CustomsOutcome.PREFERENCE_DENIED: Fault.DENIED.value,
    CustomsOutcome.UNDER_VERIFICATION: Fault.VERIFICATION.value,
}


def _of_code(facts: MessageFacts, code: str, words: str) -> Trouble | None:
    """By the catalogue; None where it moves by itself."""
    move = move_for(code)
    return None if move.owner is Owner.NONE else _trouble(facts.party, facts.organisation, code, words, move)


def _trouble(party: PartyId, organisation: str | None, code: str, words: str, move: Move) -> Trouble:
    """Certificates of different organisations share a cause only where our own people settle it for all."""
    theirs = organisation if move.owner is Owner.ISSUING_AUTHORITY else None
    cause = Cause(
        code=str(code),
        party=party,
        organisation=theirs,
        owner=move.owner.value,
        next_action=move.next_action,
    )
    return Trouble(cause=cause, told=f"{code}: {words}")


def _first_error(findings: Sequence[Finding]) -> Finding | None:
    return next((finding for finding in findings if finding.severity is Severity.ERROR), None)
