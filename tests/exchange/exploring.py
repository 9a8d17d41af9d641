"""Calls of the national API made up from its own description, and what they answered that it does not say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi import checks

CHECKS = (
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
)


@schemathesis.serializer("application/zip", "application/x-ndjson")
def _as_it_is(_: Any, value: Any) -> bytes:
    """What these hold the description leaves open; so anything is sent."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


ENDLESS = "text/event-stream"


def explore(document: Mapping[str, Any], url: str, headers: Mapping[str, str], *, examples: int) -> list[str]:
    """Every call of *document* so often, with whatever its parameters and bodies may be; the faults."""
    schema = schemathesis.openapi.from_dict(dict(document))
    faults = []
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        if ENDLESS in str(operation.definition.raw):
            continue
        try:
            _call(operation, url, headers, examples)
        except (AssertionError, FailureGroup) as fault:
            faults.append(f"{operation.label}: {_words(fault)}")
    return faults


def _call(operation: Any, url: str, headers: Mapping[str, str], examples: int) -> None:
    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(case=operation.as_strategy())
    def call(case: Any) -> None:
        response = case.call(base_url=url, headers=dict(headers), timeout=60)
        assert response.status_code != 500, response.text
        case.validate_response(response, checks=CHECKS)

    call()


def _words(fault: BaseException) -> str:
    if isinstance(fault, FailureGroup):
        return "; ".join(str(each) for each in fault.exceptions)
    return str(fault)
