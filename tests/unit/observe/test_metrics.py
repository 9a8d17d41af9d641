from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from prometheus_client.parser import text_string_to_metric_families

from gateway.domain.caller import Caller
from gateway.domain.corridor import Party, Patience, RegisteredCertificate
from gateway.domain.errors import Finding
from gateway.domain.ids import CertificateNumber, ConversationId, FormId, MessageId, PartyId
from gateway.domain.message import Arrived
from gateway.domain.status import (
    DeliveryStatus,
    MessageType,
)
from gateway.domain.words import Language
from gateway.intake.desk import SubmissionRefused, Taken, Verdict, WireAnswer
from gateway.observe.counted import CountedDebts, CountedExchange, CountedNational
from gateway.observe.metrics import Metrics
from gateway.store.records import (
    CertificateRow,
    CheckedReceipt,
    Claim,
    Held,
    LaneRest,
    LaneRow,
    MessageRow,
    Outcome,
    SubmittedCertificate,
)

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
TH = PartyId("TH.CUSTOMS")
CALLER = Caller(subject="desk-1", roles=frozenset())


def figure(metrics: Metrics, name: str, **labels: str) -> float | None:
    """The value of one sample, None when there is none."""
    for family in text_string_to_metric_families(metrics.exposition().decode()):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return float(sample.value)
    return None


def an_outcome(status: DeliveryStatus, *, cause: str | None = None, receipt: bool = False) -> Outcome:
    claim = Claim(
        message_no=1,
        message_id=MessageId("m1@vn.moit"),
        conversation_id=ConversationId("c1@vn.moit"),
        type=MessageType.CERTIFICATE,
        party=TH,
        body=b"",
        digest=b"",
        created_at=NOON,
        attempts=0,
        waits_used=0,
        fence=1,
    )
    proof = CheckedReceipt(body=b"", digest=b"", signer="CN=th", at=NOON) if receipt else None
    return Outcome(
        claim=claim,
        status=status,
        due_in_s=0,
        waits_used=0,
        cause=cause,
        receipt=proof,
        at=NOON + timedelta(seconds=3),
        took_ms=40,
    )


def a_party(*until: datetime) -> Party:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "th")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOON - timedelta(days=1))
        .not_valid_after(NOON + timedelta(days=100))
        .sign(key, hashes.SHA256())
    )
    registered = tuple(
        RegisteredCertificate(file="th.pem", certificate=certificate, valid_from=NOON, valid_to=end)
        for end in until
    )
    return Party(
        id=TH,
        name="Thai Customs",
        country="TH",
        transport="eco-https/1",
        endpoint="https://127.0.0.1:8443",
        anchor=certificate,
        tls_anchor=certificate,
        sign=registered,
        tls=registered[:1],
        patience=Patience(waits=(), receipt_within=timedelta(), acknowledgement_within=timedelta()),
        messages=frozenset(),
        acknowledgements=True,
        national_acknowledgements=True,
    )


def test_a_delivery_counts_as_attempt_move_and_receipt() -> None:
    metrics = Metrics()

    metrics.attempted(an_outcome(DeliveryStatus.DELIVERED, receipt=True))

    assert figure(metrics, "eco_attempts_total", party=TH, outcome="delivered", code="") == 1
    assert figure(metrics, "eco_deliveries_total", party=TH, status="delivered") == 1
    assert figure(metrics, "eco_receipts_total", party=TH) == 1
    assert figure(metrics, "eco_receipt_seconds_sum", party=TH) == 3
    assert figure(metrics, "eco_attempt_seconds_sum", party=TH) == pytest.approx(0.04)


def test_a_failed_attempt_shows_its_code_and_never_its_words() -> None:
    metrics = Metrics()

    metrics.attempted(
        an_outcome(DeliveryStatus.AWAITING_RETRY, cause="T01: cannot connect to 10.1.2.3:8443: refused")
    )

    assert figure(metrics, "eco_attempts_total", party=TH, outcome="retry", code="T01") == 1
    assert b"10.1.2.3" not in metrics.exposition()


def test_the_backlog_shows_every_status_and_forgets_a_party_that_is_gone() -> None:
    metrics = Metrics()
    metrics.set_backlog({"MY.CUSTOMS": {"expired": 2}})

    metrics.set_backlog({TH: {"awaiting_retry": 7}})

    shown = {
        status.value: figure(metrics, "eco_backlog", party=TH, status=status) for status in DeliveryStatus
    }
    assert shown == {status.value: 0 for status in DeliveryStatus} | {"awaiting_retry": 7}
    assert figure(metrics, "eco_backlog", party="MY.CUSTOMS", status="expired") is None


def test_expiry_is_that_of_the_last_certificate_and_never_after_its_own_end() -> None:
    metrics = Metrics()
    party = a_party(NOON + timedelta(days=10), NOON + timedelta(days=400))

    metrics.set_certificate_expiry([party], NOON)

    assert figure(metrics, "eco_certificate_expiry_days", party=TH, use="sign") == pytest.approx(100)
    assert figure(metrics, "eco_certificate_expiry_days", party=TH, use="tls") == pytest.approx(10)


def test_a_certificate_that_has_ended_counts_below_nought() -> None:
    metrics = Metrics()

    metrics.set_certificate_expiry([a_party(NOON - timedelta(days=2))], NOON)

    assert figure(metrics, "eco_certificate_expiry_days", party=TH, use="sign") == pytest.approx(-2)


