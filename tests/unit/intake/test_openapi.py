from __future__ import annotations

import json
import re
from typing import Any

import pytest

from gateway.intake.openapi import describe
from gateway.intake.routes import PREFIX, Call
from tests.unit.intake.doors import CALLS, NAMES

DOCUMENT = describe(CALLS, version="1")


def operation(call: Call) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][PREFIX + call.path][call.method.lower()]
    return found


def test_every_reference_leads_somewhere() -> None:
    wanted = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT)))

    assert wanted <= set(DOCUMENT["components"]["schemas"])


def test_every_operation_has_a_name_of_its_own() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("call", CALLS, ids=NAMES)
def test_every_parameter_of_the_path_is_described(call: Call) -> None:
    named = {p["name"] for p in operation(call)["parameters"] if p["in"] == "path"}

    assert named == set(re.findall(r"\{(\w+)\}", call.path))


@pytest.mark.parametrize("call", CALLS, ids=NAMES)
def test_every_operation_tells_its_refusals_as_problems(call: Call) -> None:
    responses = operation(call)["responses"]

    assert {"401", "403", "500", "503"} <= set(responses)
    assert all(
        list(response["content"]) == ["application/problem+json"]
        for status, response in responses.items()
        if int(status) >= 400
    )


@pytest.mark.parametrize("call", [call for call in CALLS if call.body], ids=lambda call: call.name)
def test_every_body_names_the_types_it_takes(call: Call) -> None:
    assert set(operation(call)["requestBody"]["content"]) == set(call.body)
    assert "415" in operation(call)["responses"]
