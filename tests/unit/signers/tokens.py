"""Tokens of SoftHSM, made for the length of the process; each with one key."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.trust.keys import PrivateKey
from gateway.trust.make import write_key
from tests.missing import program

MODULE = next(
    (
        path
        for path in (
            Path("/usr/lib/softhsm/libsofthsm2.so"),
            Path("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"),
        )
        if path.exists()
    ),
    Path("/usr/lib/softhsm/libsofthsm2.so"),
)


TOKENS = 12


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token; *folder* is where SoftHSM keeps it."""

    label: str
    pin: str
    folder: Path

    def uri(self, *, label: str = "seal") -> str:
        return f"pkcs11:token={self.label};object={label};id=%01?module-path={MODULE}"


class Tokens:
    """
    Blank tokens, given out one by one with a key in them.

    The library reads its configuration and looks for tokens once in a process: there is one of these, and all
    of its tokens are there from the beginning.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        place = folder / "tokens"
        place.mkdir()
        conf = folder / "softhsm2.conf"
        conf.write_text(f"directories.tokendir = {place}\nlog.level = ERROR\n", "utf-8")
        os.environ["SOFTHSM2_CONF"] = str(conf)
        self._blank: list[Token] = []
        for number in range(TOKENS):
            known = set(place.iterdir())
            token = Token(label=f"eco-{number}", pin=f"pin-{730_000 + number}-of-{number}", folder=place)
            run("--init-token", "--free", "--label", token.label, "--so-pin", "5678", "--pin", token.pin)
            (made,) = set(place.iterdir()) - known
            self._blank.append(replace(token, folder=made))

    def with_key(self, private: PrivateKey) -> Token:
        """A token that nobody else has, with *private* in it."""
        token = self._blank.pop()
        file = self._folder / f"{token.label}.key"
        write_key(file, private)
        where = ("--token", token.label, "--label", "seal", "--id", "01", "--pin", token.pin)
        run("--import", str(file), *where)
        file.unlink()
        return token


def run(*arguments: str) -> None:
    done = subprocess.run([program("softhsm2"), *arguments], capture_output=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr.decode()
