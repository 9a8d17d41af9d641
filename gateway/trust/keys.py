"""
Our own keys: files in one folder, matched to the home party's registered certificates by public key.

``sign-*.key`` seal, ``tls-*.key`` connect; unencrypted PKCS #8 PEM, RSA from 2048 bits or P-256, readable by
their owner alone. Which certificate a key belongs to stands nowhere but in the certificates themselves. A key
that seals may lie elsewhere; then a ``sign-*.toml`` says where, and for which certificate.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.domain.clock import rfc3339
from gateway.domain.corridor import Party, RegisteredCertificate
from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.domain.seals import SignatureMethod
from gateway.trust.algorithms import PublicKey, method_for, public_key_of, raw_ecdsa


class Elsewhere(Protocol):
    """A private key that is asked for signatures and never seen."""

    def public_key(self) -> PublicKey:
        """The other half."""

    def sign(self, octets: bytes, /) -> bytes:
        """
        The value of a SignatureValue over *octets*, verified.

        Raises:
            KeyUnusable: there is none.
        """


PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

LEAD = timedelta(minutes=5)
"""For so long after its window opened a key is left alone where another still serves: clocks differ."""

_PKCS8 = b"-----BEGIN PRIVATE KEY-----"


@dataclass(frozen=True, kw_only=True)
class OwnKey:
    """
    One of our private keys with the certificate that goes with it.

    Attributes:
        file: where the key lies, for OpenSSL; None for a key that never lay in a file.
    """

    private: PrivateKey | Elsewhere
    certificate: RegisteredCertificate
    file: Path | None = None

    def __repr__(self) -> str:
        return f"OwnKey({self.certificate.file!r})"

    @cached_property
    def method(self) -> SignatureMethod:
        """How this key signs."""
        return SignatureMethod(method_for(self.private.public_key()))

    def sign(self, octets: bytes) -> bytes:
        """
        The value of a SignatureValue over *octets*.

        Raises:
            KeyUnusable: the key lies elsewhere and does not sign.
        """
        match self.private:
            case rsa.RSAPrivateKey() as key:
                return key.sign(octets, padding=padding.PKCS1v15(), algorithm=hashes.SHA256())
            case ec.EllipticCurvePrivateKey() as key:
                return raw_ecdsa(key.sign(octets, signature_algorithm=ec.ECDSA(hashes.SHA256())))
            case key:
                return key.sign(octets)


@dataclass(kw_only=True)
class OwnKeys:
    """
    All keys we found a certificate for; renewed in place, so that whoever holds them signs with the new ones.

    Attributes:
        warnings: keys that belong to no certificate, and the like; for the log.
    """

    home: Party
    sign: tuple[OwnKey, ...]
    tls: tuple[OwnKey, ...]
    warnings: tuple[str, ...] = ()

    def sign_key(
        self, at: datetime, methods: Collection[SignatureMethod] = frozenset(SignatureMethod)
    ) -> OwnKey:
        """
        The key that seals at *at* by one of *methods*: of several whose windows cover it, the one whose
        window began last, but not within ``LEAD``.

        Raises:
            Misconfigured: none does.
        """
        fitting = [key for key in self.sign if key.method in methods]
        if self.sign and not fitting:
            names = " or ".join(sorted(method.rpartition("#")[2] for method in methods))
            raise _fault("sign-*.key", f"none of our keys signs by {names}", key=self.home.id)
        return _newest(self.home, "sign", fitting, self.home.sign, at)

    def renew(self, keys: OwnKeys) -> None:
        """Take over what was read anew."""
        self.home, self.sign, self.tls, self.warnings = keys.home, keys.sign, keys.tls, keys.warnings

    def tls_key(self, at: datetime) -> OwnKey:
        """
        The key that connects at *at*: of several whose windows cover it, the one whose window began last,
        but not within ``LEAD``.

        Raises:
            Misconfigured: none does.
        """
        return _newest(self.home, "tls", self.tls, self.home.tls, at)


OpenElsewhere = Callable[[Path, Sequence[RegisteredCertificate]], Iterable[OwnKey]]


def _files_alone(path: Path, _: Sequence[RegisteredCertificate]) -> Iterable[OwnKey]:
    raise _fault(path.name, "only keys in files are read here")


def load_keys(
    folder: Path,
    home: Party,
    at: datetime,
    others: Iterable[Party] = (),
    *,
    open_elsewhere: OpenElsewhere = _files_alone,
) -> OwnKeys:
    """
    Read the keys in *folder* and find their certificates among those of *home*.

    Args:
        others: the parties we seal for, each in the way agreed with it.
        open_elsewhere: makes keys of a file that says where they lie, for the certificates given.

    Raises:
        Misconfigured: with every fault: a key that is unreadable, too weak or readable by others; no key for
            sealing or none for connecting whose certificate's window covers *at*.
    """
    faults: list[RegistryFault] = []
    warnings: list[str] = []
    found = {}
    for kind, registered in (("sign", home.sign), ("tls", home.tls)):
        keys: list[OwnKey] = []
        for path in sorted(folder.glob(f"{kind}-*.key")):
            try:
                matched = list(_matched(read_key(path), registered, path))
            except Misconfigured as error:
                faults += error.faults
                continue
            keys += matched
            if not matched:
                warnings.append(f"{path.name}: no {kind} certificate of {home.id} has this public key")
        found[kind] = keys
    for path in sorted(folder.glob("sign-*.toml")):
        try:
            opened = list(open_elsewhere(path, home.sign))
        except Misconfigured as error:
            faults += error.faults
            continue
        found["sign"] += opened
        if not opened:
            warnings.append(f"{path.name}: {home.id} has no sign certificate of the name it says")
    for path in sorted(folder.glob("tls-*.toml")):
        faults.append(RegistryFault(path.name, "-", "a TLS key must lie in a file of its own, tls-*.key"))
    own = OwnKeys(home=home, sign=tuple(found["sign"]), tls=tuple(found["tls"]), warnings=tuple(warnings))
    for choose in (own.sign_key, own.tls_key):
        try:
            choose(at)
        except Misconfigured as error:
            faults += (replace(each, fault=f"{each.fault}; looked in {folder}") for each in error.faults)
    if not faults:
        faults += _without_key(own, others, at)
    if faults:
        raise Misconfigured(tuple(faults))
    return own


def read_key(path: Path) -> PrivateKey:
    """
    Read one key file.

    Raises:
        Misconfigured: it cannot be read, others can read it, or it is no key we allow. The fault never
            shows what the file holds.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        raw = path.read_bytes()
    except OSError as error:
        raise _fault(path.name, f"cannot be read: {error.strerror}") from None
    if mode & 0o077:
        raise _fault(path.name, f"readable by others (mode {mode:04o}); make it 0600", key="mode")
    return parse_key(raw, path.name)


