"""
Whose move it is, and which, for each code of the exception catalogue; seen by the side that sent the message.

Data only: ``standing`` decides when a code applies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from gateway.domain.errors import Fault


class Owner(StrEnum):
    """Who must act; a party abroad is written ``party TH.CUSTOMS``."""

    NONE = "none"  #: it moves by itself, or it is finished
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"
    ISSUING_AUTHORITY = "issuing authority"
    CUSTOMS = "customs"


@dataclass(frozen=True, slots=True)
class Move:
    """The next step about one code."""

    owner: Owner
    next_action: str


CORRECT = Move(
    Owner.ISSUING_AUTHORITY,
    "Correct what the findings name and submit the certificate again under its number.",
)
_ANSWER = Move(Owner.ISSUING_AUTHORITY, "Clarify with the customs authority that received the certificate.")

MOVES: Mapping[str, Move] = MappingProxyType(
    {
        Fault.CANNOT_CONNECT: Move(Owner.NONE, "Nothing; the next attempt is made by itself."),
        Fault.TLS: Move(
            Owner.ADMINISTRATOR,
            "Compare the TLS certificates of both sides with the party's file and register them.",
        ),
        Fault.ASKED_TO_WAIT: Move(
            Owner.NONE, "Nothing; the party asked us to wait and is tried again by itself."
        ),
        Fault.PATIENCE_USED_UP: Move(Owner.OPERATOR, "Resend it when the party answers again."),
        Fault.UNREADABLE: CORRECT,
        Fault.SCHEMA: CORRECT,
        Fault.FORM_NOT_AGREED: Move(
            Owner.ISSUING_AUTHORITY, "Issue it in a form and version that the corridor has agreed."
        ),
        Fault.TOO_LARGE: Move(Owner.ISSUING_AUTHORITY, "Split the consignment over several certificates."),
        Fault.SEAL: Move(
            Owner.OPERATOR, "Keep the bytes and ask the party what it received before sending again."
        ),
        Fault.SIGNER: Move(
            Owner.ADMINISTRATOR,
            "Register our signing certificate with the party, then resend what was refused.",
        ),
        Fault.SIGNATORY: Move(
            Owner.ADMINISTRATOR, "Send the party the specimen of the signatory, then resend."
        ),
        Fault.REPEATED: Move(Owner.NONE, "Nothing; the party had it already."),
        Fault.REPEATED_ID: Move(Owner.OPERATOR, "Compare both messages that carry this id with the party."),
        Fault.ORPHAN: Move(Owner.OPERATOR, "Find out which certificate is meant, or ask the party for it."),
        Fault.OUTSIDE_CLOCK: Move(
            Owner.OPERATOR, "Compare both clocks, mend the wrong one, then send a new message."
        ),
        Fault.NUMBER_TAKEN: Move(
            Owner.ISSUING_AUTHORITY, "Compare both certificates that carry this number and keep one of them."
        ),
        Fault.NO_CORRIDOR: Move(Owner.ADMINISTRATOR, "Agree the corridor with the party and register it."),
        Fault.HS: CORRECT,
        Fault.CRITERION: CORRECT,
        Fault.FOB: CORRECT,
        Fault.DATES: CORRECT,
        Fault.THIRD_PARTY: CORRECT,
        Fault.BACK_TO_BACK: CORRECT,
        Fault.ORIGIN: CORRECT,
        Fault.CODE: CORRECT,
        Fault.GOODS: _ANSWER,
        Fault.OVER_UTILISED: Move(
            Owner.ISSUING_AUTHORITY, "Settle with customs which declarations used more than was issued."
        ),
        Fault.NOT_IN_FORCE: Move(
            Owner.ISSUING_AUTHORITY,
            "Tell the exporter that the certificate no longer counts; issue another if due.",
        ),
        Fault.DENIED: Move(
            Owner.ISSUING_AUTHORITY,
            "Read the reason, tell the exporter, and clarify with customs where it is wrong.",
        ),
        Fault.VERIFICATION: Move(Owner.ISSUING_AUTHORITY, "Answer the verification before its legal limit."),
        Fault.ALREADY_UTILISED: Move(
            Owner.ISSUING_AUTHORITY, "The certificate cannot be cancelled any more; issue a replacement."
        ),
    }
)

UNKNOWN_CODE = Move(Owner.OPERATOR, "Read the party's findings and ask it what it wants.")
RELEASE = Move(Owner.OPERATOR, "Release it, or withdraw it.")
RESUME = Move(Owner.OPERATOR, "Resume the party when it may be sent to again.")
RESUME_CORRIDOR = Move(Owner.OPERATOR, "Resume the corridor when it may be sent through again.")
OUTAGE = Move(
    Owner.OPERATOR,
    "It is sent by itself when the outage ends; goods that cannot wait need a paper certificate.",
)
WITHDRAWN = Move(Owner.ISSUING_AUTHORITY, "Submit it again if it is still wanted; the number is free.")
WAITING = Move(Owner.NONE, "Nothing; it leaves when the message before it has arrived or is given up.")
SENDING = Move(Owner.NONE, "Nothing; it is being sent.")
CUSTOMS_RESPONSE = Move(Owner.CUSTOMS, "Post the customs response when the goods have been declared.")
NATIONAL_ANSWER_DUE = Move(
    Owner.NONE, "Nothing; a customs response may come until the certificate is used up."
)
FINISHED = Move(Owner.NONE, "Nothing; it is finished.")


def move_for(code: str) -> Move:
    """The next step about *code*; a code of a party's own is for our operator to read."""
    return MOVES.get(code, UNKNOWN_CODE)
