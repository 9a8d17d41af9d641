"""The envelope of an interchange that we write: UNB, UNH, UNT, UNZ with their counts and references."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.translate.edifact.characters import CharacterSet
from gateway.translate.edifact.segments import Segment
from gateway.translate.edifact.structure import Group
from gateway.translate.edifact.syntax import default_characters, join
from gateway.translate.edifact.tables import SYNTAX_3, MessageDefinition, SegmentDefinition, Tables

UNKNOWN = "UNKNOWN"

_MESSAGE_REFERENCE = "1"
_PARTY_AT_MOST = 35
_REFERENCE_AT_MOST = 14
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """
    Who sends an interchange to whom, when prepared, and its reference.

    Attributes:
        reference: at most 14 characters, unique for the sender; made from the content where there is none.
    """

    sender: str
    recipient: str
    prepared_at: datetime = _EPOCH
    reference: str | None = None


def envelope_of(header: Segment | None) -> Envelope:
    """What UNB says, as far as it can be read."""
    if header is None:
        return Envelope(sender=UNKNOWN, recipient=UNKNOWN, reference=UNKNOWN)
    return Envelope(
        sender=header.value("S002.0004") or UNKNOWN,
        recipient=header.value("S003.0010") or UNKNOWN,
        prepared_at=_prepared(header.value("S004.0017"), header.value("S004.0019")),
        reference=header.value("0020") or UNKNOWN,
    )


def _prepared(day: str, time: str) -> datetime:
    century = "" if len(day) == len("CCYYMMDD") else "20"
    try:
        return datetime.strptime(f"{century}{day}{time}", "%Y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        return _EPOCH


def seal_up(
    message: Group,
    definition: MessageDefinition,
    association: str,
    envelope: Envelope,
    repertoire: CharacterSet,
    tables: Tables,
) -> bytes:
    """
    One message as a whole interchange.

    The same message in the same envelope is always the same octets: no clock is read, no dice are thrown.
    """
    version = repertoire.writes or SYNTAX_3
    service = tables.service(version)
    body = [segment.parts() for segment in message.walk() if segment.tag not in ("UNH", "UNT")]
    header = _header(service["UNH"], definition, association)
    trailer = _segment(service["UNT"], {"0074": str(len(body) + 2), "0062": _MESSAGE_REFERENCE})
    characters = default_characters(version)
    inner = join([header.parts(), *body, trailer.parts()], characters)
    reference = repertoire.fitting(envelope.reference or _reference(inner, envelope))[:_REFERENCE_AT_MOST]
    first = _interchange_header(service["UNB"], envelope, reference, repertoire, version)
    last = _segment(service["UNZ"], {"0036": "1", "0020": reference})
    outer = (join([each.parts()], characters) for each in (first, last))
    return f"{characters.advice}{next(outer)}{inner}{next(outer)}".encode(repertoire.codec)


def _header(unh: SegmentDefinition, definition: MessageDefinition, association: str) -> Segment:
    return _segment(
        unh,
        {
            "0062": _MESSAGE_REFERENCE,
            "S009.0065": definition.type,
            "S009.0052": definition.version,
            "S009.0054": definition.release,
            "S009.0051": definition.agency,
            "S009.0057": association,
        },
    )


def _interchange_header(
    unb: SegmentDefinition, envelope: Envelope, reference: str, repertoire: CharacterSet, version: int
) -> Segment:
    at = envelope.prepared_at.astimezone(UTC)
    day = re.sub("-", "", at.date().isoformat())
    return _segment(
        unb,
        {
            "S001.0001": repertoire.level,
            "S001.0002": str(version),
            "S002.0004": repertoire.fitting(envelope.sender)[:_PARTY_AT_MOST],
            "S003.0010": repertoire.fitting(envelope.recipient)[:_PARTY_AT_MOST],
            "S004.0017": day if version > SYNTAX_3 else day[2:],
            "S004.0019": f"{at:%H%M}",
            "0020": reference,
        },
    )


def _segment(definition: SegmentDefinition, values: dict[str, str]) -> Segment:
    segment = Segment(definition)
    for name, value in values.items():
        segment.values[definition.find(name)[0]] = value
    return segment


def _reference(content: str, envelope: Envelope) -> str:
    told = f"{envelope.sender} {envelope.recipient} {envelope.prepared_at} {content}".encode()
    return base64.b32encode(hashlib.sha256(told).digest()).decode("ascii")[:_REFERENCE_AT_MOST]
