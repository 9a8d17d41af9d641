"""The description of the national API, OpenAPI 3.1, written from the table of calls; nothing by hand."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.domain.caller import Role
from gateway.intake import shapes
from gateway.intake.problems import CONTENT_TYPE
from gateway.intake.roles import MAY
from gateway.intake.routes import PREFIX, Answer, Call

_REFS = "#/components/schemas/{model}"
_PLACES = {
    "issuing_country": "The country whose authority issued it, ISO 3166-1 alpha-2.",
    "form": "The middle part of the form's name, such as form-rcep.",
    "number": "The certificate number, percent-encoded, slashes included.",
    "name": "The name of a webhook.",
    "id": "An id, percent-encoded.",
}
_HEAD = {"Last-Event-ID": "Where a cut stream goes on; counts more than after."}


def describe(calls: Iterable[Call], *, version: str) -> dict[str, Any]:
    """
    Describe *calls*.

    Args:
        version: of the software; the interface's own stands in its prefix.
    """
    calls = tuple(calls)
    references, schemas = _schemas(calls)
    paths: dict[str, dict[str, Any]] = {}
    for call in calls:
        paths.setdefault(PREFIX + call.path, {})[call.method.lower()] = _operation(call, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "National gateway for electronic certificates of origin",
            "version": version,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _schemas(calls: tuple[Call, ...]) -> tuple[dict[type[BaseModel], dict[str, Any]], dict[str, Any]]:
    given = {answer.shape for call in calls for answer in call.answers.values() if answer.shape}
    taken = {shape for call in calls for shape in call.body.values() if shape}
    models = sorted(given | taken | {shapes.Problem}, key=lambda model: model.__name__)
    references, whole = models_json_schema([(model, "validation") for model in models], ref_template=_REFS)
    return {model: references[model, "validation"] for model in models}, whole["$defs"]


def _operation(call: Call, references: dict[type[BaseModel], dict[str, Any]]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": call.name,
        "summary": call.meaning,
        "description": f"For: {', '.join(role for role in Role if role in MAY[call.right])}.",
        "parameters": _parameters(call),
        "responses": _responses(call, references),
    }
    if call.body:
        content = {
            kind: {"schema": references[shape] if shape else _free(kind)} for kind, shape in call.body.items()
        }
        operation["requestBody"] = {"required": call.body_required, "content": content}
    return operation


def _free(kind: str) -> dict[str, Any]:
    """A body that is told in words: a box record, or a document of a form's schema."""
    return {"type": "object"} if kind == "application/json" else {}


def _parameters(call: Call) -> list[dict[str, Any]]:
    places: list[dict[str, Any]] = [
        {"name": n, "in": "path", "required": True, "description": _PLACES[n], "schema": {"type": "string"}}
        for n in re.findall(r"\{(\w+)\}", call.path)
    ]
    asked: list[dict[str, Any]] = [
        {"name": p.name, "in": "query", "description": p.meaning, "schema": dict(p.schema)}
        for p in call.query
    ]
    headers: list[dict[str, Any]] = [
        {"name": name, "in": "header", "description": meaning, "schema": {"type": "string"}}
        for name, meaning in _HEAD.items()
        if call.is_stream
    ]
    return places + asked + headers


def _responses(call: Call, references: dict[type[BaseModel], dict[str, Any]]) -> dict[str, Any]:
    responses = {str(status): _good(answer, references) for status, answer in call.answers.items()}
    problem = {CONTENT_TYPE: {"schema": references[shapes.Problem]}}
    shared = [400, 401, 403, 500, 503, *([404] if "{" in call.path else [])]
    for status in sorted({*shared, *call.problems}):
        responses[str(status)] = {"description": HTTPStatus(status).phrase, "content": problem}
    return responses


def _good(answer: Answer, references: dict[type[BaseModel], dict[str, Any]]) -> dict[str, Any]:
    schema = references[answer.shape] if answer.shape else {}
    return {"description": answer.meaning, "content": {answer.media_type: {"schema": schema}}}
