"""Findings as the commands tell them: one line for people, one object for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.domain.errors import Finding
from gateway.intake.views import findings_view


def verdict_object(file: str, form: str | None, findings: Iterable[Finding]) -> dict[str, Any]:
    """What ``validate --json`` says of one file."""
    told = findings_view(findings)
    return {"file": file, "form": form, "valid": not any_error(told), "findings": told}


def any_error(findings: Iterable[Mapping[str, Any]]) -> bool:
    """Whether one of *findings* is an error."""
    return any(finding.get("severity") == "error" for finding in findings)


def finding_line(file: str, finding: Mapping[str, Any]) -> str:
    """``file:line: CODE severity box N path: text -> action``; parts that are not known are left out."""
    place = f"{file}:{finding['line']}" if finding.get("line") else file
    box = f" box {finding['box']}" if finding.get("box") else ""
    path = f" {finding['path']}" if finding.get("path") else ""
    action = f" -> {finding['action']}" if finding.get("action") else ""
    return (
        f"{place}: {finding.get('code', '-')} {finding.get('severity', 'error')}{box}{path}:"
        f" {finding.get('text', '')}{action}"
    )
