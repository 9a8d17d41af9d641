"""
The search for certificates, newest first, by any of its conditions.

Each condition is written so that its own index can drive it; a value of a rare status leads to the few rows
that have it, a value of a common one is found while walking from the newest back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from gateway.domain.caller import EVERYTHING, Sight
from gateway.domain.errors import UnknownCursor
from gateway.domain.status import (
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    DeliveryStatus,
    Direction,
)
from gateway.store.connect import Connection
from gateway.store.feeds import Arguments, Statement
from gateway.store.records import CertificateRow
from gateway.store.rows import certificate_row

_CURSOR = re.compile(r"([0-9]{1,16})-([0-9]{1,18})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_CERTIFICATES = """
SELECT c.certificate_no, c.direction, c.form, c.number, c.issuing_country, c.exporting_country,
       c.importing_country, c.party, c.exporter, c.issue_date, c.organisation, c.life, c.life_before,
       c.message_no, c.message_id, c.conversation_id, c.delivery, c.acknowledgement, c.customs_response,
       c.submitted_at
  FROM certificate_row c
 WHERE {conditions}
 ORDER BY c.submitted_at DESC, c.certificate_no DESC
 LIMIT {limit}
"""

_OF_LIFE = "SELECT n.certificate_no FROM certificate n WHERE n.notable AND n.life = {value}"
_OF_DELIVERY = (
    "SELECT n.certificate_no FROM certificate n JOIN delivery d ON d.message_no = n.message_no"
    " WHERE d.{kind} AND d.status = {value}"
)

_STATUSES = frozenset(
    str(value)
    for layer in (DeliveryStatus, AcknowledgementOutcome, CustomsOutcome, CertificateLife)
    for value in layer
)
_OPEN = frozenset(status for status in DeliveryStatus if not status.is_final)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The conditions of a search; None asks nothing."""

    number: str | None = None
    form: str | None = None
    receiver: str | None = None
    status: str | None = None
    first_day: date | None = None
    last_day: date | None = None
    direction: Direction | None = None
    issuing_country: str | None = None
    sight: Sight = EVERYTHING


async def read_certificates(
    connection: Connection, wanted: Wanted, *, after: str | None, limit: int
) -> tuple[list[CertificateRow], str | None]:
    """
    A page of certificates and the cursor of the next, None when it was the last.

    Raises:
        UnknownCursor: *after* was never given out.
    """
    position = await _position(connection, after)
    statement = certificates_wanted(wanted, before=position, limit=limit + 1)
    rows = [certificate_row(row) for row in await connection.fetch(statement.sql, *statement.arguments)]
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], f"{(last.submitted_at - _EPOCH) // timedelta(microseconds=1)}-{last.certificate_no}"


def certificates_wanted(
    wanted: Wanted, *, before: tuple[datetime, int] | None = None, limit: int = 50
) -> Statement:
    """The statement for *wanted*, from *before* on backwards."""
    argument = Arguments()
    conditions = _plain(wanted, argument) + _days(wanted, argument)
    if wanted.status is not None:
        conditions.append(_in_status(wanted.status, argument))
    if not wanted.sight.everything:
        conditions.append(_seen(wanted.sight, argument))
    if before is not None:
        at, no = before
        begin = f"{argument(at, 'timestamptz')}, {argument(no, 'bigint')}"
        conditions.append(f"(c.submitted_at, c.certificate_no) < ({begin})")
    sql = _CERTIFICATES.format(
        conditions="\n   AND ".join(conditions or ["true"]), limit=argument(limit, "bigint")
    )
    return Statement(sql, tuple(argument.given))


def _plain(wanted: Wanted, argument: Arguments) -> list[str]:
    conditions = []
    if wanted.number is not None:
        conditions.append(f"c.number = {argument(wanted.number, 'text')}")
    if wanted.issuing_country is not None:
        conditions.append(f"c.issuing_country = {argument(wanted.issuing_country, 'text')}")
    if wanted.form is not None:
        conditions += _of_form(wanted.form, argument)
    if wanted.receiver is not None:
        conditions.append(f"c.direction = 'out' AND c.party = {argument(wanted.receiver, 'text')}")
    if wanted.direction is not None:
        # A literal, so that the partial index fits.
        conditions.append("c.direction = 'in'" if wanted.direction is Direction.IN else "c.direction = 'out'")
    return conditions


def _of_form(form: str, argument: Arguments) -> list[str]:
    """By the middle part always, for that is indexed; then by what else was given of the form."""
    parts = form.split("/")
    conditions = [f"split_part(c.family, '/', 2) = {argument(parts[len(parts) > 1], 'text')}"]
    if len(parts) > 1:
        column = "c.family" if len(parts) == 2 else "c.form"
        conditions.append(f"{column} = {argument(form, 'text')}")
    return conditions


def _days(wanted: Wanted, argument: Arguments) -> list[str]:
    conditions = []
    if wanted.first_day is not None:
        begin = datetime.combine(wanted.first_day, time(), UTC)
        conditions.append(f"c.submitted_at >= {argument(begin, 'timestamptz')}")
    if wanted.last_day is not None and wanted.last_day < date.max:
        end = datetime.combine(wanted.last_day + timedelta(days=1), time(), UTC)
        conditions.append(f"c.submitted_at < {argument(end, 'timestamptz')}")
    return conditions


def _in_status(status: str, argument: Arguments) -> str:
    """The condition for any layer's value; an unknown one finds nothing."""
    if status not in _STATUSES:
        return "false"
    value = argument(status, "text")
    if status == DeliveryStatus.DELIVERED:
        return f"c.delivery = {value}"
    if status == CertificateLife.IN_FORCE:
        return f"c.life = {value}"
    if status in set(AcknowledgementOutcome):
        rare = "c.notable AND " if status == AcknowledgementOutcome.REJECTED else ""
        return f"{rare}c.acknowledgement = {value}"
    if status in set(CustomsOutcome):
        return f"c.customs_response = {value}"
    ways: list[str] = []
    if status in set(CertificateLife):
        ways.append(_OF_LIFE.format(value=value))
    if status in set(DeliveryStatus):  # "expired" is both
        kind = "open" if status in _OPEN - {DeliveryStatus.ON_HOLD} else "troubled"
        ways.append(_OF_DELIVERY.format(kind=kind, value=value))
    return f"c.certificate_no IN ({' UNION ALL '.join(ways)})"


def _seen(sight: Sight, argument: Arguments) -> str:
    ways = ["c.direction = 'out'"] if sight.issued else []
    if sight.received:
        ways.append("c.direction = 'in'")
    if sight.organisation is not None:
        ways.append(f"c.organisation = {argument(sight.organisation, 'text')}")
    return f"({' OR '.join(ways)})" if ways else "false"


async def _position(connection: Connection, after: str | None) -> tuple[datetime, int] | None:
    if after is None:
        return None
    if (read := _CURSOR.fullmatch(after)) is not None:
        micros, no = (int(part) for part in read.groups())
        if await connection.fetchval("SELECT EXISTS (SELECT FROM certificate WHERE certificate_no = $1)", no):
            return _EPOCH + timedelta(microseconds=micros), no
    raise UnknownCursor(f"This cursor was never given out: {after[:80]!r}")
