"""Who looks at a page, and which pages there are for whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from gateway.domain.caller import Caller, Role
from gateway.identity.signing_in import form_token
from gateway.store.sessions import SessionRow


class Part(StrEnum):
    """A part of the console; what a visitor's roles do not reach does not exist for it."""

    BOARD = "board"
    MESSAGES = "messages"
    DOCUMENT = "document"
    ACT = "act"  #: on messages and lanes
    DECIDE = "decide"  #: what wants to change whom we believe
    EXCEPTIONS = "exceptions"
    VERIFICATIONS = "verifications"
    PARTIES = "parties"
    SPECIMENS = "specimens"
    CHANGES = "changes"
    REPORTS = "reports"
    AUDIT = "audit"
    SESSIONS = "sessions"


_R = Role
_RUNS = frozenset({_R.OPERATOR, _R.AUDITOR, _R.ADMINISTRATOR})
MAY: Mapping[Part, frozenset[Role]] = MappingProxyType(
    {
        Part.BOARD: _RUNS,
        Part.MESSAGES: frozenset(Role),  # as they may at the national API
        Part.DOCUMENT: frozenset({_R.ISSUER, _R.CUSTOMS, _R.OPERATOR, _R.AUDITOR}),
        Part.ACT: frozenset({_R.OPERATOR}),
        Part.DECIDE: frozenset({_R.ADMINISTRATOR}),
        Part.EXCEPTIONS: _RUNS,
        Part.VERIFICATIONS: frozenset(Role) - {_R.EXPORTER},
        Part.PARTIES: _RUNS,
        Part.SPECIMENS: _RUNS | {_R.ISSUER, _R.CUSTOMS},
        Part.CHANGES: _RUNS,
        Part.REPORTS: _RUNS,
        Part.AUDIT: _RUNS,
        Part.SESSIONS: frozenset(Role),
    }
)

#: The menu, in its order; each with the key that follows ``g``.
MENU = (
    (Part.BOARD, "Corridors", "/console/", "c"),
    (Part.MESSAGES, "Messages", "/console/messages", "m"),
    (Part.EXCEPTIONS, "Exceptions", "/console/exceptions", "x"),
    (Part.VERIFICATIONS, "Verifications", "/console/verifications", "v"),
    (Part.PARTIES, "Parties", "/console/parties", "p"),
    (Part.SPECIMENS, "Specimens", "/console/specimens", "l"),
    (Part.CHANGES, "Changes", "/console/changes", "h"),
    (Part.REPORTS, "Reports", "/console/reports", "r"),
    (Part.AUDIT, "Audit", "/console/audit", "a"),
    (Part.SESSIONS, "Sessions", "/console/sessions", "s"),
)


#: How long after signing in one may do what asks for it.
FRESH = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is signed in."""

    session: SessionRow
    session_id: str

    @property
    def caller(self) -> Caller:
        """As whom the ledger knows them."""
        return self.session.caller

    @property
    def form_token(self) -> str:
        """What their forms must carry."""
        return form_token(self.session_id)

    def may(self, part: Part) -> bool:
        """Whether one of their roles reaches *part*."""
        return not self.caller.roles.isdisjoint(MAY[part])

    def is_fresh(self, now: datetime) -> bool:
        """Whether they signed in just now, so that nobody acts at a desk that its owner left."""
        return now - self.session.begun_at < FRESH

    @property
    def home(self) -> str:
        """Their first page."""
        return next(path for part, _, path, _ in MENU if self.may(part))
