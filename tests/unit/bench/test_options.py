"""What may be asked of the benchmark."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.figures import SCENARIOS
from bench.options import read_options


def test_without_a_word_both_runs_are_measured_in_three_pairs() -> None:
    options = read_options([])

    assert [scenario.name for scenario in options.scenarios] == ["e2e", "e2e-answered"]
    assert (options.certificates, options.pairs, options.minutes) == (2000, 3, 4)
    assert (options.keep, options.profile, options.judging) == (None, False, True)
    assert not options.checks


def test_all_is_every_run_and_every_check_at_full_size() -> None:
    options = read_options(["--all"])

    assert options.scenarios == list(SCENARIOS)
    assert options.checks == ["stored", "drain", "parties", "memory", "log", "console", "appending"]
    assert (options.stored, options.backlog, options.carried) == (1_000_000, 20_000, 50_000)
    assert options.minutes == 2 * len(SCENARIOS)


def test_a_check_is_asked_for_by_its_name_and_size() -> None:
    options = read_options(["--only", "drain", "--backlog", "300"])

    assert (options.scenarios, options.checks, options.backlog) == ([], ["drain"], 300)


def test_everything_can_be_asked_for() -> None:
    options = read_options(
        [
            *("--only", "e2e-answered", "--certificates", "50", "--pairs", "1", "--minutes", "9"),
            *("--keep-json", "kept.json", "--profile"),
        ]
    )

    assert [scenario.name for scenario in options.scenarios] == ["e2e-answered"]
    assert (options.certificates, options.pairs, options.minutes) == (50, 1, 9)
    assert (options.keep, options.profile, options.judging) == (Path("kept.json"), True, False)


def test_judging_alone_needs_no_gateways() -> None:
    options = read_options(["--only", "judging"])

    assert options.judging
    assert not options.scenarios


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        pytest.param(["--only", "e2"], "invalid choice: 'e2'", id="no-such-run"),
        pytest.param(["--certificates", "0"], "'0' is not a whole number above 0", id="none"),
        pytest.param(["--pairs", "1.5"], "'1.5' is not a whole number above 0", id="half-a-pair"),
        pytest.param(["--all", "--only", "e2e"], "not allowed with argument", id="all-and-one"),
        pytest.param(["--fast"], "unrecognized arguments: --fast", id="unknown"),
    ],
)
def test_wrong_use_ends_with_status_2_and_says_why(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        read_options(words)

    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err
