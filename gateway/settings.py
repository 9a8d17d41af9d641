"""
One frozen ``Settings``, read once at the start of a process from flags and the environment.

Every setting is an environment variable ``ECO_GATEWAY_…`` and a flag of the same name on ``serve``:
``ECO_GATEWAY_EXCHANGE_LISTEN`` is ``--exchange-listen``. A flag outranks its variable; an empty variable
counts as not set. Secrets are paths or values that are never shown. What parties, forms and corridors are
stands in the registry, not here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.domain.clock import Clock, clock_from, real_clock
from gateway.domain.errors import Misconfigured, RegistryFault, Unreadable
from gateway.domain.ids import PartyId, party_id
from gateway.domain.xml import MAX_MESSAGE_BYTES

PREFIX = "ECO_GATEWAY_"
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_DAY_S = 86_400
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class LogLevel(StrEnum):
    """The least grave log line that is still written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How log lines look."""

    JSON = "json"  #: one JSON object a line, for programs
    CONSOLE = "console"  #: aligned and coloured, for eyes


@dataclass(frozen=True, slots=True)
class Address:
    """Where a port is opened: ``HOST:PORT``, an IPv6 address in brackets. Port 0 takes any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def reachable(self) -> Address:
        """The address to call from this machine: loopback where the port is open on every interface."""
        nearest = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (compared, never bound)
        return Address(nearest.get(self.host, self.host), self.port)


def read_address(text: str) -> Address:
    """
    Read ``HOST:PORT``; the host is a name, an IPv4 address or an IPv6 address in brackets.

    Raises:
        ValueError: with words for an operator.
    """
    host, colon, port = text.strip().rpartition(":")
    if not colon or not host:
        raise ValueError("must be HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080")
    if not re.fullmatch(r"\d{1,5}", port) or int(port) > 65_535:
        raise ValueError(f"'{port[:20]}' is not a port between 0 and 65535")
    return Address(_read_host(host), int(port))


def _read_host(host: str) -> str:
    inside = re.fullmatch(r"\[(.*)\]", host)
    if inside is None and _HOST.fullmatch(host):
        return host
    try:
        if inside and ip_address(inside[1]).version == 6:
            return inside[1]
    except ValueError:
        pass
    raise ValueError(f"'{host[:60]}' is not a host; an IPv6 address stands in brackets: [::1]:8080")


