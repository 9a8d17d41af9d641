from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.domain.errors import Misconfigured
from gateway.settings import (
    PREFIX,
    Address,
    Settings,
    Variable,
    read_address,
    read_instant,
    read_settings,
    variables,
)


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in variables():
        monkeypatch.delenv(variable.name, raising=False)


def fault_of(**flags: object) -> str:
    with pytest.raises(Misconfigured) as caught:
        read_settings(flags)
    return str(caught.value)


def test_nothing_set_is_a_safe_start() -> None:
    settings = read_settings()

    assert str(settings.listen) == "127.0.0.1:8080"
    assert str(settings.exchange_listen) == "127.0.0.1:8443"
    assert settings.keys_folder == Path("var/keys")
    assert settings.development_issuer


def test_a_variable_outranks_the_default_and_a_flag_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECO_GATEWAY_LISTEN", "127.0.0.1:1")
    monkeypatch.setenv("ECO_GATEWAY_THREADS", "7")

    settings = read_settings({"listen": "127.0.0.1:2", "threads": None})

    assert (settings.listen.port, settings.threads) == (2, 7)


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECO_GATEWAY_ISSUER", "")

    assert read_settings().issuer is None


def test_settings_stay_as_they_were_read() -> None:
    with pytest.raises(ValidationError):
        read_settings().threads = 9


@pytest.mark.parametrize("variable", variables(), ids=lambda v: v.field)
def test_each_variable_has_a_flag_of_the_same_name(variable: Variable) -> None:
    assert variable.flag == "--" + variable.name.removeprefix(PREFIX).lower().replace("_", "-")


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        pytest.param("home", "vn.moit", "a party id is written like VN.MOIT", id="home"),
        pytest.param("database", "mysql://db/x", "must be a PostgreSQL URL", id="database"),
        pytest.param("listen", "8080", "must be HOST:PORT", id="no-host"),
        pytest.param("listen", "127.0.0.1:http", "'http' is not a port", id="no-port"),
        pytest.param("listen", "127.0.0.1:65536", "not a port between 0 and 65535", id="port-too-high"),
        pytest.param("exchange_listen", "::1:8443", "an IPv6 address stands in brackets", id="no-brackets"),
        pytest.param("clock", "2026-11-21T08:00:00", "with its zone", id="clock-without-zone"),
        pytest.param("clock", "2026-11-21", "must be an RFC 3339 instant", id="clock-without-time"),
        pytest.param("clock", "2026-02-30T08:00:00Z", "day", id="no-such-day"),
        pytest.param("issuer", "id.example", "must be a URL", id="issuer"),
        pytest.param("threads", "0", "greater than or equal to 1", id="no-threads"),
        pytest.param("log_level", "loud", "'debug', 'info', 'warning' or 'error'", id="log-level"),
    ],
)
def test_a_fault_names_its_flag_or_variable_and_what_is_wrong(
    field: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_flag = fault_of(**{field: value})
    monkeypatch.setenv(PREFIX + field.upper(), value)
    by_variable = fault_of()

    assert by_flag.startswith(f"command line: --{field.replace('_', '-')}: ")
    assert by_variable.startswith(f"environment: {PREFIX}{field.upper()}: ")
    assert words in by_flag
    assert words in by_variable


def test_all_faults_are_told_at_once() -> None:
    assert len(fault_of(home="?", listen="?", clock="?").splitlines()) == 3


def test_a_fault_does_not_repeat_a_secret() -> None:
    assert "hunter2" not in fault_of(database="mysql://user:hunter2@db/x")


def test_a_clock_of_ones_own_is_refused_beside_a_real_issuer() -> None:
    fault = fault_of(issuer="https://id.example", clock="2026-11-21T08:00:00Z")

    assert "clock" in fault
    assert "ISSUER" in fault


def test_a_real_issuer_turns_the_development_issuer_off() -> None:
    assert not read_settings({"issuer": "https://id.example/"}).development_issuer


def test_secrets_do_not_show() -> None:
    settings = read_settings({"database": "postgresql://u:hunter2@db/x", "token": "hunter3"})

    assert "hunter" not in repr(settings)
    assert settings.database is not None
    assert settings.database.get_secret_value() == "postgresql://u:hunter2@db/x"


@pytest.mark.parametrize(
    ("listen", "url"),
    [
        pytest.param("127.0.0.1:8080", "http://127.0.0.1:8080", id="loopback"),
        pytest.param("0.0.0.0:81", "http://127.0.0.1:81", id="every-interface"),
        pytest.param("[::]:81", "http://[::1]:81", id="every-interface-ipv6"),
        pytest.param("gateway.example:81", "http://gateway.example:81", id="name"),
    ],
)
def test_commands_speak_to_the_listen_address(listen: str, url: str) -> None:
    assert read_settings({"listen": listen}).api_url == url


def test_commands_speak_to_the_url_when_given() -> None:
    assert read_settings({"url": "https://gateway.example/"}).api_url == "https://gateway.example"


def test_the_clock_starts_at_the_instant_given() -> None:
    now = read_settings({"clock": "2026-11-21T15:00:00+07:00"}).make_clock()()

    assert timedelta(0) <= now - datetime(2026, 11, 21, 8, tzinfo=UTC) < timedelta(seconds=10)


@given(
    st.one_of(
        st.ip_addresses(v=4).map(str),
        st.ip_addresses(v=6).map(str),
        st.from_regex(r"[a-z][a-z0-9]{0,10}(\.[a-z]{2,5})?", fullmatch=True),
    ),
    st.integers(0, 65_535),
)
def test_an_address_reads_back_as_it_is_written(host: str, port: int) -> None:
    address = Address(host, port)

    assert read_address(str(address)) == address


@given(st.datetimes(timezones=st.just(UTC)), st.integers(-14 * 60, 14 * 60))
def test_an_instant_is_the_same_in_every_zone(at: datetime, minutes: int) -> None:
    sign, ahead = "-" if minutes < 0 else "+", abs(minutes)
    try:
        local = (at + timedelta(minutes=minutes)).replace(tzinfo=None)
    except OverflowError:
        return

    read = read_instant(f"{local.isoformat(timespec='microseconds')}{sign}{ahead // 60:02}:{ahead % 60:02}")

    assert read == at


def test_the_model_reads_no_file_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("ECO_GATEWAY_THREADS=5\n")
    monkeypatch.chdir(tmp_path)

    assert Settings().threads == 2
