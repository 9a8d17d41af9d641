"""Names of things. A bare ``str`` never crosses a room boundary."""

from __future__ import annotations

import re
import secrets
from typing import NewType

from gateway.domain.errors import Unreadable

MessageId = NewType("MessageId", str)
ConversationId = NewType("ConversationId", str)
PartyId = NewType("PartyId", str)
FormId = NewType("FormId", str)
CertificateNumber = NewType("CertificateNumber", str)

_MESSAGE_ID = re.compile(r"[^\s@<>&]{1,128}@[^\s@<>&]{1,126}")
_PARTY_ID = re.compile(r"[A-Z][A-Z0-9]*(?:[.-][A-Z0-9]+)*")
_FORM_ID = re.compile(r"[a-z0-9-]+/[a-z0-9-]+(?:/[0-9]+(?:\.[0-9]+)*)?")


def message_id(text: str) -> MessageId:
    """
    Read a message id of the form ``local@domain`` (RFC 2822, without brackets).

    Raises:
        Unreadable: *text* is not of that form.
    """
    if not _MESSAGE_ID.fullmatch(text):
        raise Unreadable(f"not a message id: {text[:80]!r}")
    return MessageId(text)


def conversation_id(text: str) -> ConversationId:
    """
    Read a conversation id; it has the form of a message id.

    Raises:
        Unreadable: *text* is not of that form.
    """
    if not _MESSAGE_ID.fullmatch(text):
        raise Unreadable(f"not a conversation id: {text[:80]!r}")
    return ConversationId(text)


def party_id(text: str) -> PartyId:
    """
    Read a party id such as ``TH.CUSTOMS``.

    Raises:
        Unreadable: *text* is not of that form.
    """
    if not _PARTY_ID.fullmatch(text) or len(text) > 35:
        raise Unreadable(f"not a party id: {text[:80]!r}")
    return PartyId(text)


def form_id(text: str) -> FormId:
    """
    Read a form id, ``agreement/form`` or ``agreement/form/version``.

    Raises:
        Unreadable: *text* is not of that form.
    """
    if not _FORM_ID.fullmatch(text):
        raise Unreadable(f"not a form: {text[:80]!r}")
    return FormId(text)


def family_of(form: FormId) -> FormId:
    """The form without its version: ``rcep/form-rcep`` of ``rcep/form-rcep/1.0``."""
    return FormId("/".join(form.split("/")[:2]))


def name_of(form: FormId) -> str:
    """The middle part, as it stands in a URL: ``form-rcep`` of ``rcep/form-rcep/1.0``."""
    return form.split("/")[1]


def version_of(form: FormId) -> str:
    """The version of a form id that has one: ``1.0`` of ``rcep/form-rcep/1.0``."""
    return form.split("/")[2]


def new_message_id(home: PartyId) -> MessageId:
    """Coin a message id that nobody can guess and nobody else will coin."""
    return MessageId(f"{secrets.token_hex(16)}@{home.lower()}")


def new_conversation_id(home: PartyId) -> ConversationId:
    """Coin the id that ties together all that follows about one certificate."""
    return ConversationId(f"co-{secrets.token_hex(12)}@{home.lower()}")
