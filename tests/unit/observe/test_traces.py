"""A conversation is one trace, whoever writes about it; without a collector nothing is written."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from gateway.domain.about import about, is_about
from gateway.domain.ids import ConversationId
from gateway.observe.spans import Spans
from gateway.observe.traces import trace_id_of, traced

ONE, OTHER = ConversationId("c1@vn.moit"), ConversationId("c2@vn.moit")


class Collector:
    """Takes what a node writes."""

    def __init__(self, home: str) -> None:
        self._kept = InMemorySpanExporter()
        self.traces = Spans(self._kept, home=home, version="1")

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        self.traces.close()
        return self._kept.get_finished_spans()


def trace_of(span: ReadableSpan) -> int:
    context = span.get_span_context()
    assert context is not None
    return context.trace_id


async def work_on(conversation: ConversationId) -> str:
    is_about(conversation)
    return "done"


async def refuse(conversation: ConversationId) -> str:
    is_about(conversation)
    raise ValueError("nothing of the document is told")


def facts(done: str) -> tuple[dict[str, str], str | None]:
    return {"said": done}, None


async def test_both_countries_write_a_conversation_into_the_same_trace() -> None:
    home, abroad = Collector("VN.MOIT"), Collector("TH.CUSTOMS")
    await traced(home.traces, "submit", lambda: work_on(ONE), facts)
    home.traces.tell("deliver", ONE, took_s=0.5, facts={"party": "TH.CUSTOMS"}, abroad=True)
    home.traces.tell("deliver", OTHER, took_s=0.5, facts={}, abroad=True)
    await traced(abroad.traces, "admit", lambda: work_on(ONE), facts)

    submitted, delivered, other = home.spans
    (admitted,) = abroad.spans

    traces = [trace_of(span) for span in (submitted, delivered, admitted, other)]
    assert traces == [trace_id_of(ONE)] * 3 + [trace_id_of(OTHER)]
    assert (submitted.kind, delivered.kind) == (SpanKind.SERVER, SpanKind.CLIENT)
    assert dict(submitted.attributes or {}) == {"eco.said": "done", "eco.conversation_id": ONE}
    assert (delivered.end_time or 0) - (delivered.start_time or 0) == 500_000_000
    assert submitted.resource.attributes["service.instance.id"] == "VN.MOIT"


async def test_what_was_refused_is_told_with_its_conversation_and_without_its_words() -> None:
    collector = Collector("VN.MOIT")

    with pytest.raises(ValueError, match="nothing"):
        await traced(collector.traces, "submit", lambda: refuse(ONE), facts)

    (span,) = collector.spans
    assert trace_of(span) == trace_id_of(ONE)
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "ValueError")
    assert "document" not in str(span.to_json())


async def test_what_never_became_a_conversation_has_a_trace_of_its_own() -> None:
    collector = Collector("VN.MOIT")

    async def unread() -> str:
        return "unread"

    await traced(collector.traces, "admit", lambda: work_on(ONE), facts)
    await traced(collector.traces, "admit", unread, facts)

    first, second = collector.spans
    assert trace_of(first) == trace_id_of(ONE) != trace_of(second)
    assert "eco.conversation_id" not in (second.attributes or {})


async def test_without_a_collector_nothing_is_written_and_nothing_changes() -> None:
    done: Any = await traced(None, "submit", lambda: work_on(ONE), facts)

    assert (done, about()) == ("done", ONE)
