"""Dialects: other syntaxes in which a party may want what we say in XML of our own, the canonical form."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DialectName(StrEnum):
    """The name by which a corridor asks for a dialect."""

    UBL = "ubl-2.1"  #: OASIS UBL 2.1: CertificateOfOrigin, ApplicationResponse
    EDIFACT = "edifact-sancrt"  #: UN/EDIFACT D.01B in UTF-8: SANCRT, CONTRL, APERAK, CUSRES
    EDIFACT_LATIN = "edifact-sancrt-unoc"  #: the same in ISO 8859-1


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """
    The dialect in which a message travels, and what it says; kept beside its exact bytes.

    Attributes:
        canonical: the document in canonical form; None where it could not be read.
    """

    dialect: DialectName
    canonical: bytes | None