def is_guarded(url: str) -> bool:
    """Whether nobody between us and *url* can listen: TLS, or this very machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def read_instant(text: str) -> datetime:
    """
    Read an RFC 3339 instant; the zone must be said.

    Raises:
        ValueError: with words for an operator.
    """
    if not _INSTANT.fullmatch(text.strip()):
        raise ValueError("must be an RFC 3339 instant with its zone, such as 2026-11-21T08:00:00Z")
    return datetime.fromisoformat(text.strip().upper()).astimezone(UTC)


def _from_text(read: Any) -> BeforeValidator:
    return BeforeValidator(lambda value: read(value) if isinstance(value, str) else value)


def _read_home(text: str) -> PartyId:
    try:
        return party_id(text)
    except Unreadable as error:
        raise ValueError(f"{error}; a party id is written like VN.MOIT") from None


At = Annotated[Address, _from_text(read_address)]
Instant = Annotated[datetime, _from_text(read_instant)]


class Settings(BaseSettings):
    """
    How this installation runs. Each default is safe on a machine that nobody has prepared.

    Make it with ``read_settings``, which tells every fault in an operator's words.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        frozen=True,
        extra="forbid",
        env_ignore_empty=True,
        enable_decoding=False,
        hide_input_in_errors=True,
    )

    home: PartyId | None = Field(default=None, description="the home party's id, such as `VN.MOIT`")
    database: SecretStr | None = Field(
        default=None,
        description="a PostgreSQL URL; without it an embedded PostgreSQL is started under `DATA`",
    )
    data: Path = Field(
        default=Path("var"), description="folder of the embedded database and the development keys"
    )
    listen: At = Field(default=Address("127.0.0.1", 8080), description="`HOST:PORT` of the national API")
    exchange_listen: At = Field(
        default=Address("127.0.0.1", 8443),
        description="`HOST:PORT` of the exchange endpoint, always mutual TLS",
    )
    check_listen: At | None = Field(
        default=None,
        description="`HOST:PORT` where the public check stands alone, for an address that anybody reaches",
    )
    check_url: str | None = Field(
        default=None,
        description="where anybody reaches it, as codes on certificates say; `PUBLIC_URL` when not given",
    )
    registry: Path | None = Field(
        default=None,
        description="a folder with `schemas/ mappings/ certs/` of one's own, laid over the shipped one",
    )
    keys: Path | None = Field(
        default=None,
        description="folder of our private keys, `sign-*.key` and `tls-*.key`; `DATA/keys` when not given",
    )
    issuer: str | None = Field(
        default=None,
        description="OpenID Connect issuer URL; without it the development issuer signs our tokens",
    )
    client_id: str = Field(
        default="eco-gateway", min_length=1, description="what the issuer knows the console as"
    )
    client_secret: SecretStr | None = Field(
        default=None, description="the console's secret at the issuer, where it wants one beside PKCE"
    )
    roles: Path | None = Field(
        default=None,
        description="a TOML file that makes roles of the issuer's claims and of client certificates",
    )
    public_url: str | None = Field(
        default=None,
        description="where browsers reach the console; the listen address when not given",
    )
    environment: str | None = Field(
        default=None, max_length=60, description="what the head of every console page calls this installation"
    )
    tls_certificate: Path | None = Field(
        default=None, description="PEM chain with which the national API and the console speak TLS"
    )
    tls_key: Path | None = Field(default=None, description="its private key, PEM")
    tls_clients: Path | None = Field(
        default=None, description="PEM anchors of national systems that show a certificate of their own"
    )
    clock: Instant | None = Field(
        default=None,
        description="an instant from which time runs on at real speed; for drills and tests only",
    )
    url: str | None = Field(
        default=None,
        description="where the commands speak to a running node; the listen address when not given",
    )
    token: SecretStr | None = Field(
        default=None, description="the bearer token with which the commands speak"
    )
    max_message_bytes: int = Field(
        default=MAX_MESSAGE_BYTES,
        ge=1_024,
        description="largest message taken in, bytes; exactly this many is taken",
    )
    calls_in_hand: int = Field(
        default=512, ge=2, le=100_000, description="calls that each door has in hand at a time; more get 503"
    )
    bytes_in_hand: int = Field(
        default=256 * 1024 * 1024,
        ge=1_024,
        description="bytes of their bodies together; one client has at most half of either",
    )
    skew_s: int = Field(
        default=300, ge=0, description="how far a sender's clock may be ahead of ours, seconds"
    )
    replay_window_s: int = Field(
        default=30 * _DAY_S, ge=60, description="how old a message may be when it arrives, seconds"
    )
    grace_s: float = Field(
        default=20, ge=0, description="how long work in hand may take to finish after SIGTERM, seconds"
    )
    lane_window: int = Field(
        default=16, ge=1, le=1_000, description="attempts in flight to one party at a time"
    )
    threads: int = Field(
        default=2, ge=1, le=64, description="threads that judge and seal; one a core is right"
    )
    database_connections: int = Field(
        default=16, ge=2, le=1_000, description="most connections held to the database at a time"
    )
    otlp_endpoint: str | None = Field(
        default=None,
        description="where an OpenTelemetry collector takes traces over HTTP; none are written without it",
    )
    webhook_hosts: str = Field(
        default="",
        description="hosts, by commas, that webhooks may call although they are inside or without TLS",
    )
    four_eyes: bool = Field(
        default=False,
        description="whether changes of parties, certificates and roles wait until two people approved them",
    )
    log_head_s: float = Field(
        default=300, gt=0, description="how often a head of the event log is sealed where it grew, seconds"
    )
    log_level: LogLevel = Field(default=LogLevel.INFO, description="`debug`, `info`, `warning` or `error`")
    log_format: LogFormat = Field(
        default=LogFormat.JSON, description="`json` for programs, `console` for eyes"
    )

    @field_validator("home", mode="before")
    @classmethod
    def _home(cls, value: Any) -> Any:
        return _read_home(value) if isinstance(value, str) else value

    @field_validator("database")
    @classmethod
    def _database(cls, value: SecretStr | None) -> SecretStr | None:
        if value and urlsplit(value.get_secret_value()).scheme not in ("postgresql", "postgres"):
            raise ValueError("must be a PostgreSQL URL, such as postgresql://user@host:5432/eco_gateway")
        return value

    @field_validator("issuer", "url", "public_url", "check_url", "otlp_endpoint")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value and (urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname):
            raise ValueError("must be a URL that begins with https:// (or http://)")
        return value.rstrip("/") if value else value

    @field_validator("issuer")
    @classmethod
    def _guarded(cls, value: str | None) -> str | None:
        if value and not is_guarded(value):
            raise ValueError("must begin with https://, unless the issuer is on this machine")
        return value

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Settings:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise PydanticCustomError("half_tls", "TLS_CERTIFICATE and TLS_KEY go together")
        if self.tls_clients and not self.tls_certificate:
            raise PydanticCustomError("half_tls", "TLS_CLIENTS needs TLS_CERTIFICATE and TLS_KEY")
        return self

    @model_validator(mode="after")
    def _no_borrowed_time_in_production(self) -> Settings:
        if self.issuer and self.clock:
            raise PydanticCustomError(
                "clock_with_issuer", "a clock of one's own is refused where ISSUER is set: it is for drills"
            )
        return self

    @property
    def development_issuer(self) -> bool:
        """Whether tokens of the development issuer are made and taken; never beside a real issuer."""
        return self.issuer is None

    @property
    def browser_url(self) -> str:
        """Where browsers reach the console, without a slash at its end."""
        scheme = "https" if self.tls_certificate else "http"
        return self.public_url or f"{scheme}://{self.listen.reachable}"

    @property
    def public_check_url(self) -> str:
        """Where anybody reaches the public check, without a slash at its end; it stands under ``/verify``."""
        return self.check_url or self.browser_url

    @property
    def keys_folder(self) -> Path:
        """Where our private keys lie."""
        return self.keys if self.keys is not None else self.data / "keys"

    @property
    def api_url(self) -> str:
        """Where the commands speak to a running node, without a slash at its end."""
        scheme = "https" if self.tls_certificate else "http"
        return self.url or f"{scheme}://{self.listen.reachable}"

    def make_clock(self) -> Clock:
        """The process's one clock: the real one, or one that stands at ``clock`` now. Call it once."""
        return real_clock if self.clock is None else clock_from(self.clock)


