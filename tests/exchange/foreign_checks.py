"""What every refusal on the wire must say, and the messages most tests begin with."""

from __future__ import annotations

import hashlib

from tests.exchange.foreign_documents import certificate, new_number, ping
from tests.exchange.foreign_line import Foreign, Reply
from tests.exchange.foreign_party import RCEP, Letter, Signal

SYNTAX = ("ReceiptException", "Syntax")
SIGNATURE = ("ReceiptException", "Signature")
AUTHORIZATION = ("ReceiptException", "Authorization")
SEQUENCE = ("ReceiptException", "Sequence")
PERFORMANCE = ("AcceptanceException", "Performance")


def a_ping(party: Foreign, **header: str | None) -> Letter:
    return party.letter("ping", ping("Are you there?"), form="exchange/ping/1.0").but(**header)


def a_certificate(party: Foreign, number: str | None = None, **header: str | None) -> Letter:
    number = number or new_number(party.papers.country)
    document = certificate(number, exporting=party.papers.country, importing="VN")
    return party.letter("certificate", document, number=number, standard=RCEP).but(**header)


def refused(
    party: Foreign, reply: Reply, status: int, code: str, kind: tuple[str, str], *, body: bytes | None
) -> Signal:
    """The exception that refuses *body*, or None where it was not read; everything said of all is checked."""
    signal = party.read(reply)
    assert (reply.status, signal.name) == (status, "Exception")
    assert (signal["Reason"], signal.exception_type) == (code, kind)
    assert signal["ExceptionMessage"] == signal.findings[0]["text"]
    assert signal.total == len(signal.findings) == 1
    assert (signal.findings[0]["code"], signal.findings[0]["severity"]) == (code, "error")
    assert (signal["FromPartyInfo"], signal["ToPartyInfo"]) == ("VN.MOIT", party.id)
    assert signal.digest == (None if body is None else hashlib.sha256(body).digest())
    assert signal["ThisMessageDateTime"].endswith("Z")
    return signal
