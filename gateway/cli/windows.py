"""Writing windows of certificates into a party's file: scheduled, or closed early; judged before written."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from gateway.cli.failures import CommandFailed
from gateway.cli.files import write_file
from gateway.cli.registering import judge_files
from gateway.cli.scrutiny import seal_faults
from gateway.domain.corridor import Party
from gateway.domain.errors import Misconfigured
from gateway.domain.ids import PartyId
from gateway.registry.folder import Folder
from gateway.registry.parties import PARTIES, TRUST, names_of_parties


class PartyPaper:
    """One party's file in our own registry, as text that people wrote and will read again."""

    def __init__(self, registry: Path, party: str) -> None:
        relative = names_of_parties(Folder((registry,))).get(party)
        if relative is None:
            raise CommandFailed(f"{party} has no file under {registry / PARTIES}")
        self.registry = registry
        self.party = PartyId(party)
        self.relative = relative
        self.text = (registry / relative).read_text("utf-8")

    def with_window(self, use: str, file: str, begins: datetime, ends: datetime) -> str:
        """The text with another window at its end."""
        stamp = "%Y-%m-%dT%H:%M:%SZ"
        window = f'[[{use}]]\ncertificate = "{file}"\nfrom = {begins:{stamp}}\nto = {ends:{stamp}}\n'
        return f"{self.text.rstrip()}\n\n{window}"

    def closed(self, use: str, file: str, at: datetime) -> str:
        """
        The text with the window of *file* closed at *at*.

        Raises:
            CommandFailed: the text is not written so that it can be changed by a program.
        """
        window = re.compile(
            rf'(^\[\[{use}\]\][^\[]*?^certificate\s*=\s*"{re.escape(file)}"[^\[]*?^to\s*=\s*)[^\n#]*',
            re.MULTILINE,
        )
        changed, found = window.subn(rf"\g<1>{at:%Y-%m-%dT%H:%M:%SZ}", self.text)
        if found != 1:
            raise CommandFailed(
                f"{self.relative}: change the 'to' of {file} by hand, it is written unusually"
            )
        return changed

    def judged(self, text: str, certificates: Mapping[str, bytes]) -> Party:
        """
        The party as it would be with this *text* and these *certificates* by name.

        Raises:
            Misconfigured: with every fault that the registry's parties would then have.
        """
        with tempfile.TemporaryDirectory(prefix="eco-gateway-") as folder:
            files = []
            for relative, content in self._contents(text, certificates):
                path = Path(folder) / relative.replace("/", "-")
                path.write_bytes(content)
                files.append((relative, path))
            party = judge_files(files, self.registry)[self.party]
        if faults := tuple(seal_faults(self.relative, party)):
            raise Misconfigured(faults)
        return party

    def write(self, text: str, certificates: Mapping[str, bytes]) -> None:
        """Write both, certificates first, so that no window ever names a missing one."""
        for relative, content in self._contents(text, certificates):
            write_file(self.registry / relative, content)

    def _contents(self, text: str, certificates: Mapping[str, bytes]) -> list[tuple[str, bytes]]:
        placed = [(f"{TRUST}/{name}", content) for name, content in certificates.items()]
        return [*placed, (self.relative, text.encode())]
