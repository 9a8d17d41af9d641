"""
From what an issuer or a certificate says to a caller and its roles, by a file of the installation.

Without a file a token's ``roles`` are our own role names and its ``org`` the organisation, as the development
issuer writes them. The file may name other claims, translate an identity provider's groups into roles, and
name client certificates of national systems.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field, field_validator

from gateway.domain.caller import Caller, Role
from gateway.intake.callers import NotProven
from gateway.registry.read import Strict, read_toml

_MOST = 200  # characters of a name


class _ClaimNames(Strict):
    """Which claim says what; a dot goes one level down: ``realm_access.roles``."""

    subject: str = "sub"
    name: str = "name"
    organisation: str = "org"
    roles: str = "roles"


class _Certificate(Strict):
    """A national system that shows a certificate instead of a token."""

    sha256: str
    subject: str = Field(min_length=1, max_length=_MOST)
    roles: list[Annotated[Role, Field(strict=False)]] = Field(min_length=1)
    organisation: str | None = None

    @field_validator("sha256")
    @classmethod
    def _fingerprint(cls, value: str) -> str:
        plain = value.replace(":", "").replace(" ", "").lower()
        if len(plain) != 64 or any(digit not in "0123456789abcdef" for digit in plain):
            raise ValueError("must be a SHA-256 fingerprint: 64 hexadecimal digits")
        return plain


class _File(Strict):
    claims: _ClaimNames = _ClaimNames()
    roles: dict[Annotated[Role, Field(strict=False)], list[str]] | None = None
    certificate: list[_Certificate] = Field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A caller with the name by which people know it."""

    caller: Caller
    name: str


@dataclass(frozen=True, slots=True)
class Grants:
    """Who gets which roles; see ``load_grants``."""

    claims: _ClaimNames = field(default_factory=_ClaimNames)
    role_of: Mapping[str, frozenset[Role]] = field(
        default_factory=lambda: MappingProxyType({role.value: frozenset({role}) for role in Role})
    )
    by_certificate: Mapping[str, Caller] = field(default_factory=lambda: MappingProxyType({}))

    def person(self, claims: Mapping[str, Any]) -> Person:
        """
        Whom the *claims* of a checked token are about.

        Raises:
            NotProven: no subject, or something in them cannot be read.
        """
        subject = _text(claims, self.claims.subject)
        if subject is None:
            raise NotProven(f"without a {self.claims.subject}")
        named = _found(claims, self.claims.roles) or []
        if not isinstance(named, str | list):
            raise NotProven("with roles that cannot be read")
        roles: set[Role] = set()
        for name in [named] if isinstance(named, str) else named:
            roles |= self.role_of.get(str(name), frozenset())
        organisation = _text(claims, self.claims.organisation)
        caller = Caller(subject=subject, roles=frozenset(roles), organisation=organisation)
        return Person(caller=caller, name=_text(claims, self.claims.name) or subject)

    def certified(self, certificate: bytes) -> Caller:
        """
        The national system that showed this *certificate* (DER).

        Raises:
            NotProven: the file names it nowhere.
        """
        caller = self.by_certificate.get(hashlib.sha256(certificate).hexdigest())
        if caller is None:
            raise NotProven("a client certificate that no [[certificate]] names")
        return caller


def load_grants(path: Path | None) -> Grants:
    """
    Read the file of an installation; None gives what counts without one.

    Raises:
        Misconfigured: with every fault of the file.
    """
    if path is None:
        return Grants()
    file = read_toml(path, path.name, _File)
    role_of = Grants().role_of
    if file.roles is not None:
        names = {name for given in file.roles.values() for name in given}
        role_of = {name: frozenset(r for r, given in file.roles.items() if name in given) for name in names}
    certificates = {
        one.sha256: Caller(subject=one.subject, roles=frozenset(one.roles), organisation=one.organisation)
        for one in file.certificate
    }
    return Grants(file.claims, MappingProxyType(dict(role_of)), MappingProxyType(certificates))


def _found(claims: Mapping[str, Any], path: str) -> object:
    value: object = claims
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _text(claims: Mapping[str, Any], path: str) -> str | None:
    value = _found(claims, path)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or len(value) > _MOST or not value.isprintable():
        raise NotProven(f"with a {path} that cannot be read")
    return value
