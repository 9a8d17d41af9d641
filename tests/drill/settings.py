"""What the cluster's programs are told, as text; nothing here touches a process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.demo.country import HOST

SCOPE = "drill"
USER = "postgres"


@dataclass(frozen=True, slots=True)
class Place:
    """One member of the cluster: its name, its folder, the ports of its PostgreSQL and of its Patroni."""

    name: str
    folder: Path
    server: int
    control: int

    @property
    def data(self) -> Path:
        """The data folder of its PostgreSQL."""
        return self.folder / "data"

    @property
    def url(self) -> str:
        """Where its Patroni answers."""
        return f"http://{HOST}:{self.control}"


def shared(*, synchronous: bool) -> dict[str, Any]:
    """
    What all members agree on, kept in etcd.

    A failover takes about ``ttl``; Patroni wants ``loop_wait`` + 2 x ``retry_timeout`` within it.
    """
    return {
        "ttl": 5,
        "loop_wait": 1,
        "retry_timeout": 2,
        "synchronous_mode": synchronous,
        "postgresql": {
            "use_pg_rewind": True,
            "use_slots": True,
            "parameters": {
                "max_connections": 100,
                "wal_receiver_timeout": "5s",
                "wal_retrieve_retry_interval": "500ms",
            },
        },
    }


def member(place: Place, *, etcd: int, binaries: Path) -> str:
    """The configuration of one Patroni; JSON, which is YAML as well."""
    account = {"username": USER, "password": "drill"}
    return json.dumps(
        {
            "scope": SCOPE,
            "name": place.name,
            "restapi": _at(place.control),
            "etcd3": {"host": f"{HOST}:{etcd}"},
            "bootstrap": {"initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"]},
            "postgresql": {
                **_at(place.server),
                "data_dir": str(place.data),
                "bin_dir": str(binaries),
                "pgpass": str(place.folder / "pgpass"),
                "authentication": {"superuser": account, "replication": account},
                "pg_hba": [
                    "local all all trust",
                    f"host all all {HOST}/32 trust",
                    f"host replication all {HOST}/32 trust",
                ],
                "parameters": {"unix_socket_directories": str(place.folder)},
            },
        }
    )


def balancer(port: int, members: Sequence[Place]) -> str:
    """HAProxy's configuration: whoever connects to *port* speaks to the member that says it is primary."""
    servers = (f"  server {m.name} {HOST}:{m.server} check port {m.control}" for m in members)
    return "\n".join(
        (
            "defaults",
            "  mode tcp",
            "  retries 1",
            "  timeout connect 2s",
            "  timeout check 1s",
            "  timeout client 1h",
            "  timeout server 1h",
            "listen primary",
            f"  bind {HOST}:{port}",
            "  option httpchk OPTIONS /primary",
            "  http-check expect status 200",
            "  default-server inter 500ms fastinter 200ms downinter 200ms fall 2 rise 1"
            " on-marked-down shutdown-sessions",
            *servers,
            "",
        )
    )


def is_whole(said: dict[str, Any], *, synchronous: bool) -> bool:
    """Whether the primary's Patroni, by its own words, has a standby that keeps up and is waited for."""
    return any(
        each.get("state") == "streaming" and (each.get("sync_state") == "sync" or not synchronous)
        for each in said.get("replication", ())
    )


def _at(port: int) -> dict[str, str]:
    return {"listen": f"{HOST}:{port}", "connect_address": f"{HOST}:{port}"}
