"""Spans as OpenTelemetry writes them. Imported where a collector is set alone, for it takes a while."""

from __future__ import annotations

import time
from collections.abc import Mapping

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import SpanKind, Status, StatusCode

from gateway.domain.ids import ConversationId
from gateway.observe.traces import trace_id_of

_WITHIN_S = 3  # for the collector to take spans


class _OfConversations(RandomIdGenerator):
    """Gives a root the trace of its conversation."""

    def __init__(self) -> None:
        self.trace_id = 0

    def generate_trace_id(self) -> int:
        return self.trace_id or super().generate_trace_id()


class Spans:
    """
    Writes spans, in the background; a collector that is away costs spans and nothing else.

    Args:
        home: who writes, as ``service.instance.id``.
    """

    def __init__(self, exporter: SpanExporter, *, home: str, version: str) -> None:
        self._ids = _OfConversations()
        named = {"service.name": "eco-gateway", "service.version": version, "service.instance.id": home}
        self._provider = TracerProvider(
            resource=Resource.create(named), id_generator=self._ids, shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("eco-gateway", version)

    def tell(
        self,
        name: str,
        conversation: ConversationId | None,
        *,
        took_s: float,
        facts: Mapping[str, str],
        fault: str | None = None,
        abroad: bool = False,
    ) -> None:
        """
        Write one span that ends now.

        Args:
            facts: ids and codes; nothing of a document.
            fault: why it came to nothing.
            abroad: somebody abroad took part, so it has another end.
        """
        self._ids.trace_id = 0 if conversation is None else trace_id_of(conversation)
        ended = time.time_ns()
        span = self._tracer.start_span(
            name,
            kind=SpanKind.CLIENT if abroad else SpanKind.SERVER,
            start_time=ended - round(took_s * 1e9),
            attributes={f"eco.{key}": value for key, value in facts.items()}
            | ({} if conversation is None else {"eco.conversation_id": conversation}),
        )
        if fault is not None:
            span.set_status(Status(StatusCode.ERROR, fault))
        span.end(ended)

    def close(self) -> None:
        """Hand over what is left; blocks for a few seconds at most."""
        self._provider.shutdown()


def open_spans(endpoint: str, *, home: str, version: str) -> Spans:
    """Spans go to the collector at *endpoint* (OTLP over HTTP)."""
    return Spans(OTLPSpanExporter(endpoint=endpoint, timeout=_WITHIN_S), home=home, version=version)
