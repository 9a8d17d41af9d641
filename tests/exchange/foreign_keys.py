"""Keys and certificates as a neighbour's engineer makes them, with nothing but ``cryptography``."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HOST = "127.0.0.1"
YEAR = timedelta(days=365)

Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Issued:
    """A private key and the certificate for it."""

    private: Private
    certificate: x509.Certificate

    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def key_pem(self) -> bytes:
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def show(self, context: ssl.SSLContext, folder: Path) -> None:
        """Make *context* show this certificate; OpenSSL wants both as a file."""
        path = folder / f"{self.certificate.serial_number:x}.pem"
        path.touch(mode=0o600)
        path.write_bytes(self.certificate_pem() + self.key_pem())
        context.load_cert_chain(path)


class Authority:
    """What issues a party's certificates; valid from a year ago, for years to come."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(f"{name} CA", self._key.public_key(), f"{name} CA")
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(sign=False), critical=True)
        self.certificate = builder.sign(self._key, hashes.SHA256())

    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def for_seals(self, *, elliptic: bool = False) -> Issued:
        """As the profile asks for it: KeyUsage digitalSignature, neither SAN nor EKU."""
        private: Private = (
            ec.generate_private_key(ec.SECP256R1()) if elliptic else rsa.generate_private_key(65537, 2048)
        )
        builder = _builder(f"{self.name} seal", private.public_key(), f"{self.name} CA")
        return self._issued(private, builder.add_extension(_usage(sign=True), critical=True))

    def for_tls(self) -> Issued:
        """EKU serverAuth and clientAuth, SAN for the host."""
        private = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(f"{self.name} gateway", private.public_key(), f"{self.name} CA")
        both = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        names = [x509.IPAddress(ipaddress.ip_address(HOST)), x509.DNSName("localhost")]
        builder = builder.add_extension(_usage(sign=True), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage(both), critical=False)
        return self._issued(
            private, builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        )

    def _issued(self, private: Private, builder: x509.CertificateBuilder) -> Issued:
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        return Issued(private, builder.sign(self._key, hashes.SHA256()))


def _builder(
    name: str, public: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, issuer: str
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - YEAR)
        .not_valid_after(now + 3 * YEAR)
    )


def _usage(*, sign: bool) -> x509.KeyUsage:
    """For signing documents, or else certificates."""
    return x509.KeyUsage(
        digital_signature=sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not sign,
        crl_sign=not sign,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass(frozen=True, kw_only=True)
class Window:
    """A registered certificate and when it counts, in days from now."""

    issued: Issued
    since: float = -300
    until: float = 300

    def lines(self, kind: str, file: str) -> str:
        now = datetime.now(UTC)
        ends = (f"{now + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}" for days in (self.since, self.until))
        return f'[[{kind}]]\ncertificate = "{file}"\nfrom = {next(ends)}\nto = {next(ends)}\n'


@dataclass(frozen=True, kw_only=True)
class Papers:
    """What a party hands to its neighbours so that they can enter it in their registry."""

    id: str
    country: str
    port: int
    authority: Authority
    sign: tuple[Window, ...]
    tls: tuple[Window, ...]
    options: str = ""  # lines of the party's file before its tables
    patience: str = ""
    capabilities: str = ""

    def enter(self, registry: Path) -> None:
        """Write the party's file and its certificates."""
        trust, parties = registry / "certs/trust", registry / "mappings/parties"
        for folder in (trust, parties):
            folder.mkdir(parents=True, exist_ok=True)
        stem = self.id.lower()
        (trust / f"{stem}.anchor.pem").write_bytes(self.authority.certificate_pem())
        tables = ""
        for kind, windows in (("sign", self.sign), ("tls", self.tls)):
            for number, window in enumerate(windows):
                file = f"{stem}.{kind}-{number}.pem"
                (trust / file).write_bytes(window.issued.certificate_pem())
                tables += window.lines(kind, file)
        head = (
            f'id = "{self.id}"\nname = "{self.id}"\ncountry = "{self.country}"\n'
            f'anchor = "{stem}.anchor.pem"\n'
            f'endpoint = "https://{HOST}:{self.port}/exchange/v1/messages"\n{self.options}\n'
        )
        text = f"{head}{tables}[patience]\n{self.patience}\n[capabilities]\n{self.capabilities}\n"
        (parties / f"{stem}.toml").write_text(text, "utf-8")


def write_corridor(registry: Path, sender: str, receiver: str, form: str) -> None:
    """Agree that *sender* may send *form* to *receiver*."""
    folder = registry / "mappings/corridors"
    folder.mkdir(parents=True, exist_ok=True)
    text = f'sender = "{sender}"\nreceiver = "{receiver}"\naccepts = "{form}"\ndelivers = "{form}"\n'
    (folder / f"{sender}--{receiver}.{form.split('/')[1]}.toml".lower()).write_text(text, "utf-8")


def write_keys(folder: Path, sign: list[Issued], tls: list[Issued]) -> None:
    """Put private keys where a node looks for its own."""
    folder.mkdir(parents=True)
    for kind, issued in (("sign", sign), ("tls", tls)):
        for number, each in enumerate(issued):
            path = folder / f"{kind}-{number}.key"
            path.touch(mode=0o600)
            path.write_bytes(each.key_pem())
