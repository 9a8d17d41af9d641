"""How a command ends when it cannot do what was asked: one sentence for people, one status for programs."""

from __future__ import annotations

from enum import IntEnum

from gateway.domain.errors import GatewayError, Misconfigured

TYPED = "command line"  # the "file" of a fault in a flag


class Status(IntEnum):
    """Exit statuses of every command."""

    DONE = 0  #: all that was asked is done, all that was judged is good
    REFUSED = 1  #: something was refused, is faulty, unknown or out of reach
    WRONG_USE = 2  #: the command line itself is wrong


class CommandFailed(Exception):
    """Ends the command; the text says what happened and what to do, a sentence a line."""

    status = Status.REFUSED


class WrongUse(CommandFailed):
    """What was typed cannot be meant: a file that is not there, options that exclude each other."""

    status = Status.WRONG_USE


def status_of(error: GatewayError) -> Status:
    """The status *error* ends a command with: a fault in a flag is wrong use, any other fault is not."""
    if isinstance(error, Misconfigured) and all(fault.file == TYPED for fault in error.faults):
        return Status.WRONG_USE
    return Status.REFUSED
