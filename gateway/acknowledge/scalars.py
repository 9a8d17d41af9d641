"""The single values of which posted bodies are made: what is taken, and what is said when it is not."""

from __future__ import annotations

import base64
import re
from contextlib import suppress
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StrictInt

from gateway.acknowledge.elements import collapse
from gateway.acknowledge.findings import is_xml_text

PLACES = 6
"""Digits after the point that a quantity may have; a JSON number is rounded to them."""

_DIGITS = 16
_SMALLEST = Decimal(1).scaleb(-PLACES)
_DAY = re.compile(r"(?:19|2[0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}")


def _carried(words: str) -> str:
    if not is_xml_text(words):
        raise ValueError("holds a control character that XML cannot carry")
    return words


def _some(words: str) -> str:
    if not words.strip():
        raise ValueError("must not be empty")
    return words


def _none_if_blank(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _amount(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("must be a number")
    amount = Decimal(str(value))
    if not amount.is_finite() or not 0 <= amount < Decimal(10) ** _DIGITS:
        raise ValueError(f"must be from 0 on, with at most {_DIGITS} digits")
    amount = amount.quantize(_SMALLEST).normalize()
    if len(format(amount, "f").replace(".", "").lstrip("0")) > _DIGITS:
        raise ValueError(f"must have at most {_DIGITS} digits")
    return amount


def _day(value: object) -> date:
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError("is no day of the calendar") from None
    raise ValueError("must be a day, written YYYY-MM-DD")


def _octets(value: object) -> bytes:
    if isinstance(value, str):
        with suppress(ValueError):
            return base64.b64decode(value, validate=True)
    raise ValueError("must be a file in Base64")


def _matching(pattern: str, expected: str) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(words: str) -> str:
        if not compiled.fullmatch(words):
            raise ValueError(f"must be {expected}")
        return words

    return AfterValidator(check)


Text = Annotated[str, AfterValidator(_carried), AfterValidator(_some)]
OptionalText = Annotated[Annotated[str, AfterValidator(_carried)] | None, BeforeValidator(_none_if_blank)]
Word = Annotated[str, AfterValidator(_carried), AfterValidator(collapse), AfterValidator(_some)]
OptionalWord = Annotated[
    Annotated[str, AfterValidator(_carried), AfterValidator(collapse)] | None, BeforeValidator(_none_if_blank)
]
Day = Annotated[date, BeforeValidator(_day)]
WholeNumber = Annotated[StrictInt, Field(ge=1, le=999_999_999)]
ItemNumber = Annotated[StrictInt, Field(ge=1, le=99_999)]
Amount = Annotated[Decimal, BeforeValidator(_amount)]
Octets = Annotated[bytes, BeforeValidator(_octets)]
Unit = Annotated[str, _matching(r"[A-Z0-9]{1,3}", "a common code of UNECE Recommendation 20")]
Code = Annotated[
    str, _matching(r"[TSGDCBW][0-9]{2}", "a code of the exception catalogue, a letter and two digits")
]
FileName = Annotated[Word, _matching(r"[^/\\]{1,200}", "a file name without a path")]
MediaType = Annotated[str, _matching(r"[a-z]+/[A-Za-z0-9.+-]+", "a media type such as application/pdf")]
