"""``eco-gateway``, also ``python -m gateway``: the command line, with the demonstration beside it."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

from gateway.cli.main import run


def demo(
    certificates: Annotated[
        int, typer.Option("--certificates", metavar="N", min=1, help="How many to exchange.")
    ] = 24,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running and print the addresses.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document only.")] = False,
) -> int:
    """Let four gateways on this machine exchange certificates."""
    # Nobody but this command needs the demonstration, and an installation may leave it out.
    from gateway.demo.run import run_demo

    return run_demo(certificates, keep, as_json)


def main() -> None:
    """Run the command line and end the process with its status."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a poor locale must not end a command
    sys.exit(run(sys.argv[1:], {"demo": demo}))


if __name__ == "__main__":
    main()
