"""What the gateway says when it does not do what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with what was handed in: its code, how grave, where it stands, and what to do."""

    code: str
    text: str
    severity: str | None = None
    box: str | None = None
    path: str | None = None
    line: int | None = None
    value: str | None = None
    action: str | None = None
    step: int | None = None


class Problem(Exception):
    """
    The gateway refused, and says why (RFC 9457).

    Attributes:
        status: of the HTTP answer.
        code: the catalogue's, such as ``D05``; None where there is none.
        findings: everything that is wrong, not the first alone.
        submission_id: of a refused submission, which the gateway keeps.
    """

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(str(body.get("detail") or body.get("title") or f"status {status}"))
        self.status = status
        self.code: str | None = body.get("code")
        self.findings = tuple(_finding(each) for each in body.get("findings") or ())
        self.submission_id: str | None = body.get("submission_id")


class Unreachable(Exception):
    """No gateway answered, or it was busy for longer than we wait; whatever can be repeated may be."""


def _finding(found: Mapping[str, Any]) -> Finding:
    known: dict[str, Any] = {name: found[name] for name in Finding.__slots__ if name in found}
    return Finding(**known)