_SHOWN = MappingProxyType({"database": "embedded", "data": "./var", "keys": "DATA/keys"})


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting as operators meet it."""

    field: str
    name: str
    flag: str
    default: str  # as one would write it; empty when there is none
    meaning: str


def variables() -> tuple[Variable, ...]:
    """Every setting, in the order of the page that documents them."""
    return tuple(
        Variable(
            field=name,
            name=PREFIX + name.upper(),
            flag="--" + name.replace("_", "-"),
            default=_SHOWN.get(name, "" if field.default is None else str(field.default)),
            meaning=field.description or "",
        )
        for name, field in Settings.model_fields.items()
    )


def read_settings(flags: Mapping[str, Any] | None = None) -> Settings:
    """
    Read the settings: what *flags* give, else the environment, else the default.

    Args:
        flags: by field name (``exchange_listen``); None counts as not given.

    Raises:
        Misconfigured: with every fault, each naming the flag or the variable it came by.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        raise Misconfigured(tuple(_fault(e, given) for e in error.errors())) from None


_OF_SEVERAL = MappingProxyType({"clock_with_issuer": "clock", "half_tls": "tls_certificate"})


def _fault(error: ErrorDetails, given: Mapping[str, Any]) -> RegistryFault:
    field = str(error["loc"][0]) if error["loc"] else _OF_SEVERAL[error["type"]]
    words = error["msg"].removeprefix("Value error, ")
    if field in given:
        return RegistryFault("command line", "--" + field.replace("_", "-"), words)
    return RegistryFault("environment", PREFIX + field.upper(), words)
