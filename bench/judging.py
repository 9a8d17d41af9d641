"""
What judging a certificate costs: parse, schema, rules, code lists, warm; beside a straight parse and schema.

The straight line's documents, schema and parser are lightspeed's own where ``lightspeed.py`` lies beside the
project, else ours. CPU time of this thread, the two by turns; ratios are taken within a turn first.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from typing import Any

from lxml import etree

from bench.certificates import FORM_ID, Certificates
from bench.reference import LIGHTSPEED
from bench.together import BenchmarkFailed
from gateway.domain.form import Form
from gateway.domain.ids import FormId
from gateway.domain.xml import read_xml
from gateway.registry.codes import load_codes
from gateway.registry.folder import over_shipped
from gateway.registry.forms import load_forms
from gateway.validate.judge import Judge, form_of
from gateway.validate.sources import compiled_schema

FEW, MANY = 20, 200  # items
MOST_TIMES_STRAIGHT = 1.5 / 0.13  # a certificate of FEW items
MOST_TIMES_FEW = 12  # one of MANY
TURNS = 7

_BODIES = 16
_CERTIFICATES = {FEW: 120, MANY: 16}  # in each turn

Work = Callable[[bytes], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """CPU time of one certificate, milliseconds, in one turn."""

    straight: float
    few: float
    many: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """All turns, and whose the straight line was."""

    reference: str
    turns: Sequence[Turn]

    @property
    def times_straight(self) -> float:
        """What a certificate of 20 items costs, as a multiple of the straight line's."""
        return median(turn.few / turn.straight for turn in self.turns)

    @property
    def times_few(self) -> float:
        """What a certificate of 200 items costs, as a multiple of one of 20."""
        return median(turn.many / turn.few for turn in self.turns)

    def summary(self) -> dict[str, Any]:
        """The figures as programs read them: medians in milliseconds, ratios, and what they may be."""
        return {
            "reference": {"name": self.reference, "cpu_ms": _ms(turn.straight for turn in self.turns)},
            f"cpu_ms_{FEW}_items": _ms(turn.few for turn in self.turns),
            f"cpu_ms_{MANY}_items": _ms(turn.many for turn in self.turns),
            "times_reference": round(self.times_straight, 2),
            "times_reference_at_most": round(MOST_TIMES_STRAIGHT, 2),
            f"times_{FEW}_items": round(self.times_few, 2),
            f"times_{FEW}_items_at_most": MOST_TIMES_FEW,
            "within": self.times_straight <= MOST_TIMES_STRAIGHT and self.times_few <= MOST_TIMES_FEW,
        }


def measure(turns: int = TURNS, lightspeed: Path = LIGHTSPEED) -> Judging:
    """
    Judge certificates of 20 and of 200 items, and parse and validate as a straight line does, by turns.

    Raises:
        BenchmarkFailed: a certificate was found fault with, so that its time counts for nothing.
    """
    today = datetime.now(UTC).date()
    ours, form = _ours(today)
    name, straight, straight_documents = _straight(lightspeed, form, today)
    few, many = (_documents(items, today) for items in (FEW, MANY))

    def turn() -> Turn:
        return Turn(
            straight=_cost(straight, straight_documents, _CERTIFICATES[FEW]),
            few=_cost(ours, few, _CERTIFICATES[FEW]),
            many=_cost(ours, many, _CERTIFICATES[MANY]),
        )

    turn()  # warm from here on
    return Judging(reference=name, turns=[turn() for _ in range(turns)])


def _ours(today: date) -> tuple[Work, Form]:
    folder = over_shipped(None)
    forms = {FormId(FORM_ID): _roomy(load_forms(folder)[FormId(FORM_ID)])}
    judge = Judge(forms, load_codes(folder))

    def work(raw: bytes) -> None:
        document = read_xml(raw)
        if findings := judge.judge(document, form_of(document, forms), today):
            raise BenchmarkFailed(f"a certificate was found fault with: {findings[0]}")

    return work, forms[FormId(FORM_ID)]


def _roomy(form: Form) -> Form:
    """The same form for more items than its agreement allows."""
    return replace(form, values={**form.values, "max-items": str(MANY)})


def _straight(lightspeed: Path, form: Form, today: date) -> tuple[str, Work, list[bytes]]:
    if not lightspeed.is_file():
        schema = compiled_schema(form)
        return "straight", lambda raw: schema.assertValid(etree.fromstring(raw)), _documents(FEW, today)
    spec = importlib.util.spec_from_file_location("lightspeed", lightspeed)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    schema = etree.XMLSchema(etree.fromstring(module.XSD))
    supply = module.Documents(FEW)
    documents = [supply.make(f"CO-0-{number:06d}") for number in range(_BODIES)]
    return "lightspeed", lambda raw: schema.assertValid(etree.fromstring(raw, module.parser())), documents


def _documents(items: int, today: date) -> list[bytes]:
    return [submission.content for submission in Certificates(items, today).take(_BODIES)]


def _cost(work: Work, documents: Sequence[bytes], count: int) -> float:
    began = time.thread_time()
    for raw in islice(cycle(documents), count):
        work(raw)
    return 1000 * (time.thread_time() - began) / count


def _ms(figures: Iterable[float]) -> float:
    return round(median(figures), 3)
