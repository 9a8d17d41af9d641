"""``eco-gateway parties add``: take a party's file and certificates into our own registry."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.hazmat.primitives import hashes

from gateway.cli.failures import CommandFailed, WrongUse
from gateway.cli.scrutiny import seal_faults
from gateway.domain.corridor import Party
from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.domain.ids import PartyId
from gateway.registry.folder import SHIPPED, Folder
from gateway.registry.parties import PARTIES, TRUST, PartyFile, load_parties, names_of_parties
from gateway.registry.read import read_toml

Files = Sequence[tuple[str, Path]]
"""Each file by its place in the registry; certificates first, so that no party ever names a missing one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What will be written, judged good; *place* is where the party's own file goes."""

    party: Party
    place: str
    files: Files


def plan_addition(file: Path, registry: Path, *, replace: bool) -> Plan:
    """
    Judge what adding *file* would make of the parties of *registry*; writes nothing.

    The certificates it names are looked for beside it, then in the registry itself.

    Args:
        registry: the installation's own folder; it need not exist yet.
        replace: whether what stands there with other content may be replaced.

    Raises:
        WrongUse: there is no such file.
        Misconfigured: with every fault that the registry's parties would then have.
        CommandFailed: something would be replaced without leave.
    """
    if not file.is_file():
        raise WrongUse(f"{file}: no such file")
    content = read_toml(file, file.name, PartyFile)
    names = _certificate_names(content, file.name)
    beside = ((f"{TRUST}/{name}", file.parent / name) for name in names)
    files = [(relative, path) for relative, path in beside if path.is_file()]
    place = _place(content.id, registry)
    files.append((place, file))
    party = judge_files(files, registry)[PartyId(content.id)]
    if faults := tuple(seal_faults(file.name, party)):
        raise Misconfigured(faults)
    if not replace:
        _refuse_to_replace(files, registry)
    return Plan(party=party, place=place, files=files)


def carry_out(plan: Plan, registry: Path) -> None:
    """Write the planned files; each appears whole or not at all."""
    for relative, source in plan.files:
        target = registry / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            draft.write_bytes(source.read_bytes())
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)


def certificate_lines(party: Party, now: datetime) -> Iterator[str]:
    """Each certificate of *party* with its fingerprint, to be compared with what the party itself says."""
    named = {"anchor": party.anchor}
    if party.tls_anchor != party.anchor:
        named["tls_anchor"] = party.tls_anchor
    named |= {f"sign[{n}] {one.file}": one.certificate for n, one in enumerate(party.sign)}
    named |= {f"tls[{n}] {one.file}": one.certificate for n, one in enumerate(party.tls)}
    for name, certificate in named.items():
        ends = certificate.not_valid_after_utc
        yield f"  {name}: {certificate.subject.rfc4514_string()}"
        yield f"    until {ends:%Y-%m-%d}{' (EXPIRED)' if ends < now else ''}"
        yield f"    SHA-256 {certificate.fingerprint(hashes.SHA256()).hex()}"


def _certificate_names(content: PartyFile, file: str) -> list[str]:
    keys = {"anchor": content.anchor, "tls_anchor": content.tls_anchor}
    keys |= {f"sign[{n}].certificate": window.certificate for n, window in enumerate(content.sign)}
    keys |= {f"tls[{n}].certificate": window.certificate for n, window in enumerate(content.tls)}
    faults = [
        RegistryFault(file, key, f"must be the name of a file under {TRUST}/, without folders")
        for key, name in keys.items()
        if name and (Path(name).name != name or "\\" in name)
    ]
    if faults:
        raise Misconfigured(tuple(faults))
    return list(dict.fromkeys(name for name in keys.values() if name))


def _place(party: str, registry: Path) -> str:
    """The file in which *party* stands already, else one named after it."""
    return names_of_parties(Folder((registry,))).get(party, f"{PARTIES}/{party.lower()}.toml")


def judge_files(files: Files, registry: Path) -> Mapping[PartyId, Party]:
    """The parties as they would be, read through links laid over the registry."""
    with tempfile.TemporaryDirectory(prefix="eco-gateway-") as folder:
        for relative, source in files:
            link = Path(folder) / relative
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(source.resolve())
        return load_parties(Folder((SHIPPED, registry, Path(folder))))


def _refuse_to_replace(files: Files, registry: Path) -> None:
    standing = [
        relative
        for relative, source in files
        if (registry / relative).is_file() and (registry / relative).read_bytes() != source.read_bytes()
    ]
    if standing:
        raise CommandFailed(f"{', '.join(standing)}: stands there with other content; --replace replaces it")
