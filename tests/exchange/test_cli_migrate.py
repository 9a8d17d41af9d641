"""``migrate`` on a real database."""

from __future__ import annotations

import os
import subprocess
import sys


def migrate(*arguments: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ECO_GATEWAY_")}
    return subprocess.run(
        [sys.executable, "-m", "gateway", "migrate", *arguments],
        capture_output=True,
        text=True,
        env=kept,
        timeout=50,
    )


def test_a_database_of_this_version_stays_as_it_is(database_url: str) -> None:
    ended = migrate("--database", database_url)

    assert (ended.returncode, ended.stdout) == (0, "the database is of this version already\n")


def test_a_database_that_will_not_have_us_is_told(database_url: str) -> None:
    ended = migrate("--database", database_url.replace("?", "-that-is-not-there?"))

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("eco-gateway: the database cannot be used: ")
    assert "Traceback" not in ended.stderr


def test_what_is_no_postgresql_is_wrong_use() -> None:
    ended = migrate("--database", "mysql://somewhere/x")

    assert ended.returncode == 2
    assert "--database: must be a PostgreSQL URL" in ended.stderr
