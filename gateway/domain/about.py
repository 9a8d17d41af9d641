"""
Which conversation the work in hand is about: said where it becomes known, asked where work is told of.

Of the task that says it, so that neither the desks nor their answers need carry it.
"""

from __future__ import annotations

from contextvars import ContextVar

from gateway.domain.ids import ConversationId

_about: ContextVar[ConversationId | None] = ContextVar("about", default=None)


def is_about(conversation: ConversationId | None) -> None:
    """From here on this task works on *conversation*."""
    _about.set(conversation)


def about() -> ConversationId | None:
    """What this task works on; None where nobody knows yet."""
    return _about.get()
