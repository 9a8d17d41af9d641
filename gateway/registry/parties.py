"""Parties as files: ``mappings/parties/*.toml`` and the certificates they name under ``certs/trust/``."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Literal, Self
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from pydantic import Field, field_validator, model_validator

from gateway.domain.corridor import Maintenance, Party, Patience, RegisteredCertificate, with_lists
from gateway.domain.errors import Misconfigured, RegistryFault, Unreadable
from gateway.domain.ids import FormId, PartyId, family_of, form_id, party_id
from gateway.domain.revocation import (
    ListSource,
    RevocationList,
    RevocationPolicy,
    distribution_points,
    read_list,
)
from gateway.domain.seals import ECO_HTTPS, SealProfile
from gateway.domain.status import MessageType
from gateway.registry.folder import Folder
from gateway.registry.read import Strict, nearest, read_toml
from gateway.registry.seals import SEALS, load_seals

PARTIES = "mappings/parties"
TRUST = "certs/trust"
WAITS_S = (5.0, 30.0, 120.0, 600.0, 1800.0, 7200.0, 21600.0)


class WindowFile(Strict):
    """One registered certificate and the window in which we honour it."""

    certificate: str
    from_: datetime = Field(alias="from")
    to: datetime

    @field_validator("from_", "to")
    @classmethod
    def _has_a_zone(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise ValueError("needs a zone, such as Z")
        return value


class MaintenanceFile(Strict):
    """A planned maintenance: nothing is sent meanwhile, and senders are told the notice."""

    from_: datetime = Field(alias="from")
    to: datetime
    notice: str = Field(min_length=1, max_length=500)

    @field_validator("from_", "to")
    @classmethod
    def _has_a_zone(cls, value: datetime) -> datetime:
        if value.tzinfo is None:
            raise ValueError("needs a zone, such as Z")
        return value

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> Self:
        if self.from_ >= self.to:
            raise ValueError("the maintenance ends before it begins")
        return self


class PatienceFile(Strict):
    """How long we try; seconds. ``ping_after_s = 0`` pings never."""

    waits_s: list[float | int] = Field(default=list(WAITS_S), min_length=1)
    receipt_within_s: float | int = Field(default=30, gt=0)
    acknowledgement_within_s: float | int = Field(default=14400, gt=0)
    longest_rest_s: float | int = Field(default=30, ge=0)
    ping_after_s: float | int = Field(default=0, ge=0)

    @field_validator("waits_s")
    @classmethod
    def _never_negative(cls, value: list[float | int]) -> list[float | int]:
        if any(wait < 0 for wait in value):
            raise ValueError("a wait cannot be negative")
        return value


class CapabilitiesFile(Strict):
    """
    Which messages and forms the party implements; it may notify that it has only some.

    The source is ATIGA Annex 8 Rule 27(2). A form without a version stands for every version of it.
    """

    messages: list[str] = Field(default=[kind.value for kind in MessageType])
    forms: list[str] | None = None

    @field_validator("messages")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        known = {kind.value for kind in MessageType}
        if unknown := [text for text in value if text not in known]:
            raise ValueError(f"unknown message type {unknown[0]!r}; known: {', '.join(MessageType)}")
        return value

    @field_validator("forms")
    @classmethod
    def _are_forms(cls, value: list[str] | None) -> list[str] | None:
        for text in value or ():
            try:
                form_id(text)
            except Unreadable as error:
                raise ValueError(f"{error}; a form is written like atiga/form-d") from None
        return value


class RevocationFile(Strict):
    """
    How lists of revoked certificates are come by, and what counts without a fresh one.

    ``urls`` are asked, and those distribution points named in the party's certificates whose host is one of
    ``hosts``. ``fail = "hard"``: without a fresh list no seal of the party counts.
    """

    urls: list[str] = Field(default=[])
    hosts: list[str] = Field(default=[])
    fail: Literal["soft", "hard"] = "soft"
    every_s: float | int = Field(default=3600, ge=1)

    @field_validator("urls")
    @classmethod
    def _are_web_addresses(cls, value: list[str]) -> list[str]:
        for url in value:
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
                raise ValueError(f"{url[:80]!r} must be an http:// or https:// URL with a host")
        return value


class PartyFile(Strict):
    """The shape of a party's file; every key that may be left out has its default here."""

    id: str
    name: str = Field(min_length=1)
    country: str
    transport: str = "eco-https/1"
    endpoint: str
    anchor: str
    tls_anchor: str | None = None
    crl: str | None = None
    revocation: RevocationFile | None = None
    seals: list[str] = Field(default=[ECO_HTTPS.name], min_length=1)
    acknowledgements: bool = True
    national_acknowledgements: bool = True
    sign: list[WindowFile] = Field(min_length=1)
    tls: list[WindowFile] = Field(default=[])
    patience: PatienceFile = PatienceFile()
    capabilities: CapabilitiesFile = CapabilitiesFile()
    maintenance: list[MaintenanceFile] = Field(default=[])

    @field_validator("id")
    @classmethod
    def _is_a_party_id(cls, value: str) -> str:
        try:
            return party_id(value)
        except Unreadable as error:
            raise ValueError(f"{error}; it is written like TH.CUSTOMS") from None

    @field_validator("country")
    @classmethod
    def _is_a_country_code(cls, value: str) -> str:
        if len(value) != 2 or not (value.isascii() and value.isalpha() and value.isupper()):
            raise ValueError("must be the two capital letters of ISO 3166-1, such as TH")
        return value

    @field_validator("transport")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value != "eco-https/1":
            raise ValueError(f"unknown transport {value!r}; known: eco-https/1")
        return value

    @field_validator("endpoint")
    @classmethod
    def _is_https(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError("must be an https:// URL with a host")
        return value


def load_parties(folder: Folder) -> Mapping[PartyId, Party]:
    """
    Read every party's file.

    Raises:
        Misconfigured: with every fault of every file.
    """
    by_file, faults = read_parties(folder)
    if faults:
        raise Misconfigured(tuple(faults))
    return MappingProxyType({party.id: party for party in by_file.values()})


def read_parties(folder: Folder) -> tuple[Mapping[str, Party], Sequence[RegistryFault]]:
    """Every party whose file has no fault, by file, and the faults of the others."""
    by_file: dict[str, Party] = {}
    file_of: dict[PartyId, str] = {}
    faults: list[RegistryFault] = []
    try:
        seals = load_seals(folder)
    except Misconfigured as error:
        return {}, error.faults
    for relative, path in folder.glob(f"{PARTIES}/*.toml"):
        try:
            party = _Reader(folder, relative, seals).party(read_toml(path, relative, PartyFile))
        except Misconfigured as error:
            faults += error.faults
            continue
        if party.id in file_of:
            faults.append(RegistryFault(relative, "id", f"{party.id} stands already in {file_of[party.id]}"))
            continue
        by_file[relative] = party
        file_of[party.id] = relative
    return by_file, faults


def names_of_parties(folder: Folder) -> Mapping[str, str]:
    """The ids that the parties' files say they have, with the file; whatever else may be wrong with them."""
    names: dict[str, str] = {}
    for relative, path in folder.glob(f"{PARTIES}/*.toml"):
        try:
            name = tomllib.loads(path.read_text("utf-8")).get("id")
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            continue
        if isinstance(name, str):
            names.setdefault(name, relative)
    return names


def names_of_forms(folder: Folder) -> frozenset[str]:
    """The names of all forms by their folders, with versions; whatever may be wrong with what lies there."""
    files = folder.glob("schemas/*/*/*/form.toml")
    return frozenset("/".join(relative.split("/")[1:4]) for relative, _ in files)


class LiveParties(Mapping[PartyId, Party]):
    """The parties, all renewed at once when their certificates were read anew."""

    def __init__(self, parties: Mapping[PartyId, Party]) -> None:
        self._parties = dict(parties)

    def renew(self, parties: Mapping[PartyId, Party]) -> None:
        """Take *parties* instead."""
        self._parties = dict(parties)

    def __getitem__(self, party: PartyId) -> Party:
        return self._parties[party]

    def __iter__(self) -> Iterator[PartyId]:
        return iter(self._parties)

    def __len__(self) -> int:
        return len(self._parties)


class _Reader:
    """Turns one file's content into a party and collects what is wrong with the files it names."""

    def __init__(self, folder: Folder, relative: str, seals: Mapping[str, SealProfile]) -> None:
        self._folder = folder
        self._seals = seals
        self._relative = relative
        self._faults: list[RegistryFault] = []

    def party(self, file: PartyFile) -> Party:
        anchor = self._certificate("anchor", file.anchor)
        tls_anchor = self._certificate("tls_anchor", file.tls_anchor) if file.tls_anchor else anchor
        listed = None if file.crl is None else self._list(file.crl, (anchor, tls_anchor))
        sign = tuple(self._windows("sign", file.sign, anchor))
        tls = tuple(self._windows("tls", file.tls, tls_anchor))
        forms = self._forms(file.capabilities.forms)
        policy = self._policy(file, (*sign, *tls))
        seals = tuple(self._agreed_seals(file.seals))
        if self._faults or anchor is None or tls_anchor is None:
            raise Misconfigured(tuple(self._faults))
        party = Party(
            id=PartyId(file.id),
            name=file.name,
            country=file.country,
            transport=file.transport,
            endpoint=file.endpoint,
            anchor=anchor,
            tls_anchor=tls_anchor,
            sign=sign,
            tls=tls,
            patience=Patience(
                waits=tuple(timedelta(seconds=wait) for wait in file.patience.waits_s),
                receipt_within=timedelta(seconds=file.patience.receipt_within_s),
                acknowledgement_within=timedelta(seconds=file.patience.acknowledgement_within_s),
                longest_rest=timedelta(seconds=file.patience.longest_rest_s),
                ping_after=timedelta(seconds=file.patience.ping_after_s) or None,
            ),
            messages=frozenset(MessageType(text) for text in file.capabilities.messages),
            acknowledgements=file.acknowledgements,
            national_acknowledgements=file.national_acknowledgements,
            forms=forms,
            revocation=policy,
            seals=seals,
            maintenance=tuple(
                Maintenance(begin=window.from_, end=window.to, notice=window.notice)
                for window in sorted(file.maintenance, key=lambda window: window.from_)
            ),
        )
        return with_lists(party, () if listed is None else (listed,))

    def _policy(
        self, file: PartyFile, registered: Iterable[RegisteredCertificate]
    ) -> RevocationPolicy | None:
        if file.revocation is None:
            return None if file.crl is None else RevocationPolicy()
        wanted, points = (
            file.revocation,
            [url for each in registered for url in distribution_points(each.certificate)],
        )
        urls = [*wanted.urls, *(url for url in points if _host_of(url) in wanted.hosts)]
        if not urls and file.crl is None:
            where = f"; its certificates name {points[0]}" if points else ""
            self._fault("revocation", f"says nowhere to find a list: name urls, hosts or a crl{where}")
        return RevocationPolicy(
            sources=tuple(ListSource(url=url) for url in dict.fromkeys(urls)),
            hard=wanted.fail == "hard",
            every=timedelta(seconds=wanted.every_s),
        )

    def _agreed_seals(self, names: list[str]) -> Iterator[SealProfile]:
        for number, name in enumerate(names):
            if name in self._seals:
                yield self._seals[name]
            else:
                text = f"no profile {name} under {SEALS}/{nearest(name, self._seals)}"
                self._fault(f"seals[{number}]", text)

    def _forms(self, names: list[str] | None) -> frozenset[FormId] | None:
        if names is None:
            return None
        known = names_of_forms(self._folder)
        known |= {family_of(FormId(name)) for name in known}
        for name in names:
            if name not in known:
                text = f"no form {name} under schemas/{nearest(name, known)}"
                self._fault("capabilities.forms", text)
        return frozenset(FormId(name) for name in names)

    def _windows(
        self, key: str, files: list[WindowFile], anchor: x509.Certificate | None
    ) -> Iterator[RegisteredCertificate]:
        for number, file in enumerate(files):
            if file.from_ >= file.to:
                self._fault(f"{key}[{number}].to", "the window ends before it begins")
            certificate = self._certificate(f"{key}[{number}].certificate", file.certificate)
            if certificate is None:
                continue
            if anchor is not None and not _issued_by(certificate, anchor):
                self._fault(f"{key}[{number}].certificate", f"{file.certificate} is not signed by the anchor")
            yield RegisteredCertificate(
                file=file.certificate,
                certificate=certificate,
                valid_from=file.from_,
                valid_to=file.to,
            )

    def _list(self, name: str, anchors: tuple[x509.Certificate | None, ...]) -> RevocationList | None:
        """The authority's list that lies beside its certificates; it must be signed by one of the anchors."""
        path = self._folder.find(f"{TRUST}/{name}")
        if path is None:
            self._fault("crl", f"no file {TRUST}/{name}")
            return None
        known = [anchor for anchor in anchors if anchor is not None]
        try:
            return read_list(path.read_bytes(), known, source=name)
        except ValueError as error:
            self._fault("crl", f"{TRUST}/{name} {error}")
            return None

    def _certificate(self, key: str, name: str) -> x509.Certificate | None:
        path = self._folder.find(f"{TRUST}/{name}")
        if path is None:
            self._fault(key, f"no file {TRUST}/{name}")
            return None
        raw = path.read_bytes()
        if b"PRIVATE KEY" in raw:
            self._fault(key, f"{TRUST}/{name} holds a private key; only certificates belong there")
            return None
        try:
            return x509.load_pem_x509_certificate(raw)
        except (ValueError, x509.InvalidVersion):
            text = f"{TRUST}/{name} is no certificate in PEM, a text that begins -----BEGIN CERTIFICATE-----"
            self._fault(key, text)
            return None

    def _fault(self, key: str, fault: str) -> None:
        self._faults.append(RegistryFault(self._relative, key, fault))


def _issued_by(certificate: x509.Certificate, anchor: x509.Certificate) -> bool:
    if certificate == anchor:
        return True
    try:
        certificate.verify_directly_issued_by(anchor)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _host_of(url: str) -> str | None:
    parts = urlsplit(url)
    return parts.hostname if parts.scheme in ("http", "https") else None
