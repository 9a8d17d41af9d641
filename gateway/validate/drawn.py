"""The JSON Schema of box records, with the keys that forms of this registry have beyond it drawn in."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any, assert_never

from gateway.validate.boxes import Group, Listed, Marks, Measured, Number, Repeated, Shape, Stated, Text

Schema = dict[str, Any]


def with_boxes(schema: Mapping[str, Any], groups: Iterable[Group]) -> Schema:
    """
    A copy of *schema* in which every key and every choice of *groups* has its place.

    What *schema* says of a key stands: a form adds and never narrows.
    """
    whole = copy.deepcopy(dict(schema))
    for group in groups:
        _add(whole, whole, group)
    return whole


def schema_of(shape: Shape) -> Schema:
    """The JSON Schema of what *shape* takes."""
    match shape:
        case Text():
            return {"enum": list(shape.choices)} if shape.choices else {"type": "string"}
        case Number():
            return {"type": "integer" if shape.whole else "number"}
        case Measured():
            return _object({shape.number: {"type": "number"}, shape.attribute: {"type": "string"}})
        case Marks():
            return {"type": "array", "uniqueItems": True, "items": schema_of(Text(shape.choices))}
        case Listed() | Repeated():
            return {"type": "array", "items": schema_of(shape.of)}
        case Stated():
            return {"oneOf": [schema_of(shape.of), schema_of(shape.sentence)]}
        case Group():
            return _object({field.key: schema_of(field.shape) for field in shape.fields})
        case _:
            assert_never(shape)


def _object(properties: Schema) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _add(whole: Schema, node: Schema, group: Group) -> None:
    properties = node.get("properties", {})
    for field in group.fields:
        if field.key in properties:
            _widen(whole, properties[field.key], field.shape)
        else:
            properties[field.key] = schema_of(field.shape)


def _widen(whole: Schema, node: Schema, shape: Shape) -> None:
    """Draw in what *shape* has and *node* has not."""
    node = _meant(whole, node)
    match shape:
        case Text(choices) if "enum" in node:
            node["enum"] += [choice for choice in choices if choice not in node["enum"]]
        case Marks(choices) if "items" in node:
            _widen(whole, node["items"], Text(choices))
        case Listed() | Repeated() if "items" in node:
            _widen(whole, node["items"], shape.of)
        case Stated() if "oneOf" in node:
            for one in node["oneOf"]:
                _widen(whole, one, shape.sentence if "enum" in one else shape.of)
        case Group():
            _add(whole, node, shape)
        case _:
            pass  # a text stays a text, a number a number


def _meant(whole: Schema, node: Schema) -> Schema:
    reference = node.get("$ref")
    if reference is None:
        return node
    found: Schema = whole["$defs"][str(reference).removeprefix("#/$defs/")]
    return found
