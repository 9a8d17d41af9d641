"""Every alert asks of figures that there are, by labels they have; the guide says what to do about each."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from gateway.observe.metrics import Metrics
from tests.unit.house.tree import ROOT, read

RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "docker/alerts.yaml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
NAMES = [rule["alert"] for rule in RULES]
#: What Prometheus says by itself of each node.
OF_PROMETHEUS = {"up": {"job", "instance"}}
_FIGURE = re.compile(r"\b((?:eco_|up\b)\w*)(?:\{([^}]*)\})?")
_BY = re.compile(r"\bby \(([^)]*)\)")


def figures() -> dict[str, set[str]]:
    """Every series that a node tells, with its labels."""
    labels = dict(OF_PROMETHEUS)
    for collector in Metrics()._registry.collect():
        kind = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(collector.type, ("",))
        for end in kind:
            labels[f"{collector.name}{end}"] = set()
    return labels


def labels_in_guide() -> dict[str, set[str]]:
    """What docs/operating.md says each figure is told by; a test of the pages holds it to the code."""
    rows = re.findall(r"^\| `(eco_\w+)` \| ([\w, ]*) \|", read("docs/operating.md"), re.MULTILINE)
    return {name: {label.strip() for label in by.split(",") if label.strip()} for name, by in rows}


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_an_alert_asks_of_figures_that_there_are_by_labels_that_they_have(rule: dict[str, Any]) -> None:
    known, told = figures(), labels_in_guide() | OF_PROMETHEUS
    asked = _FIGURE.findall(rule["expr"])

    assert asked
    for name, selected in asked:
        assert name in known
        has = told[re.sub(r"_(bucket|sum|count)$", "", name)]
        assert set(re.findall(r"(\w+)=~?\"", selected)) <= has
        for group in _BY.findall(rule["expr"]):
            assert {label.strip() for label in group.split(",")} <= has | {"le"}
    assert rule["expr"].count("(") == rule["expr"].count(")")


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_an_alert_says_how_grave_it_is_and_its_words_name_only_what_it_knows(rule: dict[str, Any]) -> None:
    grouped = {label.strip() for group in _BY.findall(rule["expr"]) for label in group.split(",")}
    named = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))

    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert named <= (grouped or {"instance", "job"})


def test_the_guide_says_of_each_alert_what_it_means_and_what_to_do() -> None:
    rows = re.findall(
        r"^\| `(Eco\w+)` \| (\w+) \| ([^|]+) \| ([^|]+) \|$", read("docs/operating.md"), re.MULTILINE
    )

    assert [(name, grave) for name, grave, _, _ in rows] == [
        (r["alert"], r["labels"]["severity"]) for r in RULES
    ]
    assert all(len(means) > 20 and len(do) > 20 for _, _, means, do in rows)
