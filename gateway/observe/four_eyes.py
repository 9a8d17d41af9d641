"""
Four eyes over whom we believe: the parties' files, all certificates under ``certs/trust``, the roles.

The files remain what people write. A node that finds others than those in force proposes them, with what
is different in words, and goes on by those in force, which lie in the database; two people approve, and every
node takes them over. Who owns a machine and its database can still do as he likes; nobody else can, alone.
"""

from __future__ import annotations

import asyncio
import difflib
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import structlog
from cryptography import x509

from gateway.domain.clock import Clock
from gateway.domain.errors import Misconfigured
from gateway.observe.credentials import BY_ITSELF
from gateway.registry.folder import Approved, Folder, is_guarded
from gateway.registry.parties import load_parties
from gateway.store.ledger import Ledger
from gateway.trust.chain import UNREADABLE, name_of

log = structlog.get_logger(__name__)

ROLES = "roles.toml"


class FourEyes:
    """
    Guards one node; ``look`` is called by the node, first of all before its registry is read.

    Args:
        laid_down: the registry as it lies on this machine.
        roles: the file that makes roles of claims, as it lies on this machine.
        kept: a folder of this node, in which contents in force are laid.
    """

    def __init__(self, laid_down: Folder, roles: Path | None, kept: Path, clock: Clock) -> None:
        self._laid_down = laid_down
        self._roles = roles
        self._kept = kept
        self._clock = clock
        self._seen: str | None = None
        self.approved = Approved(kept / "nothing")

    @property
    def folder(self) -> Folder:
        """The registry as it counts."""
        return Folder(self._laid_down.layers, self.approved)

    @property
    def roles(self) -> Path | None:
        """The roles as they count."""
        path = self.approved.path / ROLES
        return path if path.is_file() else None

    async def look(self, ledger: Ledger) -> None:
        """
        Propose what was laid down since the last look; lay down here what came into force.

        Files that lag behind what another machine's were approved to say are left alone.
        """
        found = await asyncio.to_thread(self._found)
        in_force = await ledger.trust_in_force()
        if (digest := digest_of(found)) not in (in_force, self._seen):
            await self._propose(ledger, digest, found, in_force)
            in_force = await ledger.trust_in_force()
        self._seen = digest
        if in_force is not None and self.approved.path.name != in_force:
            files = await ledger.trust_files(in_force)
            await asyncio.to_thread(_lay_down, self._kept / in_force, files)
            self.approved.path = self._kept / in_force

    async def _propose(
        self, ledger: Ledger, digest: str, found: Mapping[str, bytes], in_force: str | None
    ) -> None:
        try:
            await asyncio.to_thread(load_parties, self._laid_down)
        except Misconfigured as error:
            log.error("credentials_refused", faults=[str(fault) for fault in error.faults])
            return
        before = {} if in_force is None else await ledger.trust_files(in_force)
        words = list(in_words(before, found))
        await ledger.propose_trust(digest, found, words, who=BY_ITSELF, at=self._clock())
        if in_force is not None:
            log.warning("trust_change_waits", sha256=digest, words=words)

    def _found(self) -> dict[str, bytes]:
        names = ("mappings/parties/*.toml", "certs/trust/*.pem")
        paths = {name: path for pattern in names for name, path in self._laid_down.glob(pattern)}
        files = {name: path.read_bytes() for name, path in paths.items() if is_guarded(name)}
        if self._roles is not None:
            files[ROLES] = self._roles.read_bytes()
        return files


def digest_of(files: Mapping[str, bytes]) -> str:
    """The name of a content: SHA-256 over the names of its files and theirs."""
    told = (f"{name} {hashlib.sha256(files[name]).hexdigest()}\n" for name in sorted(files))
    return hashlib.sha256("".join(told).encode()).hexdigest()


def in_words(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> Iterator[str]:
    """What is different, file by file: certificates by name and fingerprint, texts by their lines."""
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        yield f"{name}: {'gone' if new is None else 'new' if old is None else 'changed'}"
        if name.endswith(".pem"):
            yield from (f"- {_certificate(raw)}" for raw in (old,) if raw is not None)
            yield from (f"+ {_certificate(raw)}" for raw in (new,) if raw is not None)
        else:
            lines = difflib.unified_diff(_lines(old), _lines(new), lineterm="", n=0)
            yield from (line for line in lines if line[:2] not in ("--", "++", "@@"))


def _certificate(raw: bytes) -> str:
    try:
        return name_of(x509.load_pem_x509_certificate(raw))
    except UNREADABLE:
        return "no certificate"


def _lines(raw: bytes | None) -> list[str]:
    return [] if raw is None else raw.decode("utf-8", "replace").splitlines()


def _lay_down(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(content)
