"""
What an answer may do, judged by what the ledger knows. Pure: rows come in, findings go out.

The same rules hold on both sides. At the national system's call a finding refuses the call; what comes from
abroad was receipted already, and ``pipeline`` decides what of it is kept all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import assert_never

from gateway.acknowledge.units import Factors
from gateway.acknowledge.utilisation import (
    Issued,
    ItemUse,
    Quantity,
    item_use,
    measured,
    place_of,
    standing,
    uses,
)
from gateway.domain.errors import Fault, Finding, Severity
from gateway.domain.message import Header
from gateway.domain.status import AcknowledgementOutcome, CertificateLife, Direction, MessageType
from gateway.store.records import CertificateRow, CustomsEntry, CustomsRow

Where = Callable[[int], str]
"""The path of the n-th entry of a customs response, counted from 0."""


def in_json(index: int) -> str:
    """Where an entry stands in what the national system posted."""
    return f"/items/{index}"


def in_xml(index: int) -> str:
    """Where an entry stands in what came from abroad."""
    return f"/CustomsResponse/ItemOutcome[{index + 1}]"


def outcome_of(findings: Iterable[Finding]) -> AcknowledgementOutcome:
    """What our own acknowledgement says about a document with these findings."""
    severities = {finding.severity for finding in findings}
    if Severity.ERROR in severities:
        return AcknowledgementOutcome.REJECTED
    return AcknowledgementOutcome.ACCEPTED_WITH_WARNINGS if severities else AcknowledgementOutcome.ACCEPTED


def is_acknowledged(message_type: MessageType, outcome: AcknowledgementOutcome) -> bool:
    """
    Whether we send an acknowledgement of a message of this type with this outcome.

    An acknowledgement is never acknowledged, and a status about a status must not cascade: a ping and the two
    status messages are only when they are rejected.
    """
    match message_type:
        case MessageType.ACKNOWLEDGEMENT:
            return False
        case MessageType.PING | MessageType.STATUS_QUERY | MessageType.STATUS_REPLY:
            return outcome is AcknowledgementOutcome.REJECTED
        case (
            MessageType.CERTIFICATE
            | MessageType.CANCELLATION
            | MessageType.RETRANSMISSION_REQUEST
            | MessageType.CUSTOMS_RESPONSE
            | MessageType.VERIFICATION_REQUEST
            | MessageType.VERIFICATION_REPLY
            | MessageType.VERIFICATION_RESULT
        ):
            return True
        case _:
            assert_never(message_type)


def judge_belonging(header: Header, certificate: CertificateRow) -> tuple[Finding, ...]:
    """
    Why a message from abroad may not be about *certificate*, to which it refers; nothing when it may.

    Only the side that issued a certificate cancels it and answers its verification; only the side that
    imports says what became of it, verifies it and asks for it again. A number that is given as well must be
    the certificate's own.
    """
    if header.certificate_number not in (None, certificate.number):
        return (
            Finding(
                code=Fault.ORPHAN,
                text=f"message {header.ref_to_message_id} is about certificate {certificate.number}",
                value=header.certificate_number,
            ),
        )
    if certificate.direction in _from_sides(header.type):
        return ()
    way = "came from you" if certificate.direction is Direction.IN else "was sent to you"
    text = f"a {header.type} about certificate {certificate.number}, which {way}, is the other side's to send"
    return (Finding(code=Fault.ORPHAN, text=text),)


def _from_sides(message_type: MessageType) -> frozenset[Direction]:
    """Which way the certificate went that a message of this type from abroad may be about."""
    match message_type:
        case MessageType.CERTIFICATE | MessageType.CANCELLATION | MessageType.VERIFICATION_REPLY:
            return frozenset({Direction.IN})
        case (
            MessageType.CUSTOMS_RESPONSE
            | MessageType.RETRANSMISSION_REQUEST
            | MessageType.VERIFICATION_REQUEST
            | MessageType.VERIFICATION_RESULT
        ):
            return frozenset({Direction.OUT})
        case (
            MessageType.ACKNOWLEDGEMENT
            | MessageType.STATUS_QUERY
            | MessageType.STATUS_REPLY
            | MessageType.PING
        ):
            return frozenset(Direction)
        case _:
            assert_never(message_type)


def judge_cancellation(certificate: CertificateRow | None, kept: Sequence[CustomsRow]) -> tuple[Finding, ...]:
    """
    Why a certificate may not be cancelled; nothing when it may.

    Only while nothing of it is utilised, and only once; one that expired may still be cancelled. Denied or
    verified items do not stand in the way.

    Args:
        certificate: None when the ledger does not know it.
        kept: its customs responses, oldest first.
    """
    if certificate is None:
        return (_orphan("cancelled"),)
    if (over := _over(certificate)) is not None:
        return (over,)
    used = [entry for entry in standing(row.entry for row in kept).values() if uses(entry)]
    if not used:
        return ()
    return (
        Finding(
            code=Fault.ALREADY_UTILISED,
            text=f"items already utilised: {'; '.join(_told(entry) for entry in _by_item(used))}",
            action="Issue a replacement instead.",
        ),
    )


def judge_customs_response(
    certificate: CertificateRow | None,
    *,
    issued: Issued,
    kept: Sequence[CustomsRow],
    new: Sequence[CustomsEntry],
    said_at: datetime,
    factors: Factors,
    where: Where = in_json,
) -> tuple[Finding, ...]:
    """
    What is wrong with a customs response; nothing when all of it may be kept.

    * D03 the certificate is unknown, B03 it was cancelled or replaced: nothing else is looked at then
    * S02 an item that is not on the certificate, C09 a unit that does not convert into the item's
    * B02 more than was issued, or a new declaration that uses an item of which nothing is left

    A certificate that expired, or whose cancellation is under way, may still be utilised (ATIGA Annex 8
    Rule 14(c)). An entry that corrects an earlier one of the same item and declaration is judged without it;
    one that comes after its correction counts no more, and uses nothing.

    Args:
        issued: what was issued of each item.
        kept: what customs said before, oldest first.
        new: what it says now.
        said_at: when it said so.
        factors: how units convert.
        where: tells the path of each of *new*.
    """
    if certificate is None:
        return (_orphan("utilised"),)
    if (over := _over(certificate)) is not None:
        return (over,)
    counting = standing(row.entry for row in kept)
    corrected = {place_of(row.entry) for row in kept if row.said_at > said_at}
    findings: list[Finding] = []
    for index, entry in enumerate(new):
        if place_of(entry) in corrected:
            continue
        others = {place: other for place, other in counting.items() if place != place_of(entry)}
        corrects = len(others) < len(counting)
        fault = _judge_entry(entry, issued, tuple(others.values()), corrects=corrects, factors=factors)
        if fault is not None:
            findings.append(_at(fault, where(index)))
        counting[place_of(entry)] = entry
    return tuple(findings)


def is_kept_from_abroad(findings: Iterable[Finding]) -> bool:
    """
    Whether a customs response that came from abroad is kept although it has these findings.

    What was used there was used: too much (B02) is kept, shown and opened as an exception. Whatever else is
    wrong with it is told in a rejection, and nothing of it is kept.
    """
    return all(finding.code == Fault.OVER_UTILISED for finding in findings)


def _judge_entry(
    entry: CustomsEntry,
    issued: Issued,
    others: Sequence[CustomsEntry],
    *,
    corrects: bool,
    factors: Factors,
) -> Finding | None:
    if entry.item not in issued:
        known = ", ".join(str(item) for item in issued)
        return Finding(
            code=Fault.SCHEMA,
            text=f"item {entry.item} is not on the certificate; it has {known}",
            value=str(entry.item),
        )
    if not uses(entry):
        return None
    whole = issued[entry.item]
    amount = measured(entry, whole, factors)
    if entry.quantity is not None and whole is not None and amount is None:
        return Finding(
            code=Fault.CODE,
            text=f"item {entry.item} was issued in {whole.unit}; {entry.unit} does not convert into it",
            value=entry.unit,
            action=f"Give the quantity in {whole.unit}.",
        )
    before = item_use(entry.item, whole, others, factors)
    if amount is not None and whole is not None and before.used + amount > whole.value:
        return _too_much(before, Quantity(value=amount, unit=whole.unit))
    takes_more = entry.quantity is not None or entry.declaration is not None
    if before.is_full and takes_more and not corrects:
        return _too_much(before, None)
    return None


def _too_much(before: ItemUse, more: Quantity | None) -> Finding:
    if before.is_full or more is None or before.issued is None:
        return Finding(
            code=Fault.OVER_UTILISED,
            text=f"item {before.item} is utilised in full already; nothing of it is left",
        )
    left = Quantity(value=before.issued.value - before.used, unit=more.unit)
    return Finding(
        code=Fault.OVER_UTILISED,
        text=f"item {before.item}: {more} are more than the {left} left of {before.issued}",
        value=str(more),
    )


def _over(certificate: CertificateRow) -> Finding | None:
    """The finding for a certificate whose life is over by somebody's decision; expiry is none."""
    if certificate.life in (CertificateLife.CANCELLED, CertificateLife.REPLACED):
        return Finding(
            code=Fault.NOT_IN_FORCE, text=f"certificate {certificate.number} was {certificate.life} already"
        )
    return None


def _orphan(what: str) -> Finding:
    return Finding(code=Fault.ORPHAN, text=f"the certificate that is to be {what} is not known here")


def _at(finding: Finding, path: str) -> Finding:
    return Finding(
        code=finding.code, text=finding.text, path=path, value=finding.value, action=finding.action
    )


def _by_item(entries: Iterable[CustomsEntry]) -> list[CustomsEntry]:
    return sorted(entries, key=lambda entry: (entry.item, entry.declaration or ""))


def _told(entry: CustomsEntry) -> str:
    if entry.quantity is not None and entry.unit is not None:
        amount = str(Quantity(value=entry.quantity, unit=entry.unit))
    else:
        amount = entry.outcome.value.replace("_", " ")
    return f"item {entry.item}: {amount}" + (
        f" by declaration {entry.declaration}" if entry.declaration else ""
    )
