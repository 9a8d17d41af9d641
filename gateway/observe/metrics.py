"""
What Prometheus reads at ``/metrics``, counted from the same moves that stand in the ledger.

Counters and histograms belong to one process and begin at nought with it; gauges are set from the ledger and
the registry just before a page is written, so they agree over all nodes of one database. Label values come
from closed sets (party ids, codes, statuses), never from a document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from math import inf
from types import MappingProxyType

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from gateway.domain.corridor import Party, RegisteredCertificate
from gateway.domain.status import DeliveryStatus
from gateway.store.records import LaneRow, Outcome

_DAY_S = 86_400
_RECEIPT_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 21_600, 86_400)
_ATTEMPT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_JUDGE_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1)
_LANE_FIGURES = MappingProxyType(
    {
        "window": "Attempts in flight to a party at most, now",
        "failures": "Attempts in a row that a party failed; 0 while it answers",
        "rest_seconds": "For how long a party is left in peace still",
        "oldest_seconds": "Age of the oldest delivery that waits",
        "held": "Whether a node runs the lane",
    }
)


class Metrics:
    """The figures of one process, in a registry of their own."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        own = self._registry = CollectorRegistry()
        ProcessCollector(registry=own)
        self._submissions = Counter(
            "eco_submissions",
            "Certificates handed in at the national API, by outcome and code of the first error",
            ("outcome", "code"),
            registry=own,
        )
        self._inbound = Counter(
            "eco_inbound",
            "Messages brought by parties, by outcome and code of the first error",
            ("party", "outcome", "code"),
            registry=own,
        )
        self._attempts = Counter(
            "eco_attempts",
            "Attempts to deliver, by what each came to",
            ("party", "outcome", "code"),
            registry=own,
        )
        self._deliveries = Counter(
            "eco_deliveries", "Moves of deliveries, by status moved to", ("party", "status"), registry=own
        )
        self._receipts = Counter(
            "eco_receipts", "Receipts of theirs checked in full", ("party",), registry=own
        )
        self._to_receipt = Histogram(
            "eco_receipt_seconds",
            "From the creation of a message of ours to its checked receipt",
            ("party",),
            buckets=_RECEIPT_BUCKETS,
            registry=own,
        )
        self._attempt = Histogram(
            "eco_attempt_seconds",
            "How long an attempt took",
            ("party",),
            buckets=_ATTEMPT_BUCKETS,
            registry=own,
        )
        self._judging = Histogram(
            "eco_judge_seconds", "How long judging a document took", buckets=_JUDGE_BUCKETS, registry=own
        )
        self._backlog = Gauge(
            "eco_backlog", "Deliveries that stand in each status now", ("party", "status"), registry=own
        )
        self._lane = {
            name: Gauge(f"eco_lane_{name}", meaning, ("party",), registry=own)
            for name, meaning in _LANE_FIGURES.items()
        }
        self._expiry = Gauge(
            "eco_certificate_expiry_days",
            "Days until a party's last certificate of this use ends; negative once none is left",
            ("party", "use"),
            registry=own,
        )
        self._handshakes = Counter(
            "eco_handshakes_refused",
            "TLS handshakes at the exchange endpoint that failed",
            ("reason",),
            registry=own,
        )
        self._signing_keys = Gauge(
            "eco_signing_key_up",
            "1 while a signing key of ours that lies in a token or behind a service signs, else 0",
            ("certificate",),
            registry=own,
        )
        self._lists = Gauge(
            "eco_revocation_list_fresh_seconds",
            "For how long a party's revocation lists are fresh still; negative once one is stale or missing",
            ("party",),
            registry=own,
        )
        self._in_hand = Gauge(
            "eco_intake_in_hand", "Calls that a door has in hand now", ("door",), registry=own
        )
        self._in_hand_bytes = Gauge(
            "eco_intake_bytes", "Bytes of bodies that a door has in hand now", ("door",), registry=own
        )
        self._turned_away = Counter(
            "eco_intake_turned_away",
            "Calls that a door turned away: full, share, bytes (503); slow, too-large",
            ("door", "reason"),
            registry=own,
        )

        self._checks = Counter(
            "eco_public_checks",
            "Questions to the public check by what they were answered with",
            ("standing",),
            registry=own,
        )

    def checked(self, standing: str) -> None:
        """Count a question of a stranger about a certificate, by the *standing* it was answered with."""
        self._checks.labels(standing).inc()

    def set_in_hand(self, door: str, calls: int, size: int) -> None:
        """Show how many calls a door has in hand, and the bytes of their bodies."""
        self._in_hand.labels(door).set(calls)
        self._in_hand_bytes.labels(door).set(size)

    def turned_away(self, door: str, reason: str) -> None:
        """Count a call that a door turned away before it did anything for it."""
        self._turned_away.labels(door, reason).inc()

    def submitted(self, outcome: str, code: str = "") -> None:
        """
        Count a certificate handed in.

        Args:
            outcome: ``accepted``, ``repeated`` or ``refused``.
            code: of the first error, when refused.
        """
        self._submissions.labels(outcome, code).inc()

    def arrived(self, party: str, outcome: str, code: str = "") -> None:
        """Count a message that *party* brought: ``accepted``, ``repeated`` or ``refused``, and why."""
        self._inbound.labels(party, outcome, code).inc()

    def attempted(self, outcome: Outcome) -> None:
        """Count an attempt whose outcome the ledger took, the move it made and the receipt it brought."""
        party = outcome.claim.party
        self._attempts.labels(party, _attempt_word(outcome.status), _code(outcome.cause)).inc()
        self._deliveries.labels(party, outcome.status.value).inc()
        self._attempt.labels(party).observe(outcome.took_ms / 1_000)
        if outcome.receipt is not None:
            self._receipts.labels(party).inc()
            waited = (outcome.at - outcome.claim.created_at).total_seconds()
            self._to_receipt.labels(party).observe(max(waited, 0.0))

    def judged(self, seconds: float) -> None:
        """Note how long one document was judged."""
        self._judging.observe(seconds)

    def set_backlog(self, counts: Mapping[str, Mapping[str, int]]) -> None:
        """Show deliveries by party and status, as ``Ledger.counts`` gives them; one not in it shows 0."""
        self._backlog.clear()
        for party, by_status in counts.items():
            for status in DeliveryStatus:
                self._backlog.labels(party, status.value).set(by_status.get(status.value, 0))

    def set_lanes(self, lanes: Iterable[LaneRow]) -> None:
        """Show each lane's window, how its party answers and how old its backlog is, over all nodes."""
        for gauge in self._lane.values():
            gauge.clear()
        for lane in lanes:
            figures = {
                "window": lane.window or 0,
                "failures": lane.rest.failures,
                "rest_seconds": lane.rest.rest_s,
                "oldest_seconds": lane.oldest_s or 0.0,
                "held": lane.holder is not None,
            }
            for name, figure in figures.items():
                self._lane[name].labels(lane.party).set(figure)

    def set_certificate_expiry(self, parties: Iterable[Party], now: datetime) -> None:
        """Show for each party how long its signing and TLS certificates reach, scheduled ones included."""
        self._expiry.clear()
        for party in parties:
            for use, certificates in (("sign", party.sign), ("tls", party.tls)):
                if certificates:
                    last = max(_ends(certificate) for certificate in certificates)
                    self._expiry.labels(party.id, use).set((last - now).total_seconds() / _DAY_S)

    def set_revocation_lists(self, parties: Iterable[Party], now: datetime) -> None:
        """Show how long the lists of parties reach that want any; minus infinity where none is held."""
        self._lists.clear()
        for party in parties:
            if party.revocation is not None:
                ends = [None if one is None else one.next_update for _, one in party.wanted_lists]
                reach = (-inf if end is None else (end - now).total_seconds() for end in ends)
                self._lists.labels(party.id).set(min(reach))

    def handshake_refused(self, reason: str) -> None:
        """Count a handshake that failed; the reason is one of OpenSSL's."""
        self._handshakes.labels(reason).inc()

    def set_signing_keys(self, usable: Mapping[str, bool]) -> None:
        """Show which of our keys that lie elsewhere sign, by their certificates."""
        self._signing_keys.clear()
        for certificate, is_usable in usable.items():
            self._signing_keys.labels(certificate).set(is_usable)

    def exposition(self) -> bytes:
        """The page in Prometheus's text format; its content type is ``content_type``."""
        return generate_latest(self._registry)


def _ends(certificate: RegisteredCertificate) -> datetime:
    return min(certificate.valid_to, certificate.certificate.not_valid_after_utc)


def _attempt_word(status: DeliveryStatus) -> str:
    match status:
        case DeliveryStatus.DELIVERED:
            return "delivered"
        case DeliveryStatus.REFUSED:
            return "refused"
        case _:
            return "retry"


def _code(cause: str | None) -> str:
    """The code before the colon of ``CODE: words``; the words may name hosts and would multiply series."""
    return cause.partition(":")[0] if cause else ""
