"""
A second look at parties and corridors that load: what can never work, and what is probably a mistake.

The first is a fault like any other. The second forbids nothing, for there may be a reason; it is told beside
the result, because whoever made the mistake would else look for it on the wire.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from ipaddress import ip_address
from itertools import pairwise
from urllib.parse import urlsplit

import iso3166
from cryptography import x509

from gateway.domain.corridor import Corridor, Party, RegisteredCertificate
from gateway.domain.errors import RegistryFault
from gateway.domain.form import in_force
from gateway.domain.seals import SignatureMethod
from gateway.registry.codes import CODES
from gateway.registry.corridors import CORRIDORS, CorridorFile
from gateway.registry.folder import SHIPPED, Folder
from gateway.registry.load import Registry
from gateway.registry.parties import read_parties
from gateway.registry.read import read_toml
from gateway.trust.algorithms import method_for, public_key_of
from gateway.trust.chain import UNREADABLE, chain_fault, usage_fault

_READ = (
    "certs/trust/*.pem",
    "mappings/parties/*.toml",
    "mappings/corridors/*.toml",
    "mappings/messages/*.toml",
    "mappings/labels/*.toml",
    "mappings/paper/*.toml",
    "schemas/*/*/*/form.toml",
    "schemas/*/*/*/paper.toml",
)
_LIST = re.compile(r"hs-\d{4}\.csv|tariff-[A-Z]{2}\.csv|ports\.csv")  # beside those that are shipped


def seal_faults(relative: str, party: Party) -> Iterator[RegistryFault]:
    """
    The signing certificates of *party* with which no seal would ever be believed (G02).

    Args:
        relative: the party's file, as a fault names it.
    """
    for number, one in enumerate(party.sign):
        method = method_for(public_key_of(one.certificate))
        fault = None if isinstance(method, SignatureMethod) else f"holds {method}"
        fault = fault or usage_fault(one.certificate) or chain_fault(one.certificate, party.anchor)
        if fault:
            text = f"no seal made with {one.file} would be believed: it {fault}"
            yield RegistryFault(relative, f"sign[{number}].certificate", text)


def all_seal_faults(folder: Folder) -> tuple[RegistryFault, ...]:
    """The same for every party of *folder* whose file has no other fault."""
    by_file, _ = read_parties(folder)
    return tuple(fault for file, party in by_file.items() for fault in seal_faults(file, party))


def party_doubts(relative: str, party: Party, now: datetime) -> Iterator[RegistryFault]:
    """What is probably a mistake in the file of *party*, or has come to its end."""
    if party.country not in iso3166.countries_by_alpha2:
        text = f"ISO 3166-1 knows no {party.country}; no certificate can name it"
        yield RegistryFault(relative, "country", text)
    if urlsplit(party.endpoint).path in ("", "/"):
        text = "has no path; a gateway of this kind takes messages at /exchange/v1/messages"
        yield RegistryFault(relative, "endpoint", text)
    host = urlsplit(party.endpoint).hostname or ""
    for number, one in enumerate(party.tls):
        if one.valid_to > now and not _names(one.certificate, host):
            text = f"{one.file} is not made out to {host}, the host of the endpoint: callers will refuse it"
            yield RegistryFault(relative, f"tls[{number}].certificate", text)
    for key, windows in (("sign", party.sign), ("tls", party.tls)):
        yield from _window_doubts(relative, key, windows, now)


def corridor_doubts(registry: Registry, now: datetime) -> Iterator[RegistryFault]:
    """Corridors in which nothing can travel, or no longer; and parties that no corridor names."""
    named = {party.id for each in registry.corridors.values() for party in (each.sender, each.receiver)}
    for relative, path in registry.folder.glob(f"{CORRIDORS}/*.toml"):
        file = read_toml(path, relative, CorridorFile)
        for key, words in _of_corridor(_found(registry, file), registry, now):
            yield RegistryFault(relative, key, words)
    for relative, party in read_parties(registry.folder)[0].items():
        if party.id not in named:
            yield RegistryFault(relative, "-", f"no corridor names {party.id} yet")


def stray_files(own: Folder) -> Iterator[RegistryFault]:
    """Files of an installation that look like a part of the registry and lie where nothing reads them."""
    read = {relative for pattern in _READ for relative, _ in own.glob(pattern)}
    for pattern in ("**/*.toml", "**/*.pem"):
        for relative, _ in own.glob(pattern):
            if relative not in read and not relative.startswith("mappings/examples/"):
                places = ", ".join(_READ)
                yield RegistryFault(relative, "-", f"nothing reads a file in this place; read are {places}")
    for relative, path in own.glob(f"{CODES}/*.csv"):
        if not (_LIST.fullmatch(path.name) or (SHIPPED / relative).is_file()):
            yield RegistryFault(relative, "-", "no list has this name; docs/code-lists.md names them")


def _found(registry: Registry, file: CorridorFile) -> Corridor:
    ends = (file.sender, file.receiver, file.accepts)
    return next(found for key, found in registry.corridors.items() if key == ends)


def _of_corridor(corridor: Corridor, registry: Registry, now: datetime) -> Iterator[tuple[str, str]]:
    form = registry.forms[corridor.accepts]
    for key, party in (("sender", corridor.sender), ("receiver", corridor.receiver)):
        if form.parties and party.country not in form.parties:
            yield (
                key,
                f"{party.country} is no Party to {form.agreement}: every certificate would be refused (C01)",
            )
    today = registry.zones.day(corridor.sender.country, now)
    newest = in_force(registry.forms.values(), form.family, today)
    if form.valid_to is not None and form.valid_to < today:
        yield "accepts", f"{form.id} is for certificates issued up to {form.valid_to}"
    elif newest is not None and newest.id != form.id:
        ends = (corridor.sender.id, corridor.receiver.id)
        if (*ends, newest.id) not in registry.corridors:
            yield "accepts", f"{newest.id} is in force since {newest.valid_from} and has no corridor here"


def _window_doubts(
    relative: str, key: str, windows: Sequence[RegisteredCertificate], now: datetime
) -> Iterator[RegistryFault]:
    for number, one in enumerate(windows):
        ends = one.certificate.not_valid_after_utc
        if now < one.valid_to and ends < one.valid_to:
            text = f"the window is open until {one.valid_to:%Y-%m-%d}, but {one.file} ends on {ends:%Y-%m-%d}"
            yield RegistryFault(relative, f"{key}[{number}].to", text)
    if windows and not any(one.covers(now) for one in windows):
        yield RegistryFault(relative, key, f"no window is open on {now:%Y-%m-%d}")
    for closed, opened in _gaps(windows):
        if now < opened:
            text = f"no window is open from {closed:%Y-%m-%d %H:%MZ} to {opened:%Y-%m-%d %H:%MZ}"
            yield RegistryFault(relative, key, text)


def _gaps(windows: Iterable[RegisteredCertificate]) -> Iterator[tuple[datetime, datetime]]:
    in_order = sorted(windows, key=lambda one: one.valid_from)
    covered = [max(one.valid_to for one in in_order[: place + 1]) for place in range(len(in_order))]
    for (closes, _), (_, later) in pairwise(zip(covered, in_order, strict=True)):
        if closes < later.valid_from:
            yield closes, later.valid_from


def _names(certificate: x509.Certificate, host: str) -> bool:
    """Whether a TLS client that called *host* would take *certificate*; true where that cannot be told."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    except UNREADABLE:
        return True
    try:
        return ip_address(host) in names.get_values_for_type(x509.IPAddress)
    except ValueError:
        return any(_matches(name.lower(), host) for name in names.get_values_for_type(x509.DNSName))


def _matches(name: str, host: str) -> bool:
    """A wildcard stands for exactly one label, the first (RFC 6125 6.4.3)."""
    if name.startswith("*."):
        return host.partition(".")[2] == name[2:]
    return host == name
