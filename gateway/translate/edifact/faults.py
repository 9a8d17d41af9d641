"""What is wrong with an interchange as EDIFACT, and where: each fault is a finding, and part of a CONTRL."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.errors import Fault, Finding

CAP = 50
"""After so many faults nobody reads on; the published practice of import control systems."""

VALUE_AT_MOST = 200


class SyntaxError0085(StrEnum):
    """The codes of data element 0085 that we tell; ``mappings/edifact/syntax-errors.csv`` names all."""

    NOT_SUPPORTED = "2"  #: syntax version or level
    INVALID = "12"
    MISSING = "13"
    NOT_HERE = "15"  #: not supported in this position
    TOO_MANY_CONSTITUENTS = "16"
    NO_AGREEMENT = "17"  #: a message type we have no table for
    DECIMAL = "19"
    SERVICE_CHARACTER = "20"  #: in UNA
    CHARACTER = "21"
    LOOSE_SERVICE_CHARACTER = "22"
    TEST = "25"
    DUPLICATE = "26"
    REFERENCES = "28"
    COUNT = "29"
    EMPTY = "32"  #: no message at all
    OUTSIDE = "33"  #: between messages
    TOO_MANY = "35"  #: repetitions of a segment
    TOO_MANY_GROUPS = "36"
    CHARACTER_TYPE = "37"
    TOO_LONG = "39"
    TOO_SHORT = "40"
    CHARACTER_SET = "46"
    ENVELOPE = "47"  #: functional groups, packages


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntaxFault:
    """
    One fault and its place.

    Attributes:
        service: UNA, UNB, UNZ, UNH or UNT, when the fault lies in that segment or in its absence.
        message: which message of the interchange, from 1; None outside of messages.
        segment: position in the message, UNH is 1; None when the fault is of the message as a whole.
        number: position in the interchange, UNB is 1.
        element: data element in the segment, the first after the tag is 1.
        component: in the composite, from 1.
        fault: S01 for what cannot be read at all, S02 for what does not fit the tables, S04 for too much.
    """

    code: SyntaxError0085
    text: str
    service: str | None = None
    message: int | None = None
    segment: int | None = None
    number: int | None = None
    element: int | None = None
    component: int | None = None
    value: str | None = None
    fault: Fault = Fault.SCHEMA

    @property
    def path(self) -> str:
        """``/Interchange/Message[1]/Segment[12]/Element[3]/Component[2]``, as far as it is known."""
        return place_of(self.message, self.segment, self.element, self.component, self.number)

    @property
    def finding(self) -> Finding:
        """The fault in the words of the exception catalogue; its line is the segment's number."""
        return Finding(
            code=self.fault.value,
            text=self.text,
            path=self.path,
            line=self.number,
            value=None if self.value is None else self.value[:VALUE_AT_MOST],
            action=f"Correct the interchange (EDIFACT syntax error {self.code}) and send it again.",
        )


def of_interchange(
    code: SyntaxError0085,
    service: str,
    text: str,
    *,
    number: int | None = None,
    element: int | None = None,
    component: int | None = None,
    value: str | None = None,
    fault: Fault = Fault.UNREADABLE,
) -> SyntaxFault:
    """A fault of the interchange as a whole, or of its first or last segment."""
    return SyntaxFault(
        code=code,
        text=text,
        service=service,
        number=number,
        element=element,
        component=component,
        value=value,
        fault=fault,
    )


def place_of(
    message: int | None,
    segment: int | None,
    element: int | None = None,
    component: int | None = None,
    number: int | None = None,
) -> str:
    """A place in an interchange as a path; outside of messages a segment goes by its *number*."""
    path = "/Interchange"
    if message is not None:
        path += f"/Message[{message}]"
    if segment is not None or (message is None and number is not None):
        path += f"/Segment[{segment if segment is not None else number}]"
    if element is not None:
        path += f"/Element[{element}]"
    if component is not None:
        path += f"/Component[{component}]"
    return path


class Enough(Exception):
    """Raised inside the examination when ``CAP`` faults are found."""


class Faults(list[SyntaxFault]):
    """Faults in the order in which they are met."""

    def note(self, fault: SyntaxFault) -> None:
        """
        Keep *fault*.

        Raises:
            Enough: it was the last that is told.
        """
        self.append(fault)
        if len(self) >= CAP:
            raise Enough
