"""How the console says things: states by their family, times by their zone, figures by groups of three."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import assert_never
from urllib.parse import quote, urlencode

from gateway.domain.status import AcknowledgementOutcome, CertificateLife, CustomsOutcome, DeliveryStatus
from gateway.store.exceptions import ExceptionItem

_MOST = 500
_THIN = " "  # narrow no-break space, between groups of three
#: Characters that turn the direction of writing or take no room: shown as what they are, never obeyed.
_HIDDEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")


class Family(StrEnum):
    """What a state means at a glance; each has a colour and a shape of its own."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    WAIT = "wait"
    HELD = "held"
    QUIET = "quiet"


@dataclass(frozen=True, slots=True)
class Chip:
    """A state as it is shown: family (shape and colour) and words."""

    family: Family
    text: str


NONE_YET = Chip(Family.WAIT, "None yet")


def delivery_chip(status: DeliveryStatus) -> Chip:
    """Layer one: whether the bytes arrived."""
    match status:
        case DeliveryStatus.READY_TO_SEND:
            return Chip(Family.WAIT, "Ready to send")
        case DeliveryStatus.SENDING:
            return Chip(Family.WAIT, "Sending")
        case DeliveryStatus.AWAITING_RETRY:
            return Chip(Family.WAIT, "Waiting to retry")
        case DeliveryStatus.AWAITING_RECEIPT:
            return Chip(Family.WAIT, "Waiting for receipt")
        case DeliveryStatus.DELIVERED:
            return Chip(Family.GOOD, "Delivered")
        case DeliveryStatus.REFUSED:
            return Chip(Family.BAD, "Refused")
        case DeliveryStatus.EXPIRED:
            return Chip(Family.BAD, "Expired")
        case DeliveryStatus.ON_HOLD:
            return Chip(Family.HELD, "On hold")
        case DeliveryStatus.WITHDRAWN:
            return Chip(Family.QUIET, "Withdrawn")
        case _:
            assert_never(status)


def acknowledgement_chip(outcome: AcknowledgementOutcome | None, findings: int = 0) -> Chip:
    """Layer two: whether their system read and accepted it."""
    match outcome:
        case None:
            return NONE_YET
        case AcknowledgementOutcome.ACCEPTED:
            return Chip(Family.GOOD, "Accepted")
        case AcknowledgementOutcome.ACCEPTED_WITH_WARNINGS:
            return Chip(Family.WARN, f"Accepted with {_counted(findings, 'warning')}")
        case AcknowledgementOutcome.REJECTED:
            return Chip(Family.BAD, f"Rejected, {_counted(findings, 'finding')}" if findings else "Rejected")
        case _:
            assert_never(outcome)


def customs_chip(outcome: CustomsOutcome | None) -> Chip:
    """Layer three: what became of it at the border."""
    match outcome:
        case None:
            return Chip(Family.QUIET, "None yet")
        case CustomsOutcome.UTILISED:
            return Chip(Family.GOOD, "Used in full")
        case CustomsOutcome.PARTIALLY_UTILISED:
            return Chip(Family.WARN, "Used in part")
        case CustomsOutcome.PREFERENCE_DENIED:
            return Chip(Family.BAD, "Preference denied")
        case CustomsOutcome.UNDER_VERIFICATION:
            return Chip(Family.WAIT, "Under verification")
        case CustomsOutcome.NOT_UTILISED:
            return Chip(Family.QUIET, "Not used")
        case _:
            assert_never(outcome)


def life_chip(life: CertificateLife) -> Chip | None:
    """The certificate's own life; None while it is simply in force."""
    match life:
        case CertificateLife.IN_FORCE:
            return None
        case CertificateLife.CANCEL_PENDING:
            return Chip(Family.WAIT, "Cancellation pending")
        case CertificateLife.CANCELLED:
            return Chip(Family.QUIET, "Cancelled")
        case CertificateLife.REPLACED:
            return Chip(Family.QUIET, "Replaced")
        case CertificateLife.EXPIRED:
            return Chip(Family.QUIET, "Certificate expired")
        case _:
            assert_never(life)


def moment(at: datetime, now: datetime | None = None) -> str:
    """``10 Nov 02:16:44 UTC``; with the year where it is another than *now*'s."""
    utc = at.astimezone(UTC)
    year = "" if now is not None and utc.year == now.astimezone(UTC).year else f" {utc:%Y}"
    return f"{utc.day} {utc:%b}{year} {utc:%H:%M:%S} UTC"


def clock(at: datetime) -> str:
    """``02:16:44 UTC``, beside a day that is said."""
    return f"{at.astimezone(UTC):%H:%M:%S} UTC"


def local(at: datetime) -> str:
    """``09:16 UTC+7``: a time in the home country, *at* being in its zone."""
    offset = at.utcoffset()
    hours, minutes = divmod(round((offset.total_seconds() if offset else 0) / 60), 60)
    return f"{at:%H:%M} UTC{hours:+d}" + (f":{minutes:02d}" if minutes else "")


def iso(at: datetime) -> str:
    """For a ``datetime`` attribute."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def long_day(at: datetime) -> str:
    """``Saturday 21 November 2026``."""
    utc = at.astimezone(UTC)
    return f"{utc:%A} {utc.day} {utc:%B %Y}"


def duration(seconds: float | None) -> str:
    """By its two largest units: ``1 h 48 min``; ``none`` for None."""
    if seconds is None:
        return "none"
    left = max(0, round(seconds))
    parts = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def figure(value: int) -> str:
    """A count, in groups of three."""
    return f"{value:,}".replace(",", _THIN)


def counted(count: int, word: str, many: str | None = None) -> str:
    """``1 message``, ``3 messages``."""
    return f"{figure(count)} {word if count == 1 else many or word + 's'}"


_counted = counted


def plain(text: object) -> str:
    """
    What a document or a party wrote, safe to be read.

    Cut at 500 characters; characters that would turn the text round or hide in it stand there by their code.
    """
    told = _HIDDEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", str(text))
    told = "".join(c if c in "\n\t" or unicodedata.category(c) != "Cc" else f"⟨U+{ord(c):04X}⟩" for c in told)
    return told if len(told) <= _MOST else told[: _MOST - 1] + "…"


def form_name(form: str) -> str:
    """``Form RCEP`` of ``rcep/form-rcep/1.0``: how people call it."""
    middle = form.split("/")[1] if "/" in form else form
    head, _, tail = middle.partition("-")
    return f"Form {tail.upper()}" if head == "form" and tail else middle.replace("-", " ").capitalize()


def item_path(item: ExceptionItem) -> str:
    """Where something that suffers from an exception is looked at."""
    if item.message_id is not None:
        return f"/console/messages/{quote(item.message_id, safe='')}"
    return f"/console/find?{urlencode({'q': item.certificate_number or ''})}"
