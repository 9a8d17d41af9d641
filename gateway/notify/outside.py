"""
Which addresses a subscriber may have: those of the outside world, and hosts that the installation names.

Whoever may name a subscriber must not reach through us what only we can reach. So every address is looked at
when it is called, and the connection goes to the very address that was looked at.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Collection
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")  # IPv4 behind NAT64 (RFC 6052)


class NotOutside(OSError):
    """The address is inside, or must be guarded by TLS and is not; asking again does not help."""


def is_outside(address: str) -> bool:
    """Whether anybody may reach *address*, an IP address in words."""
    ip = ipaddress.ip_address(address.split("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip in _TRANSLATED:
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.is_global and not ip.is_multicast


def check_url(url: str, named: Collection[str]) -> None:
    """
    Look at what can be told of *url* without asking anybody.

    Args:
        named: hosts of the installation's own, which may be inside and without TLS.

    Raises:
        NotOutside: it must not be called.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in named:
        return
    if parts.scheme != "https":
        raise NotOutside(f"{host} must be called by https")
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        return  # a name, which the resolver looks at
    if not is_outside(str(literal)):
        raise NotOutside(f"{host} is an internal address")


class Outside(AbstractResolver):
    """Resolves names to outside addresses alone; those of *named* hosts to whatever they are."""

    def __init__(self, named: Collection[str], resolver: AbstractResolver | None = None) -> None:
        self._named = named
        self._resolver = resolver or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """
        The addresses of *host* that may be called.

        Raises:
            NotOutside: there are none.
        """
        found = await self._resolver.resolve(host, port, family)
        outside = [one for one in found if host in self._named or is_outside(one["host"])]
        if found and not outside:
            raise NotOutside(f"{host} has internal addresses alone")
        return outside

    async def close(self) -> None:
        """Nothing is kept."""
        await self._resolver.close()
