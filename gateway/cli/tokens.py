"""``eco-gateway token``: a bearer token of the development issuer, for demonstrations and tests."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.failures import CommandFailed, Status, WrongUse
from gateway.domain.caller import Role
from gateway.intake.issuer import DEFAULT_TTL_S, mint
from gateway.settings import read_settings


def token(
    role: Annotated[
        list[Role],
        typer.Option("--role", metavar="ROLE", help=f"Any of {', '.join(Role)}; may be given several times."),
    ],
    organisation: Annotated[
        str | None,
        typer.Option("--organisation", metavar="NAME", help="What an issuer or exporter is bound to."),
    ] = None,
    ttl: Annotated[
        int, typer.Option("--ttl", metavar="SECONDS", min=1, help="How long the token counts.")
    ] = DEFAULT_TTL_S,
    home: Annotated[
        str | None, typer.Option("--home", metavar="PARTY", help="For whose API; else ECO_GATEWAY_HOME.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Where the issuer's key lies; else ECO_GATEWAY_DATA."),
    ] = None,
) -> int:
    """Print a bearer token of the development issuer. It needs no running node."""
    settings = read_settings({"home": home, "data": data})
    if settings.home is None:
        raise WrongUse("say for whose API with --home or ECO_GATEWAY_HOME")
    if not settings.development_issuer:
        raise CommandFailed(
            f"tokens come from {settings.issuer} (ECO_GATEWAY_ISSUER); the development issuer is off"
        )
    try:
        made = mint(settings.data, settings.home, role, organisation, ttl, settings.make_clock())
    except OSError as error:
        raise CommandFailed(f"the issuer's key in {settings.data} cannot be used: {error}") from error
    sys.stdout.write(made + "\n")
    return Status.DONE
