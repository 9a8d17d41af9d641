"""
Traces: what was done about a conversation, when, and how it ended, for a collector that shows it.

A conversation is a trace. Its id is made of the conversation's, which every message carries in its envelope:
all nodes, restarts and both countries write into the same trace, and nothing more travels. A sampler that
goes by the trace's id keeps or drops whole conversations, the same at either end. Nothing of a document is
told.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeVar

from gateway.domain.about import about, is_about
from gateway.domain.ids import ConversationId

Done = TypeVar("Done")


class Traces(Protocol):
    """Takes what was done."""

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

    def close(self) -> None:
        """Hand over what is left; blocks for a few seconds at most."""


def trace_id_of(conversation: ConversationId) -> int:
    """The trace of a conversation, the same wherever it is asked: the first 16 bytes of its SHA-256."""
    return int.from_bytes(hashlib.sha256(conversation.encode()).digest()[:16])


async def traced(
    traces: Traces | None,
    name: str,
    work: Callable[[], Awaitable[Done]],
    facts: Callable[[Done], tuple[Mapping[str, str], str | None]],
) -> Done:
    """
    Do *work* and tell of it, by the conversation that turned out to be its own.

    Args:
        facts: what is told of what was done, and why it came to nothing, if it did.
    """
    if traces is None:
        return await work()
    is_about(None)
    began = time.perf_counter()
    try:
        done = await work()
    except Exception as error:
        told = getattr(error, "code", "") or type(error).__name__
        traces.tell(name, about(), took_s=time.perf_counter() - began, facts={}, fault=told)
        raise
    known, fault = facts(done)
    traces.tell(name, about(), took_s=time.perf_counter() - began, facts=known, fault=fault)
    return done
