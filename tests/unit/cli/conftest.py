from __future__ import annotations

from tests.unit.cli.program import program

__all__ = ["program"]