def parse_key(pem: bytes, file: str) -> PrivateKey:
    """
    Read a private key from its PEM text; *file* is how it is called in a fault.

    Raises:
        Misconfigured: it is no unencrypted PKCS #8 key, or of a kind or size that is not allowed.
    """
    if _PKCS8 not in pem:
        raise _fault(file, "no unencrypted PKCS #8 PEM ('BEGIN PRIVATE KEY')")
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _fault(file, "not readable as a private key") from None
    method = method_for(key)
    if not isinstance(method, SignatureMethod) or not isinstance(key, PrivateKey):
        raise _fault(file, f"holds {method}")
    return key


def belongs(key: PrivateKey | Elsewhere, certificate: x509.Certificate) -> bool:
    """Whether *certificate* is about *key*."""
    return public_key_of(certificate) == key.public_key()


def _matched(key: PrivateKey, registered: Sequence[RegisteredCertificate], path: Path) -> Iterator[OwnKey]:
    for each in registered:
        if belongs(key, each.certificate):
            yield OwnKey(private=key, certificate=each, file=path)


def _newest(
    home: Party,
    kind: str,
    keys: Sequence[OwnKey],
    registered: Sequence[RegisteredCertificate],
    at: datetime,
) -> OwnKey:
    open_now = [key for key in keys if key.certificate.covers(at)]
    if not open_now:
        raise _fault(f"{kind}-*.key", _why_none(home, kind, keys, registered, at), key=home.id)
    settled = [key for key in open_now if key.certificate.valid_from <= at - LEAD]
    return max(settled or open_now, key=lambda key: key.certificate.valid_from)


def _without_key(own: OwnKeys, others: Iterable[Party], at: datetime) -> Iterator[RegistryFault]:
    """The parties for whom no key of ours can seal in the way that was agreed."""
    for party in others:
        try:
            own.sign_key(at, party.seal.methods)
        except Misconfigured as error:
            for each in error.faults:
                yield replace(each, key=party.id, fault=f"{each.fault}, as '{party.seal.name}' asks for")


def _why_none(
    home: Party,
    kind: str,
    keys: Sequence[OwnKey],
    registered: Sequence[RegisteredCertificate],
    at: datetime,
) -> str:
    with_key = {key.certificate.fingerprint for key in keys}
    told = "; ".join(
        f"{each.file} from {rfc3339(each.valid_from)} to {rfc3339(each.valid_to)}"
        f" ({'its key is here' if each.fingerprint in with_key else 'its key is not here'})"
        for each in registered
    )
    return (
        f"no key here belongs to a {kind} certificate of {home.id} whose window covers now, {rfc3339(at)};"
        f" registered: {told or 'none'}"
    )


def _fault(file: str, fault: str, *, key: str = "-") -> Misconfigured:
    return Misconfigured((RegistryFault(file, key, fault),))
