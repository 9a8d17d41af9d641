"""
What a party's answer means for the delivery: delivered, refused, asked to wait, or no believable answer.

One function judges the table "Answers" of the wire profile ``eco-https/1``. It believes nothing whose seal
does not hold, with one exception: ``Retry-After`` on 429 and 503, because a proxy in front of an overloaded
gateway cannot seal.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Protocol

from cryptography import x509
from lxml import etree

from gateway.acknowledge.signals import (
    UNKNOWN,
    ExceptionSignal,
    ReceiptSignal,
    read_exception,
    read_receipt,
)
from gateway.domain.answer import Answer
from gateway.domain.corridor import Party, RegisteredCertificate
from gateway.domain.errors import Fault, PartyAskedToWait, PartyRefused, PartyUnreachable, Refused
from gateway.domain.ids import PartyId
from gateway.store.records import CheckedReceipt, Claim

_REFUSALS = frozenset({400, 403, 409, 411, 413, 415, 422})
_WITHOUT_DIGEST = frozenset({400, 411, 413, 415})  # given before the whole body was read
_ASKS_TO_WAIT = frozenset({429, 503})
_LONGEST_WAIT_S = 366 * 24 * 3600.0  # the lane caps it by the corridor's patience anyway
_SHOWN = 300


class Opened(Protocol):
    """An answer whose seal holds."""

    @property
    def root(self) -> etree._Element:
        """The signal, cut from what was signed."""

    @property
    def certificate(self) -> RegisteredCertificate:
        """The party's certificate that sealed it."""


OpenSeal = Callable[[bytes], Opened]
"""Checks an answer's seal against the party's certificates of now; raises a ``Refused`` when it fails."""


def read_answer(
    claim: Claim,
    answer: Answer,
    *,
    party: Party,
    home: PartyId,
    open_seal: OpenSeal,
    at: datetime,
) -> CheckedReceipt:
    """
    Judge what *party* answered to the message of *claim*.

    Args:
        claim: the delivery whose whole body went out.
        answer: the response, byte for byte.
        party: whom we asked; its registered certificates stand behind *open_seal*.
        home: who we are.
        open_seal: checks the seal of the answer.
        at: now; what a ``Retry-After`` date is reckoned from when the answer has no ``Date``.

    Returns:
        The receipt, checked in full: sealed by the party, our id, our digest.

    Raises:
        PartyRefused: a sealed exception about this very message; final.
        PartyAskedToWait: 429 or 503 with ``Retry-After``, or with a sealed T03.
        PartyUnreachable: anything else; the whole body went out, so a receipt may still exist over there.
    """
    if answer.status == HTTPStatus.OK:
        return _checked_receipt(claim, answer, party, home, open_seal, at)
    if answer.status in _REFUSALS:
        raise _refusal(claim, answer, open_seal)
    if answer.status in _ASKS_TO_WAIT:
        raise _put_off(answer, open_seal, at)
    raise _not_believed(answer, "is no answer to a message")


def retry_after_s(answer: Answer, at: datetime) -> float | None:
    """
    How long the answer asks us to wait, in seconds; None when it does not say, or not readably.

    ``Retry-After`` holds seconds or an HTTP date; a date is reckoned from the answer's own ``Date``, so
    that a difference between the clocks does not matter, and from *at* when it has none.
    """
    text = (answer.header("Retry-After") or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_WAIT_S)
    until = _http_date(text)
    if until is None:
        return None
    since = _http_date(answer.header("Date") or "") or at
    return min(max((until - since).total_seconds(), 0.0), _LONGEST_WAIT_S)


def _checked_receipt(
    claim: Claim, answer: Answer, party: Party, home: PartyId, open_seal: OpenSeal, at: datetime
) -> CheckedReceipt:
    opened = _open(answer, open_seal)
    try:
        signal = read_receipt(opened.root)
    except Refused as error:
        raise _not_believed(answer, f"is {error}") from error
    if (wrong := _not_for_us(signal, claim, party, home)) is not None:
        raise _not_believed(answer, wrong)
    return CheckedReceipt(
        body=answer.body,
        digest=claim.digest,
        signer=_name_of(opened.certificate.certificate),
        at=signal.at or at,
    )


@lru_cache(maxsize=256)
def _name_of(certificate: x509.Certificate) -> str:
    """The subject in words; made once, as that costs more than checking the seal."""
    return certificate.subject.rfc4514_string()


def _not_for_us(signal: ReceiptSignal, claim: Claim, party: Party, home: PartyId) -> str | None:
    if signal.message_id != claim.message_id:
        return f"is a receipt for another message, {signal.message_id[:_SHOWN]!r}"
    if not signal.is_consistent:
        return f"is a receipt that vouches for {signal.reference[:_SHOWN]!r}"
    if signal.digest != claim.digest:
        return f"is a receipt for other bytes: digest {signal.digest.hex()}, sent {claim.digest.hex()}"
    if signal.sender not in (None, party.id) or signal.receiver not in (None, home):
        return f"is a receipt from {signal.sender} to {signal.receiver}"
    return None


def _refusal(claim: Claim, answer: Answer, open_seal: OpenSeal) -> PartyRefused | PartyUnreachable:
    signal = _sealed_exception(answer, open_seal)
    if isinstance(signal, PartyUnreachable):
        return signal
    if not _is_about(signal, claim, answer.status):
        return _not_believed(answer, f"is a refusal of another message: {signal.code} {signal.text}")
    return PartyRefused(signal.text, code=signal.code or Fault.UNREADABLE.value, findings=signal.findings)


def _is_about(signal: ExceptionSignal, claim: Claim, status: int) -> bool:
    if signal.message_id not in (claim.message_id, UNKNOWN):
        return False
    if signal.digest is None:
        return status in _WITHOUT_DIGEST
    return signal.digest == claim.digest


def _put_off(answer: Answer, open_seal: OpenSeal, at: datetime) -> PartyAskedToWait | PartyUnreachable:
    wait = retry_after_s(answer, at)
    signal = _sealed_exception(answer, open_seal)
    if isinstance(signal, ExceptionSignal) and signal.code == Fault.ASKED_TO_WAIT:
        return PartyAskedToWait(f"{_status(answer)}: {signal.text}", retry_after_s=wait)
    if wait is None:
        return _not_believed(answer, "says neither how long to wait nor, under seal, why")
    return PartyAskedToWait(f"{_status(answer)}: come back in {wait:.0f} s", retry_after_s=wait)


def _sealed_exception(answer: Answer, open_seal: OpenSeal) -> ExceptionSignal | PartyUnreachable:
    try:
        return read_exception(_open(answer, open_seal).root)
    except PartyUnreachable as error:
        return error
    except Refused as error:
        return _not_believed(answer, f"is {error}")


def _open(answer: Answer, open_seal: OpenSeal) -> Opened:
    try:
        return open_seal(answer.body)
    except Refused as error:
        raise _not_believed(answer, f"is not sealed by the party: {error.code} {error}") from error


def _not_believed(answer: Answer, why: str) -> PartyUnreachable:
    return PartyUnreachable(f"the answer {_status(answer)} {why[: _SHOWN * 2]}", body_went_out=True)


def _status(answer: Answer) -> str:
    try:
        return f"{answer.status} {HTTPStatus(answer.status).phrase}"
    except ValueError:
        return str(answer.status)


def _http_date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
