"""
All commands in one place, and how a run ends.

A command returns its exit status. What it cannot do it raises, and here that becomes plain sentences on
standard error. Whatever else escapes is a fault of ours and is shown in full.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType

import typer
from typer.main import get_command

from gateway.cli.failures import CommandFailed, Status, status_of
from gateway.cli.screen import PROGRAM, complain, remark
from gateway.domain.errors import GatewayError, Misconfigured

Command = Callable[..., int]

# Each command by the module that holds it under its own name. Only the one that is run is imported: `token`
# need not wait for an HTTP client, nor `check` for the whole house.
COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "serve": "running",
        "migrate": "migrating",
        "check": "checking",
        "validate": "judging",
        "compose": "composing",
        "pages": "pages",
        "sign": "sealing",
        "verify": "sealing",
        "send": "sending",
        "track": "tracking",
        "preview": "printing",
        "parties": "parties",
        "lanes": "lanes",
        "exceptions": "exceptions",
        "clocks": "exceptions",
        "resend": "operating",
        "hold": "operating",
        "release": "operating",
        "withdraw": "operating",
        "suspend": "operating",
        "resume": "operating",
        "keys": "keys",
        "evidence": "evidence",
        "specimens": "specimens",
        "changes": "changes",
        "audit": "auditing",
        "outage": "operating",
        "actions": "acting",
        "housekeep": "housekeeping",
        "report": "reporting",
        "webhooks": "webhooks",
        "ping": "operating",
        "token": "tokens",
    }
)


def run(arguments: Sequence[str], more: Mapping[str, Command] = MappingProxyType({})) -> int:
    """
    Run one command line.

    Args:
        arguments: without the program's name.
        more: commands beside ours, by name.

    Returns:
        the exit status: 0 done, 1 refused or faulty, 2 wrong use, 130 interrupted.
    """
    if not arguments:
        run(["--help"], more)
        return Status.WRONG_USE
    try:
        program = get_command(_program(arguments[0], more))
        return int(program(list(arguments), prog_name=PROGRAM, standalone_mode=False) or Status.DONE)
    except typer.TyperException as wrong:
        complain(wrong.format_message())
        remark(f"Try '{PROGRAM} --help', or '--help' after the command.")
        return wrong.exit_code
    except CommandFailed as failed:
        complain(str(failed))
        return failed.status
    except Misconfigured as error:
        for fault in error.faults:
            remark(fault)  # file: key: fault, as everywhere
        return status_of(error)
    except GatewayError as error:
        complain(str(error))
        return status_of(error)


def _program(wanted: str, more: Mapping[str, Command]) -> typer.Typer:
    program = typer.Typer(rich_markup_mode=None, add_completion=False, pretty_exceptions_enable=False)
    program.callback()(_about)
    names = [wanted] if wanted in COMMANDS else list(COMMANDS)
    for name, command in more.items():
        program.command(name)(command)
    for name in names:
        found = getattr(import_module(f"gateway.cli.{COMMANDS[name]}"), name)
        if isinstance(found, typer.Typer):
            program.add_typer(found, name=name)
        else:
            program.command(name)(found)
    return program


def _about() -> None:
    """A national gateway for the cross-border exchange of electronic Certificates of Origin."""
