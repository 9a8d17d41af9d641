"""Who calls the national API, and in which roles."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.status import Direction


class Role(StrEnum):
    """What a caller may be; a token may carry several."""

    ISSUER = "issuer"
    CUSTOMS = "customs"
    EXPORTER = "exporter"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """
    A proven caller.

    Attributes:
        subject: the name that stands as ``who`` in the event log.
        organisation: what an issuer or exporter is bound to; None for those who see all.
    """

    subject: str
    roles: frozenset[Role]
    organisation: str | None = None

    def may(self, *roles: Role) -> bool:
        """Whether the caller holds one of *roles*."""
        return not self.roles.isdisjoint(roles)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """
    What of the ledger a caller may see; a row is seen when any one of these lets it through.

    A row about a certificate goes by that certificate's direction and organisation, one about none by its
    message's. A row about neither (a suspended party) is seen by ``everything`` alone.

    Attributes:
        everything: all there is.
        issued: all certificates that went out, and what concerns them.
        received: all certificates that came in, and what concerns them.
        organisation: the certificates this organisation submitted, and what concerns them.
    """

    everything: bool = False
    issued: bool = False
    received: bool = False
    organisation: str | None = None

    def sees(self, direction: Direction, organisation: str | None) -> bool:
        """Whether a certificate of that direction and organisation is seen."""
        own = self.organisation is not None and self.organisation == organisation
        return self.everything or own or (self.issued if direction is Direction.OUT else self.received)


EVERYTHING = Sight(everything=True)
