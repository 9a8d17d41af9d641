"""
Coverage-guided fuzzing by Atheris: ``python -m tests.fuzzing --runs 1000000``.

Begins with the kept corpus (``tests/data/fuzzing``) and good documents. Ends with exit status 0 when nothing
was found; else what was found lies under ``finds``. What widened the coverage lies under ``grown``, and
``slowest`` says the most seconds of CPU that one document took.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

import atheris

CORPUS = Path(__file__).parents[1] / "data" / "fuzzing"
MOST_MEMORY_MB = 512
HANGS_AFTER_S = 120  # on the clock, for what never ends; a second of CPU is measured document by document


def main() -> None:
    """Fuzz; the library ends the process by itself."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzzing", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--runs", type=int, default=-1, help="documents; -1 for no end")
    parser.add_argument("--seconds", type=int, default=0, help="on the clock; 0 for no end")
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--work", type=Path, default=Path("var/fuzzing"), help="for finds and what grew")
    asked = parser.parse_args()
    with atheris.instrument_imports(include=["gateway"]):
        from tests.fuzzing.target import MOST_BYTES, look_at, seeds
    begin, grown, finds = (asked.work / name for name in ("begin", "grown", "finds"))
    for folder in (begin, grown, finds):
        folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds():
        (begin / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
    options = [
        f"-runs={asked.runs}",
        f"-max_total_time={asked.seconds}",
        f"-seed={asked.seed}",
        f"-max_len={MOST_BYTES}",
        f"-rss_limit_mb={MOST_MEMORY_MB}",
        f"-timeout={HANGS_AFTER_S}",
        f"-artifact_prefix={finds}/",
        f"-dict={Path(__file__).with_name('xml.dict')}",
        "-print_final_stats=1",
    ]
    slowest = 0.0

    def watched(raw: bytes) -> None:
        nonlocal slowest
        if (took := look_at(raw)) > slowest:
            slowest = took
            (asked.work / "slowest").write_text(
                f"{took:.3f}", "ascii"
            )  # now, for the library ends the process

    atheris.Setup([sys.argv[0], *options, str(grown), str(begin), str(CORPUS)], watched)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
