"""
Parties with keys, made at run time and kept for the length of the process; none ever lies in the tree.

``party_keys("VN.MOIT")`` is an anchor, a signing certificate and a TLS certificate with their keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from gateway.domain.corridor import Party, Patience, RegisteredCertificate
from gateway.domain.ids import PartyId
from gateway.domain.status import MessageType
from gateway.trust.keys import OwnKey, OwnKeys, PrivateKey
from gateway.trust.make import (
    Issued,
    Kind,
    issue_sign,
    issue_tls,
    make_anchor,
    make_key,
    write_certificate,
    write_key,
)

# Wide enough for the real clock, which TLS follows, and for any clock a test may pass in.
BEGINS = datetime(2020, 1, 1, tzinfo=UTC)
ENDS = datetime(2045, 1, 1, tzinfo=UTC)
HOSTS = ("localhost", "127.0.0.1", "::1")


@cache
def private_key(kind: Kind = Kind.RSA, number: int = 0) -> PrivateKey:
    """The *number*-th key of its kind; RSA keys cost a good part of a second each, so they are shared."""
    return make_key(kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyKeys:
    """All keys of one party, with its anchor."""

    id: PartyId
    country: str
    anchor: Issued
    sign: Issued
    tls: Issued

    @property
    def registered_sign(self) -> RegisteredCertificate:
        return registered(self.sign, file=f"{self.id.lower()}.sign.pem")

    @property
    def registered_tls(self) -> RegisteredCertificate:
        return registered(self.tls, file=f"{self.id.lower()}.tls.pem")

    @property
    def own(self) -> OwnKey:
        """The signing key, for sealing as this party."""
        return OwnKey(private=self.sign.private, certificate=self.registered_sign)

    def own_tls(self, folder: Path) -> OwnKey:
        """The TLS key, lying in *folder* as OpenSSL wants it."""
        path = folder / f"tls-{self.id.lower()}.key"
        if not path.exists():
            write_key(path, self.tls.private)
        return OwnKey(private=self.tls.private, certificate=self.registered_tls, file=path)

    def own_keys(self, folder: Path) -> OwnKeys:
        """Both keys, as ``load_keys`` would bring them."""
        return OwnKeys(home=self.party(), sign=(self.own,), tls=(self.own_tls(folder),))

    def party(
        self,
        *,
        endpoint: str = "https://localhost:8443/exchange/v1/messages",
        sign: Sequence[RegisteredCertificate] | None = None,
        tls: Sequence[RegisteredCertificate] | None = None,
    ) -> Party:
        """The party as the registry would read it from its file."""
        return Party(
            id=self.id,
            name=self.id,
            country=self.country,
            transport="eco-https/1",
            endpoint=endpoint,
            anchor=self.anchor.certificate,
            tls_anchor=self.anchor.certificate,
            sign=(self.registered_sign,) if sign is None else tuple(sign),
            tls=(self.registered_tls,) if tls is None else tuple(tls),
            patience=Patience(
                waits=(timedelta(seconds=1), timedelta(seconds=5)),
                receipt_within=timedelta(seconds=30),
                acknowledgement_within=timedelta(hours=4),
            ),
            messages=frozenset(MessageType),
            acknowledgements=True,
            national_acknowledgements=True,
        )

    def write_keys(self, folder: Path) -> None:
        """Write ``sign-1.key`` and ``tls-1.key`` into *folder*."""
        write_key(folder / "sign-1.key", self.sign.private)
        write_key(folder / "tls-1.key", self.tls.private)

    def write_certificates(self, folder: Path) -> None:
        """Write ``<party>.anchor.pem``, ``.sign.pem`` and ``.tls.pem`` into *folder*."""
        name = self.id.lower()
        write_certificate(folder / f"{name}.anchor.pem", self.anchor.certificate)
        write_certificate(folder / f"{name}.sign.pem", self.sign.certificate)
        write_certificate(folder / f"{name}.tls.pem", self.tls.certificate)


@cache
def party_keys(party: str = "VN.MOIT", *, kind: Kind = Kind.RSA, hosts: tuple[str, ...] = HOSTS) -> PartyKeys:
    """The keys of *party*; the same ones each time in one process."""
    country = party[:2]
    anchor = make_anchor(f"{party} test anchor", country, valid_from=BEGINS, valid_to=ENDS)
    return PartyKeys(
        id=PartyId(party),
        country=country,
        anchor=anchor,
        sign=issue_sign(
            anchor,
            f"{party} sign",
            country,
            valid_from=BEGINS,
            valid_to=ENDS,
            private=private_key(kind, _number(party)),
        ),
        tls=issue_tls(
            anchor, f"{party} tls", country, hosts=hosts, valid_from=BEGINS, valid_to=ENDS, private=None
        ),
    )


def registered(
    issued: Issued,
    *,
    file: str = "test.pem",
    valid_from: datetime = BEGINS,
    valid_to: datetime = ENDS,
) -> RegisteredCertificate:
    """*issued*, with the window in which it is honoured."""
    return RegisteredCertificate(
        file=file, certificate=issued.certificate, valid_from=valid_from, valid_to=valid_to
    )


def in_window(key: OwnKey, valid_from: datetime, valid_to: datetime) -> OwnKey:
    """The same key, its certificate honoured in another window."""
    return replace(key, certificate=replace(key.certificate, valid_from=valid_from, valid_to=valid_to))


_numbers: dict[str, int] = {}


def _number(party: str) -> int:
    """Each party its own key, from as few as the process needs."""
    return _numbers.setdefault(party, len(_numbers))