def test_lanes_show_how_their_parties_answer() -> None:
    metrics = Metrics()
    lane = LaneRow(
        party=TH,
        waiting=2,
        oldest_s=90.0,
        by_age={},
        by_status={},
        next_due_s=None,
        cause=None,
        holder="here",
        window=1,
        rest=LaneRest(failures=3, cause="T01: no", rest_s=12.5),
        heard_s=None,
    )

    metrics.set_lanes([lane])

    names = ("window", "failures", "rest_seconds", "oldest_seconds", "held")
    assert [figure(metrics, f"eco_lane_{name}", party=TH) for name in names] == [1, 3, 12.5, 90, 1]


def test_two_processes_in_one_do_not_share_figures() -> None:
    first, second = Metrics(), Metrics()

    first.judged(0.01)

    assert figure(first, "eco_judge_seconds_count") == 1
    assert figure(second, "eco_judge_seconds_count") == 0


class DebtsHalfLost:
    """Takes the first outcome of a batch; another process was faster with the rest."""

    async def claim(self, held: Held, *, lease_s: float, limit: int) -> list[Claim]:
        return [an_outcome(DeliveryStatus.SENDING).claim][:limit]

    async def settle(self, outcomes: Sequence[Outcome]) -> list[bool]:
        return [number == 0 for number, _ in enumerate(outcomes)]

    async def next_due_s(self, party: PartyId) -> float | None:
        return 1.5

    async def rest(self, held: Held, rest: LaneRest) -> None:
        """Nobody asks."""

    async def resting(self, party: PartyId) -> LaneRest:
        return LaneRest(failures=1)


async def test_only_outcomes_that_the_ledger_took_are_counted() -> None:
    metrics = Metrics()
    debts = CountedDebts(DebtsHalfLost(), metrics)
    outcome = an_outcome(DeliveryStatus.DELIVERED, receipt=True)

    counted = await debts.settle([outcome, outcome])

    assert counted == [True, False]
    assert figure(metrics, "eco_receipts_total", party=TH) == 1


async def test_claims_go_through_unchanged() -> None:
    debts = CountedDebts(DebtsHalfLost(), Metrics())

    assert len(await debts.claim(Held(TH, 1), lease_s=1, limit=1)) == 1
    assert await debts.next_due_s(TH) == 1.5


class DeskThatKnowsOneCertificate:
    """Takes ``new``, knows ``known`` already, and refuses everything else with C04."""

    async def submit(self, content: bytes, content_type: str, caller: Caller) -> SubmittedCertificate:
        if content not in (b"new", b"known"):
            raise SubmissionRefused("s1", "C04", [Finding(code="C04", text="FOB value missing")])
        return SubmittedCertificate(
            first=content == b"new",
            message_id=MessageId("m1@vn.moit"),
            certificate_number=CertificateNumber("VN-1"),
            form=FormId("atiga/form-d/1.0"),
            receiver=TH,
        )

    async def judge(self, content: bytes, content_type: str, languages: Sequence[Language] = ()) -> Verdict:
        return Verdict(form=None, findings=())

    async def cancel(self, certificate: CertificateRow, reason: str, caller: Caller) -> Taken:
        raise AssertionError("not asked of this desk")

    async def answer(self, message: MessageRow, verb: str, body: Any, caller: Caller) -> Taken:
        raise AssertionError("not asked of this desk")


async def test_submissions_are_counted_by_what_became_of_them() -> None:
    metrics = Metrics()
    desk = CountedNational(DeskThatKnowsOneCertificate(), metrics)

    await desk.submit(b"new", "application/xml", CALLER)
    await desk.submit(b"known", "application/xml", CALLER)
    with pytest.raises(SubmissionRefused):
        await desk.submit(b"faulty", "application/xml", CALLER)

    assert figure(metrics, "eco_submissions_total", outcome="accepted", code="") == 1
    assert figure(metrics, "eco_submissions_total", outcome="repeated", code="") == 1
    assert figure(metrics, "eco_submissions_total", outcome="refused", code="C04") == 1


class DeskThatAnswers:
    """Gives every arriving message the same answer."""

    def __init__(self, answer: WireAnswer) -> None:
        self._answer = answer

    async def admit(self, arrived: Arrived) -> WireAnswer:
        return self._answer

    async def refuse_unread(self, client: PartyId, status: int, code: str, text: str) -> WireAnswer:
        return WireAnswer(status=status, body=b"", code=code)


@pytest.mark.parametrize(
    ("answer", "outcome", "code"),
    [
        pytest.param(WireAnswer(status=200, body=b""), "accepted", "", id="receipt"),
        pytest.param(WireAnswer(status=200, body=b"", repeat=True), "repeated", "", id="repeat"),
        pytest.param(WireAnswer(status=403, body=b"", code="G02"), "refused", "G02", id="refusal"),
    ],
)
async def test_arrivals_are_counted_by_what_was_answered(answer: WireAnswer, outcome: str, code: str) -> None:
    metrics = Metrics()
    desk = CountedExchange(DeskThatAnswers(answer), metrics)

    given = await desk.admit(Arrived(client=TH, body=b"", digest=b"", at=NOON))

    assert given is answer
    assert figure(metrics, "eco_inbound_total", party=TH, outcome=outcome, code=code) == 1


async def test_a_body_that_was_not_read_counts_as_refused() -> None:
    metrics = Metrics()
    desk = CountedExchange(DeskThatAnswers(WireAnswer(status=200, body=b"")), metrics)

    await desk.refuse_unread(TH, 413, "S04", "too large")

    assert figure(metrics, "eco_inbound_total", party=TH, outcome="refused", code="S04") == 1
