"""What to do after an attempt. Pure: what happened and the party's patience come in, a verdict goes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from gateway.domain.corridor import Patience
from gateway.domain.errors import Fault, PartyAskedToWait, PartyRefused, PartyUnreachable
from gateway.domain.status import DeliveryStatus
from gateway.store.records import Claim

Failure = PartyUnreachable | PartyAskedToWait | PartyRefused

JITTER = (0.8, 1.2)  #: bounds of the factor by which a wait of the party's file is drawn out or cut short

# A wait the party asked for does not use up its patience, so only its length keeps us from knocking for ever.
_LEAST_ASKED_S = 1.0
_LEAST_S = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """
    The delivery's next status and when to look at it again.

    Attributes:
        due_in_s: seconds from now; 0 when the status is final.
        waits_used: how many of the party's waits are spent after this attempt.
        cause: ``CODE: words``; None when delivered.
    """

    status: DeliveryStatus
    due_in_s: float
    waits_used: int
    cause: str | None


def after(claim: Claim, error: Failure | None, patience: Patience, *, jitter: float) -> Verdict:
    """
    Judge the attempt that *claim* was leased for.

    A checked receipt came: delivered. The party refuses: refused, and never again. It asks us to wait (T03):
    as long as it says, within our longest wait; that does not count. Nothing believable came: the next wait
    of the party's file, n waits allowing n + 1 attempts, and expired (T04) when they are used up.

    Args:
        error: None when a checked receipt came.
        jitter: a factor within ``JITTER``, drawn by the caller; a wait the party asked for is kept as it is.
    """
    match error:
        case None:
            return Verdict(
                status=DeliveryStatus.DELIVERED, due_in_s=0.0, waits_used=claim.waits_used, cause=None
            )
        case PartyAskedToWait():
            return Verdict(
                status=DeliveryStatus.AWAITING_RETRY,
                due_in_s=_asked_wait_s(claim, error.retry_after_s, patience, jitter),
                waits_used=claim.waits_used,
                cause=error.cause,
            )
        case PartyUnreachable():
            return _after_silence(claim, error, patience, jitter)
        case PartyRefused():
            return Verdict(
                status=DeliveryStatus.REFUSED, due_in_s=0.0, waits_used=claim.waits_used, cause=error.cause
            )
        case _:
            assert_never(error)


def _after_silence(claim: Claim, error: PartyUnreachable, patience: Patience, jitter: float) -> Verdict:
    if claim.waits_used >= len(patience.waits):
        return Verdict(
            status=DeliveryStatus.EXPIRED,
            due_in_s=0.0,
            waits_used=claim.waits_used,
            cause=f"{Fault.PATIENCE_USED_UP}: patience used up after {_attempts(claim)}; last {error.cause}",
        )
    return Verdict(
        status=(DeliveryStatus.AWAITING_RECEIPT if error.body_went_out else DeliveryStatus.AWAITING_RETRY),
        due_in_s=patience.waits[claim.waits_used].total_seconds() * jitter,
        waits_used=claim.waits_used + 1,
        cause=error.cause,
    )


def _asked_wait_s(claim: Claim, asked_s: float | None, patience: Patience, jitter: float) -> float:
    waits_s = [wait.total_seconds() for wait in patience.waits]
    longest_s = max([*waits_s, _LEAST_S])
    if asked_s is not None:
        return min(max(asked_s, _LEAST_ASKED_S), longest_s)
    own_s = waits_s[min(claim.waits_used, len(waits_s) - 1)] if waits_s else longest_s
    return max(own_s * jitter, _LEAST_S)


def _attempts(claim: Claim) -> str:
    made = claim.attempts + 1
    return "1 attempt" if made == 1 else f"{made} attempts"
