"""An XML signature program that is not ours, asked over its command line."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from gateway.trust.make import certificate_pem, key_pem
from tests.keys import PartyKeys
from tests.missing import program


def verify(
    folder: Path, anchor_pem: Path, sealed: Sequence[bytes], *, at: str = "2026-11-21 21:40:00"
) -> None:
    """Have all of *sealed* verified up to the anchor, in one call; fails with what the program said."""
    files = []
    for number, raw in enumerate(sealed):
        files.append(folder / f"{number}.xml")
        files[-1].write_bytes(raw)
    done = _run(
        [
            "--verify",
            "--enabled-key-data",
            "x509",
            "--trusted-pem",
            anchor_pem,
            "--verification-time",
            at,
            *files,
        ]
    )
    assert done.returncode == 0, done.stderr.decode()


def sign(folder: Path, template: bytes, keys: PartyKeys) -> bytes:
    """Have *template* signed."""
    folder.mkdir(exist_ok=True)
    (folder / "key.pem").write_bytes(key_pem(keys.sign.private))
    (folder / "certificate.pem").write_bytes(certificate_pem(keys.sign.certificate))
    (folder / "template.xml").write_bytes(template)
    done = _run(
        [
            "--sign",
            "--privkey-pem",
            f"{folder / 'key.pem'},{folder / 'certificate.pem'}",
            "--output",
            folder / "signed.xml",
            folder / "template.xml",
        ]
    )
    assert done.returncode == 0, done.stderr.decode()
    return (folder / "signed.xml").read_bytes()


def _run(arguments: Sequence[str | Path]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([program("xmlsec1"), *arguments], capture_output=True, timeout=50, check=False)
