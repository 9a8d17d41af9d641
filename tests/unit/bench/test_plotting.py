"""The picture of a report."""

from __future__ import annotations

from typing import Any

from lxml import etree

from bench.figures import Check
from bench.plotting import SVG, picture

RUN: dict[str, Any] = {
    "name": "e2e",
    "cpu_ms_per_certificate": {"sender": 2.0, "receiver": 1.5, "postgresql": 0.5},
    "reference": {"cpu_ms_per_certificate": 2.0},
    "ratio": 0.5,
    "cpu_ratio": 2.0,
}


def a_check(value: float) -> dict[str, Any]:
    return Check(name="drain", says="a share", value=value, at_least=0.8, figures={}).summary()


def texts(drawn: bytes) -> list[str]:
    return [element.text or "" for element in etree.fromstring(drawn).iter(f"{{{SVG}}}text")]


def test_each_run_and_each_check_has_its_bars() -> None:
    told = texts(picture({"runs": [RUN], "checks": [a_check(1.25)]}))

    assert "4.0; rate 0.50, CPU 2.00 times" in told
    assert "1.25, at least 0.8" in told


def test_a_check_that_does_not_hold_has_another_colour() -> None:
    colours = [
        {
            bar.get("fill")
            for bar in etree.fromstring(picture({"checks": [a_check(value)]})).iter(f"{{{SVG}}}rect")
        }
        for value in (0.9, 0.7)
    ]

    assert colours[0] != colours[1]


def test_a_report_of_judging_alone_is_a_picture_too() -> None:
    assert texts(picture({"judging": {}}))
