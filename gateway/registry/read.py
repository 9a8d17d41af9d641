"""Read one TOML file strictly: every key known, every type right, all faults at once."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from gateway.domain.errors import Misconfigured, RegistryFault


class Strict(BaseModel):
    """Base of every registry file's shape: unknown keys and near-enough types are faults."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


Shape = TypeVar("Shape", bound=Strict)


def read_toml(path: Path, relative: str, shape: type[Shape]) -> Shape:
    """
    Read *path* as *shape*.

    Args:
        relative: how the file is called in a fault.

    Raises:
        Misconfigured: with every fault of the file.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Misconfigured((RegistryFault(relative, "-", f"not readable as TOML: {error}"),)) from None
    try:
        return shape.model_validate(content)
    except ValidationError as error:
        raise Misconfigured(
            tuple(RegistryFault(relative, _dotted(e), _words(e, shape)) for e in error.errors())
        ) from None


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` with the name of *known* that looks most like *name*; empty if none does."""
    near = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean '{near[0]}'?" if near else ""


def _dotted(error: ErrorDetails) -> str:
    text = ""
    for part in error["loc"]:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "-"


def _words(error: ErrorDetails, shape: type[BaseModel]) -> str:
    if error["type"] == "extra_forbidden":
        if len(error["loc"]) > 1 and error["loc"][-1] in shape.model_fields:
            return "belongs to the whole file: it must stand above the first line in [brackets]"
        known = _known_keys(shape, error["loc"][:-1])
        near = difflib.get_close_matches(str(error["loc"][-1]), known, n=1, cutoff=0.0)
        return f"unknown key; did you mean '{near[0]}'?" if near else "unknown key"
    if error["type"] == "missing":
        return "missing"
    if error["type"] == "datetime_type":
        return "must be a time with its zone, without quotation marks, such as 2026-01-01T00:00:00Z"
    if error["type"] == "list_type" and isinstance(error["input"], dict):
        return f"there may be several: write [[{error['loc'][-1]}]], with two brackets on either side"
    return error["msg"].removeprefix("Value error, ")


def _known_keys(shape: Any, loc: tuple[int | str, ...]) -> list[str]:
    """The keys known where an unknown one stands; descends through lists, tables and options."""
    for part in loc:
        if isinstance(part, str):
            field = shape.model_fields.get(part)
            if field is None:
                return []
            shape = _model_in(field.annotation)
            if shape is None:
                return []
    return list(shape.model_fields)


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        if (found := _model_in(part)) is not None:
            return found
    return None
