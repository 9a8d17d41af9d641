"""The table "Answers" of the wire profile, each row with each state of its seal: what a delivery becomes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator

import pytest

from gateway.acknowledge.reading import read_answer
from gateway.acknowledge.signals import exception, receipt
from gateway.deliver.verdict import Failure, after
from gateway.domain.answer import Answer
from gateway.domain.corridor import Party
from gateway.domain.envelope import read_header
from gateway.domain.errors import (
    Finding,
    FormNotAgreed,
    PartyAskedToWait,
    PartyRefused,
    PartyUnreachable,
    Refused,
)
from gateway.domain.ids import MessageId, PartyId
from gateway.domain.status import DeliveryStatus
from gateway.domain.xml import read_xml
from gateway.store.records import Claim
from gateway.trust.check import check_seal
from gateway.trust.make import Kind
from gateway.trust.seal import seal
from tests.exchange.tls import HOME
from tests.keys import PartyKeys, party_keys
from tests.messages import NOW, a_sealed_message
from tests.unit.deliver.parties import a_claim, patience

S = DeliveryStatus
THEM, STRANGER = "TH.CUSTOMS", "MY.CUSTOMS"
REFUSALS = (400, 403, 409, 411, 413, 415, 422)
BUSY = (429, 503)
OTHERS = (201, 204, 301, 302, 307, 401, 404, 405, 418, 500, 502, 504)


def keys_of(name: str) -> PartyKeys:
    return party_keys(name, kind=Kind.ECDSA)


def sent() -> Claim:
    body = a_sealed_message(
        party_keys(HOME).own, message_id=MessageId("m1@vn.moit"), receiver=keys_of(THEM).id
    )
    return a_claim(1, body=body)


def a_receipt_by(name: str, body: bytes, digest: bytes | None = None) -> bytes:
    header = read_header(read_xml(body))
    signal = receipt(header, digest or hashlib.sha256(body).digest(), home=PartyId(THEM), at=NOW)
    return seal(signal, keys_of(name).own)


def an_exception_by(name: str, body: bytes, refused: Refused, digest: bytes | None = None) -> bytes:
    header = read_header(read_xml(body))
    signal = exception(
        refused,
        received=header,
        digest=digest or hashlib.sha256(body).digest(),
        home=PartyId(THEM),
        party=header.sender,
        at=NOW,
    )
    return seal(signal, keys_of(name).own)


class Busy(Refused):
    """T03, as the party says it."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        return (Finding(code="T03", text="come back later"),)

    @property
    def code(self) -> str:
        return "T03"


Row = tuple[str, int, dict[str, str], Callable[[bytes], bytes], DeliveryStatus]


def rows() -> Iterator[Row]:
    """What is answered, and what becomes of the delivery."""
    no = FormNotAgreed("form not agreed")
    other = hashlib.sha256(b"other bytes").digest()
    yield "receipt", 200, {}, lambda b: a_receipt_by(THEM, b), S.DELIVERED
    yield "repeat", 200, {"Eco-Repeat": "true"}, lambda b: a_receipt_by(THEM, b), S.DELIVERED
    yield "receipt-by-a-stranger", 200, {}, lambda b: a_receipt_by(STRANGER, b), S.AWAITING_RECEIPT
    yield "receipt-for-other-bytes", 200, {}, lambda b: a_receipt_by(THEM, b, other), S.AWAITING_RECEIPT
    yield "refusal-as-200", 200, {}, lambda b: an_exception_by(THEM, b, no), S.AWAITING_RECEIPT
    yield "garbage-as-200", 200, {}, lambda _: b"<html/>", S.AWAITING_RECEIPT
    for status in REFUSALS:
        yield f"{status}-sealed", status, {}, lambda b: an_exception_by(THEM, b, no), S.REFUSED
        yield f"{status}-unsealed", status, {}, lambda _: b"<no/>", S.AWAITING_RECEIPT
        yield f"{status}-stranger", status, {}, lambda b: an_exception_by(STRANGER, b, no), S.AWAITING_RECEIPT
        yield (
            f"{status}-of-another-message",
            status,
            {},
            lambda b: an_exception_by(THEM, b, no, other),
            S.AWAITING_RECEIPT,
        )
    wait = {"Retry-After": "7"}
    for status in BUSY:
        yield (
            f"{status}-sealed",
            status,
            wait,
            lambda b: an_exception_by(THEM, b, Busy("x")),
            S.AWAITING_RETRY,
        )
        yield f"{status}-unsealed", status, wait, lambda _: b"busy", S.AWAITING_RETRY
        yield f"{status}-without-a-word", status, {}, lambda _: b"busy", S.AWAITING_RECEIPT
    for status in OTHERS:
        yield f"{status}", status, {}, lambda b: an_exception_by(THEM, b, no), S.AWAITING_RECEIPT


@pytest.mark.parametrize(
    ("status", "headers", "body", "becomes"), [pytest.param(*row[1:], id=row[0]) for row in rows()]
)
def test_each_answer_has_its_verdict_and_only_a_lasting_silence_expires(
    status: int, headers: dict[str, str], body: Callable[[bytes], bytes], becomes: DeliveryStatus
) -> None:
    claim, party = sent(), keys_of(THEM).party(endpoint="https://127.0.0.1:1/")
    error = judged(claim, party, Answer(status=status, headers=headers, body=body(claim.body)))

    first = after(claim, error, patience(waits_s=(5,)), jitter=1.0)
    last = after(a_claim(1, waits_used=1), error, patience(waits_s=(5,)), jitter=1.0)

    assert first.status is becomes
    assert last.status is (S.EXPIRED if becomes is S.AWAITING_RECEIPT else becomes)


def judged(claim: Claim, party: Party, answer: Answer) -> Failure | None:
    """Why there is no receipt."""
    try:
        read_answer(
            claim,
            answer,
            party=party,
            home=PartyId(HOME),
            open_seal=lambda raw: check_seal(raw, registered=party.sign, anchor=party.anchor, at=NOW),
            at=NOW,
        )
    except (PartyRefused, PartyAskedToWait, PartyUnreachable) as error:
        return error
    return None
