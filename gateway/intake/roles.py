"""
Who may do what, as a table; and which part of the ledger each role sees.

Whether a caller may is decided by the route and the roles alone, before body and path are looked at. What is
not in a caller's sight does not exist for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import assert_never

from gateway.domain.caller import Caller, Role, Sight


class Right(StrEnum):
    """What can be done at the national API; one member for each row of the table of rights."""

    SUBMIT = "submit"  #: submit, batch, cancel
    VALIDATE = "validate"
    READ = "read"  #: certificates, messages, timeline
    DOCUMENT = "document"  #: the exact bytes
    INBOX = "inbox"
    ANSWER = "answer"  #: what customs say of something that arrived
    REPLY = "reply"  #: to a verification request
    ASK_STATUS = "ask-status"
    EVENTS = "events"
    OPERATE = "operate"  #: hold, release, resend, withdraw, suspend, resume
    EXCEPTIONS = "exceptions"  #: read what a person must act on
    SETTLE = "settle"  #: take, note and close exceptions
    PARTIES = "parties"  #: parties, lanes
    SUBSCRIBE = "subscribe"  #: make and change webhooks
    REFUSED = "refused"  #: refused submissions
    METRICS = "metrics"
    SPECIMENS = "specimens"  #: read specimen lists and their pictures
    LIST_SPECIMENS = "list-specimens"  #: import a specimen list
    CHANGES = "changes"  #: read what wants to change whom we believe
    DECIDE = "decide"  #: approve or reject it
    AUDIT = "audit"  #: the event log: heads, proofs, audit
    DESCRIBE = "describe"  #: the description of this interface


_R = Role
_ALL = frozenset(Role)

MAY: Mapping[Right, frozenset[Role]] = MappingProxyType(
    {
        Right.SUBMIT: frozenset({_R.ISSUER}),
        Right.VALIDATE: _ALL,
        Right.READ: _ALL,
        Right.DOCUMENT: frozenset({_R.ISSUER, _R.CUSTOMS, _R.OPERATOR, _R.AUDITOR}),
        Right.INBOX: frozenset({_R.ISSUER, _R.CUSTOMS, _R.OPERATOR, _R.AUDITOR}),
        Right.ANSWER: frozenset({_R.CUSTOMS}),
        Right.REPLY: frozenset({_R.ISSUER}),
        Right.ASK_STATUS: frozenset({_R.ISSUER, _R.CUSTOMS, _R.OPERATOR}),
        Right.EVENTS: _ALL,
        Right.OPERATE: frozenset({_R.OPERATOR, _R.ADMINISTRATOR}),
        Right.EXCEPTIONS: frozenset({_R.ISSUER, _R.CUSTOMS, _R.OPERATOR, _R.AUDITOR, _R.ADMINISTRATOR}),
        Right.SETTLE: frozenset({_R.ISSUER, _R.CUSTOMS, _R.OPERATOR, _R.ADMINISTRATOR}),
        Right.PARTIES: frozenset({_R.OPERATOR, _R.AUDITOR, _R.ADMINISTRATOR}),
        Right.SUBSCRIBE: frozenset({_R.ADMINISTRATOR}),
        Right.REFUSED: frozenset({_R.ISSUER, _R.OPERATOR, _R.AUDITOR}),
        Right.METRICS: frozenset({_R.OPERATOR, _R.AUDITOR, _R.ADMINISTRATOR}),
        Right.SPECIMENS: frozenset({_R.ISSUER, _R.CUSTOMS, _R.OPERATOR, _R.AUDITOR, _R.ADMINISTRATOR}),
        Right.LIST_SPECIMENS: frozenset({_R.ADMINISTRATOR}),
        Right.CHANGES: frozenset({_R.OPERATOR, _R.AUDITOR, _R.ADMINISTRATOR}),
        Right.DECIDE: frozenset({_R.ADMINISTRATOR}),
        Right.AUDIT: frozenset({_R.OPERATOR, _R.AUDITOR, _R.ADMINISTRATOR}),
        Right.DESCRIBE: _ALL,
    }
)

_INBOX_RIGHTS = frozenset({Right.INBOX, Right.ANSWER, Right.REPLY, Right.ASK_STATUS})


def may(caller: Caller, right: Right) -> bool:
    """Whether one of the caller's roles has the right."""
    return not caller.roles.isdisjoint(MAY[right])


def sight_of(caller: Caller, right: Right) -> Sight:
    """
    What the caller sees when using *right*: the sum over those of its roles that have it.

    An issuer bound to no organisation speaks for the whole issuing authority; an exporter bound to none owns
    nothing. Customs read the whole inbox, answers to what home issued included.
    """
    everything = issued = received = False
    organisation: str | None = None
    for role in caller.roles & MAY[right]:
        match role:
            case Role.ISSUER:
                issued = issued or caller.organisation is None
                organisation = caller.organisation or organisation
            case Role.EXPORTER:
                organisation = caller.organisation or organisation
            case Role.CUSTOMS:
                received = True
                everything = everything or right in _INBOX_RIGHTS
            case Role.OPERATOR | Role.AUDITOR | Role.ADMINISTRATOR:
                everything = True
            case _:
                assert_never(role)
    return Sight(everything=everything, issued=issued, received=received, organisation=organisation)
