"""
How answers move a certificate's life. Pure; ``domain.status.LIVES`` says which moves there are at all.

The sender's side asks (``cancel_pending``) and waits for the acknowledgement; the receiver's side decides
when it has judged. The national system may still cancel what its gateway would not, but nothing brings back
what was cancelled; it may only be replaced as well.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.acknowledge.judging import outcome_of
from gateway.domain.errors import Finding
from gateway.domain.status import LIVES, AcknowledgementOutcome, CertificateLife
from gateway.store.records import CertificateRow


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeMove:
    """A move of a certificate's life; *before* is what a refused cancellation puts back."""

    to: CertificateLife
    before: CertificateLife | None = None


def when_cancellation_is_asked(certificate: CertificateRow) -> LifeMove | None:
    """The sender's move when its cancellation is committed; None when it is under way or may not be."""
    if CertificateLife.CANCEL_PENDING not in LIVES[certificate.life]:
        return None
    return LifeMove(to=CertificateLife.CANCEL_PENDING, before=certificate.life)


def when_cancellation_is_judged(
    certificate: CertificateRow, findings: tuple[Finding, ...]
) -> LifeMove | None:
    """The receiver's move when it has judged a cancellation; None when it refuses."""
    if outcome_of(findings) is AcknowledgementOutcome.REJECTED:
        return None
    return _to(certificate, CertificateLife.CANCELLED)


def when_cancellation_is_acknowledged(
    certificate: CertificateRow, outcome: AcknowledgementOutcome
) -> LifeMove | None:
    """
    The sender's move when the far side's acknowledgement of its cancellation arrives.

    Accepted by anybody there makes it cancelled, rejected puts back the life it had; the order in which the
    words of the gateway and of the national system come does not matter. One that comes again moves nothing.
    """
    if outcome is not AcknowledgementOutcome.REJECTED:
        return _to(certificate, CertificateLife.CANCELLED)
    if certificate.life is not CertificateLife.CANCEL_PENDING:
        return None
    return LifeMove(to=certificate.life_before or CertificateLife.IN_FORCE)


def when_replacement_is_accepted(
    replaced: CertificateRow, outcome: AcknowledgementOutcome
) -> LifeMove | None:
    """
    The move of a certificate when one that names it as replaced was judged or acknowledged.

    It is replaced as soon as the new one is accepted, on either side (ATIGA Annex 8 Rule 29(4)); what was
    utilised of it before stays so. A cancellation may cross with the replacement in another conversation, and
    come before it on one side and after it on the other: both end as replaced.
    """
    if outcome is AcknowledgementOutcome.REJECTED:
        return None
    return _to(replaced, CertificateLife.REPLACED)


def _to(certificate: CertificateRow, life: CertificateLife) -> LifeMove | None:
    return LifeMove(to=life) if life in LIVES[certificate.life] else None
