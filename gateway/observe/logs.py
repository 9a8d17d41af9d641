"""
What the process says while it runs: one line a fact, on standard error.

A line is an event name in the past tense (``delivery_moved``) and the facts that belong to it; times are the
process clock's. ``message_id``, ``corridor`` and ``party`` come by context variable from wherever they were
bound. The names are listed in ``docs/operating.md``, and a test keeps that list true. Lines of the libraries
beneath us take the same form.

Whatever a caller passes, nothing leaves here that must stay inside: documents, bodies, tokens, passwords and
keys are replaced by a note of what stood there. That filter is a last resort and no licence to log them.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import TextIO

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.types import EventDict, Processor, WrappedLogger

from gateway.domain.clock import Clock, real_clock, rfc3339
from gateway.settings import LogFormat, LogLevel

_SECRET_NAME = re.compile(
    r"(?:^|_)(?:document|body|content|payload|xml|token|authorization|cookie|password|passphrase|secret|pin|pem"
    r"|key)$",
    re.IGNORECASE,
)
_SECRET_TEXT = (
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL), "[key]"),
    (re.compile(r"\bBearer\s+[\w.~+/=-]+", re.IGNORECASE), "Bearer [token]"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"), "[token]"),
    (re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*(?=@)"), "[password]"),
)
_MARKUP = re.compile(r"<[?\w]")
_LONGEST_TEXT = 20_000
_HANDLER = "eco-gateway"
# These libraries write whole documents, or a line a request, when asked for more.
_QUIETED = {"signxml": logging.WARNING, "asyncio": logging.WARNING, "aiohttp.access": logging.WARNING}


def set_up(
    *,
    level: LogLevel = LogLevel.INFO,
    format: LogFormat = LogFormat.JSON,  # noqa: A002  (the setting's own name)
    clock: Clock = real_clock,
    stream: TextIO | None = None,
) -> None:
    """
    Send every log line of this process to *stream* (standard error); call it once, before anything else.

    Args:
        level: the least grave line that is written, ours and the libraries'.
        clock: gives the time of a line.
    """
    shared = _before_rendering(clock)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level.value),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.set_name(_HANDLER)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(format)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [*(other for other in root.handlers if other.name != _HANDLER), handler]
    root.setLevel(level.value.upper())
    for name, least in _QUIETED.items():
        logging.getLogger(name).setLevel(max(least, root.level))


def _before_rendering(clock: Clock) -> list[Processor]:
    def at(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
        line["at"] = rfc3339(clock())
        return line

    return [structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level, at]


def _rendering(form: LogFormat) -> list[Processor]:
    match form:
        case LogFormat.JSON:
            return [
                structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
                redact,
                _in_order,
                structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
            ]
        case LogFormat.CONSOLE:
            return [
                structlog.processors.format_exc_info,
                redact,
                structlog.dev.ConsoleRenderer(timestamp_key="at", colors=sys.stderr.isatty()),
            ]


def _in_order(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    head = {name: line.pop(name) for name in ("at", "level", "event") if name in line}
    return {**head, **line}


def redact(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Take out of *line*, at any depth, what must not be read in a log."""
    return {name: _redacted(name, value) for name, value in line.items()}


def _redacted(name: str, value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case bytes() | bytearray() | memoryview():
            return f"[{len(value)} bytes]"
        case _ if name and _SECRET_NAME.search(name):
            return "[not logged]"
        case str():
            return _scrubbed(value)
        case Mapping():
            return {str(key): _redacted(str(key), inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_redacted("", inner) for inner in value]
        case _:
            return _scrubbed(str(value))


def _scrubbed(text: str) -> str:
    if len(text) > _LONGEST_TEXT:
        text = text[:_LONGEST_TEXT] + "…"
    for pattern, instead in _SECRET_TEXT:
        text = pattern.sub(instead, text)
    return _without_markup(text)


def _without_markup(text: str) -> str:
    """Cut from the first tag to the last closing one; a library's error may quote what it was reading."""
    first, last = _MARKUP.search(text), text.rfind("</")
    if first is None or last < first.start():
        return text
    end = text.find(">", last)
    return f"{text[: first.start()]}[document]{text[end + 1 :] if end >= 0 else ''}"
