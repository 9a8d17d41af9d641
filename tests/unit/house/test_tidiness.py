"""What must never be found in the repository."""

from __future__ import annotations

import re

import pytest

from tests.unit.house.tree import ROOT, project_files

FORBIDDEN = {
    "private key": re.compile(rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{16}"),
    "machine path": re.compile(rb"(?<![\w.:/-])/(?:work|root|Users)/|(?<![\w.:/-])/home/\w"),
    "registry address": re.compile(
        rb"pyp[i]\.org|pythonhoste[d]\.org|registry\.npmj[s]\.org|(?:deb|security)\.debia[n]\.org|npmj[s]\.com"
    ),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_holds_a(what: str) -> None:
    holders = [
        str(path.relative_to(ROOT)) for path in project_files() if FORBIDDEN[what].search(path.read_bytes())
    ]

    assert holders == []


def test_no_key_file_is_part_of_the_project() -> None:
    keys = [path.name for path in project_files() if path.suffix in {".key", ".p12", ".pfx", ".jks"}]

    assert keys == []


def test_the_gate_script_may_be_run() -> None:
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
