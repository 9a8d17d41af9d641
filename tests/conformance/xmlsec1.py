"""An XML signature program that is not ours, asked over its command line."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from gateway.trust.make import certificate_pem, key_pem
from tests.conformance.forge import Private
from tests.keys import PartyKeys
from tests.missing import program

XADES = "http://uri.etsi.org/01903/v1.3.2#"
_IDS = ("--id-attr:Id", f"{XADES}:SignedProperties")


def verify(
    folder: Path, anchor_pem: Path, sealed: Sequence[bytes], *, at: str = "2026-11-21 21:40:00"
) -> None:
    """Have all of *sealed* verified up to the anchor, in one call; fails with what the program said."""
    files = []
    for number, raw in enumerate(sealed):
        files.append(folder / f"{number}.xml")
        files[-1].write_bytes(raw)
    options = ("--enabled-key-data", "x509", "--trusted-pem", anchor_pem, "--verification-time", at)
    done = _run(["--verify", *options, *_IDS, *files])
    assert done.returncode == 0, done.stderr.decode()


def sign(folder: Path, template: bytes, keys: PartyKeys) -> bytes:
    """Have *template* signed by the party's key, its certificate put where the template wants one."""
    folder.mkdir(exist_ok=True)
    return sign_with(folder, template, keys.sign.private, certificate_pem(keys.sign.certificate))


def sign_with(folder: Path, template: bytes, private: Private, *pems: bytes) -> bytes:
    """Have *template* signed by *private*, with these certificates at hand."""
    (folder / "key.pem").write_bytes(key_pem(private))
    files = [folder / "key.pem"]
    for number, pem in enumerate(pems):
        files.append(folder / f"certificate-{number}.pem")
        files[-1].write_bytes(pem)
    return _signed(folder, template, ["--privkey-pem", ",".join(map(str, files))])


def sign_by_secret(folder: Path, template: bytes, secret: bytes) -> bytes:
    """Have *template* signed by HMAC under *secret*."""
    (folder / "secret").write_bytes(secret)
    return _signed(folder, template, ["--hmackey", folder / "secret"])


def _signed(folder: Path, template: bytes, options: Sequence[str | Path]) -> bytes:
    (folder / "template.xml").write_bytes(template)
    output = folder / "signed.xml"
    done = _run(["--sign", *options, *_IDS, "--output", output, folder / "template.xml"])
    assert done.returncode == 0, done.stderr.decode()
    return output.read_bytes()


def _run(arguments: Sequence[str | Path]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([program("xmlsec1"), *arguments], capture_output=True, timeout=50, check=False)
