"""Ways to seal as files: ``mappings/seals/*.toml``; a party's file names those that were agreed with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from types import MappingProxyType
from typing import Literal

from pydantic import Field

from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.domain.seals import ECO_HTTPS, Canonicalization, DigestMethod, SealProfile, SignatureMethod
from gateway.registry.folder import Folder
from gateway.registry.read import Strict, read_toml

SEALS = "mappings/seals"

Method = Literal["rsa-sha256", "ecdsa-sha256"]
Digest = Literal["sha256", "sha384", "sha512"]


class SealFile(Strict):
    """The shape of a profile's file; what is left out is as in the wire profile."""

    title: str = Field(min_length=1)
    canonicalization: Literal["exclusive", "inclusive"] = "exclusive"
    xades: bool = False
    methods: list[Method] = Field(default=["rsa-sha256", "ecdsa-sha256"], min_length=1)
    digests: list[Digest] = Field(default=["sha256", "sha384", "sha512"], min_length=1)

    def named(self, name: str) -> SealProfile:
        """The profile, called as its file is."""
        return SealProfile(
            name=name,
            canonicalization=Canonicalization[self.canonicalization.upper()],
            xades=self.xades,
            methods=frozenset(SignatureMethod[text.replace("-", "_").upper()] for text in self.methods),
            digests=frozenset(DigestMethod[text.upper()] for text in self.digests),
        )


def load_seals(folder: Folder) -> Mapping[str, SealProfile]:
    """
    Every profile by its name, the wire profile's own among them.

    Raises:
        Misconfigured: with every fault of every file.
    """
    found = {ECO_HTTPS.name: ECO_HTTPS}
    faults: list[RegistryFault] = []
    for relative, path in folder.glob(f"{SEALS}/*.toml"):
        name = PurePath(relative).stem
        try:
            found[name] = read_toml(path, relative, SealFile).named(name)
        except Misconfigured as error:
            faults += error.faults
    if faults:
        raise Misconfigured(tuple(faults))
    return MappingProxyType(found)
