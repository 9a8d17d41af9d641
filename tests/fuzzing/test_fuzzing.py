"""What fuzzing once found interesting stays harmless, and a short run finds nothing new."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzzing.run import ROOT, fuzz
from tests.fuzzing.target import MOST_CPU_S, look_at, seeds
from tests.missing import needs

KEPT = sorted((ROOT / "tests" / "data" / "fuzzing").iterdir())


def test_the_kept_corpus_is_taken_or_refused() -> None:
    assert KEPT
    for path in KEPT:
        look_at(path.read_bytes())


def test_what_fuzzing_begins_with_is_good() -> None:
    for seed in seeds():
        look_at(seed)


@needs("atheris")
@pytest.mark.timeout(240)
def test_a_short_run_finds_nothing(tmp_path: Path) -> None:
    """A minute's worth: so many documents as a core looks at in a minute, sooner done where it is faster."""
    fuzzed = fuzz(tmp_path, runs=15_000, seconds=60)

    assert fuzzed.found is None
    assert fuzzed.executions > 0
    assert fuzzed.corpus > 0
    assert 0 < fuzzed.slowest_s < MOST_CPU_S
    assert fuzzed.peak_memory_mb < 512
