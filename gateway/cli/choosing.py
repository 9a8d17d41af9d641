"""Which messages an operator means: by ids or by a filter, read from the flags."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from gateway.cli.client import Json
from gateway.cli.failures import CommandFailed, WrongUse
from gateway.domain.status import (
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    DeliveryStatus,
)
from gateway.domain.verbs import VERBS

_STATUSES = frozenset(
    str(value)
    for kind in (DeliveryStatus, AcknowledgementOutcome, CustomsOutcome, CertificateLife)
    for value in kind
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which messages of ours are meant; days on which they were written (UTC), both included."""

    party: str | None
    status: str | None
    form: str | None
    first_day: str | None
    last_day: str | None

    @property
    def body(self) -> Json:
        """As the node takes it; empty when nothing was said."""
        said = {
            "party": self.party,
            "status": self.status,
            "form": self.form,
            "from": self.first_day,
            "to": self.last_day,
        }
        return {name: text for name, text in said.items() if text is not None}


def read_filter(
    verb: str,
    *,
    party: str | None,
    status: str | None,
    form: str | None,
    first_day: str | None,
    last_day: str | None,
) -> Filter:
    """
    Read what the flags say.

    Raises:
        WrongUse: a day is no day, a status no status.
        CommandFailed: the verb cannot touch a delivery of that status.
    """
    if status is not None and status not in _STATUSES:
        raise WrongUse(f"--status: there is no '{status}', only {', '.join(sorted(_STATUSES))}")
    allowed = VERBS[verb].allowed
    if status in set(DeliveryStatus) and status not in allowed:
        raise CommandFailed(f"cannot {verb} what is {status}, only {', '.join(sorted(allowed))}")
    return Filter(
        party=party,
        status=status,
        form=form,
        first_day=_day("--from", first_day),
        last_day=_day("--to", last_day),
    )


def days_and_urls(values: Sequence[str]) -> tuple[str | None, str | None]:
    """
    Tell apart what ``--to`` gave: the last day, and the node's URL; the two never look alike.

    Raises:
        WrongUse: more than one of a kind.
    """
    urls = [value for value in values if re.match(r"https?://", value)]
    days = [value for value in values if value not in urls]
    if len(urls) > 1 or len(days) > 1:
        raise WrongUse("--to: at most one day and one URL")
    return next(iter(days), None), next(iter(urls), None)


def _day(flag: str, text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise WrongUse(f"{flag}: '{text}' is not a day such as 2026-11-21") from None
