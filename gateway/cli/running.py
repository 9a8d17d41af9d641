"""``eco-gateway serve``: one gateway node, until it is told to stop."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from gateway.app import serve_forever
from gateway.settings import Variable, read_settings, variables


def _with_a_flag_for_each_setting(command: Callable[..., int]) -> Callable[..., int]:
    """Flags made from the settings themselves, so that the two can never differ."""
    flags = [
        inspect.Parameter(
            variable.field, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=_flag(variable)
        )
        for variable in variables()
    ]
    command.__signature__ = inspect.Signature(flags, return_annotation=int)  # type: ignore[attr-defined]
    return command


def _flag(variable: Variable) -> Any:
    default = f" [default: {variable.default}]" if variable.default else ""
    meaning = variable.meaning.replace("`", "")
    return Annotated[str | None, typer.Option(variable.flag, help=f"{meaning}{default}", metavar="VALUE")]


@_with_a_flag_for_each_setting
def serve(**flags: str | None) -> int:
    """Run one gateway node until it is told to stop. Flags outrank the variables ECO_GATEWAY_..."""
    return serve_forever(read_settings(flags))
