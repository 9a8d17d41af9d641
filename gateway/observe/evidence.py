"""
Evidence: everything that proves one conversation, in one file that needs nothing else.

``messages/`` holds the exact bytes sent and received, with the receipts for them; ``log/`` the events with
their proofs and the sealed head they lead to; ``certificates/`` who the parties were; ``rules.json`` by which
schemas and rules it was judged; ``summary.txt`` tells it to people. ``evidence_check`` reads it again.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from gateway.domain.clock import Clock, rfc3339, rfc3339_exact
from gateway.domain.ids import PartyId
from gateway.domain.revocation import newest
from gateway.domain.status import Direction
from gateway.intake.standing import Agreed
from gateway.intake.views import message_view, track_view
from gateway.observe.bundle import MANIFEST, manifest_of, pack, write_manifest
from gateway.observe.event_log import LogKeeper
from gateway.observe.evidence_summary import summary
from gateway.registry.load import Registry
from gateway.store.event_log import Inclusion, TreeHead
from gateway.store.ledger import Ledger
from gateway.store.records import MessageRow, Story
from gateway.trust.sealer import Sealer

Json = dict[str, Any]

_LOOKS = 40
_LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRoom:
    """Gathers the evidence about a message and the certificate it is about, and seals its manifest."""

    ledger: Ledger
    log: LogKeeper
    registry: Registry
    home: PartyId
    sealer: Sealer
    clock: Clock
    workers: Executor

    async def export(self, message: MessageRow) -> bytes:
        """The bundle about *message* and all that was said about its certificate."""
        story = await self._story(message)
        listed, members = await self._messages(story)
        head, proved = await self._proved(story)
        members |= _log_members(head, proved)
        members |= self._certificates({entry["party"] for entry in listed})
        members["rules.json"] = _json(self._rules({entry["form"] for entry in listed}))
        members["story.json"] = _json(await self._told(message, story))
        about = message.certificate_number or message.message_id
        at = self.clock()
        members["conversation.json"] = _json({"home": self.home, "about": about, "messages": listed})
        members["summary.txt"] = summary(
            about=about, by=self.home, at=at, listed=listed, story=story, head=head, proved=proved
        ).encode()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.workers, self._packed, members, at, about)

    def _packed(self, members: dict[str, bytes], at: datetime, about: str) -> bytes:
        manifest = manifest_of(members, by=self.home, at=at, about=about)
        sealed = self.sealer.signal(write_manifest(manifest)).body
        return pack({**members, MANIFEST: sealed})

    async def _story(self, message: MessageRow) -> Story:
        if message.certificate_no is not None:
            return await self.ledger.story(message.certificate_no)
        return await self.ledger.story_of_message(message.message_no)

    async def _messages(self, story: Story) -> tuple[list[Json], dict[str, bytes]]:
        """Every message as it is listed, and its bytes and receipt as members."""
        listed: list[Json] = []
        members: dict[str, bytes] = {}
        for number, message in enumerate(story.messages, start=1):
            stem = f"messages/{number:02}-{message.direction}-{message.type}"
            out = message.direction is Direction.OUT
            files = {}
            for kind, name in (
                ("wire", f"{stem}.xml"),
                ("submitted", f"{stem}.submitted"),
                ("receipt" if out else "issued_receipt", f"{stem}.receipt.xml"),
            ):
                if (body := await self.ledger.document(message.message_no, kind)) is not None:
                    members[name] = body
                    files[kind.removeprefix("issued_")] = name
            listed.append(_listed(message, files))
        return listed, members

    async def _proved(self, story: Story) -> tuple[TreeHead | None, tuple[Inclusion, ...]]:
        """
        A head and the proofs of all events under it.

        An event enters the log as soon as every older transaction has ended, so the latest may take a moment.
        """
        nos = [message.message_no for message in story.messages]
        certificate_no = story.certificate.certificate_no if story.certificate else None
        head: TreeHead | None = None
        proved: tuple[Inclusion, ...] = ()
        for _ in range(_LOOKS):
            head = await self.log.head_over_everything()
            proved = await self.ledger.log.inclusions_of(nos, certificate_no, head.size if head else 0)
            if len(proved) >= len(story.events):
                break
            await asyncio.sleep(_LOOK_EVERY_S)
        return head, proved

    def _certificates(self, parties: set[str]) -> dict[str, bytes]:
        """Anchors and registered signing certificates of everybody concerned, and their windows."""
        known = {PartyId(party): self.registry.parties.get(PartyId(party)) for party in parties}
        known[self.home] = self.registry.parties[self.home]
        members: dict[str, bytes] = {}
        told: Json = {}
        for party_id, party in sorted(known.items()):
            if party is None:
                continue
            stem = f"certificates/{party_id}"
            members[f"{stem}.anchor.pem"] = party.anchor.public_bytes(Encoding.PEM)
            sign = []
            for number, each in enumerate(party.sign, start=1):
                name = f"{stem}.sign-{number}.pem"
                members[name] = each.certificate.public_bytes(Encoding.PEM)
                sign.append(
                    {
                        "certificate": name,
                        "from": rfc3339_exact(each.valid_from),
                        "to": rfc3339_exact(each.valid_to),
                        "revoked": each.revoked_at and rfc3339_exact(each.revoked_at),
                    }
                )
            told[party_id] = {"name": party.name, "anchor": f"{stem}.anchor.pem", "sign": sign}
            if (listed := newest(party.lists, party.anchor)) is not None:
                members[f"{stem}.revoked.crl"] = listed.body
                told[party_id]["revoked"] = f"{stem}.revoked.crl"
        members["certificates.json"] = _json(told)
        return members

    def _rules(self, forms: set[str]) -> Json:
        """SHA-256 of every schema and rule file by which the forms are judged now."""
        told: Json = {}
        for form in sorted(forms & set(self.registry.forms)):
            known = self.registry.forms[next(each for each in self.registry.forms if each == form)]
            told[form] = {path: _sha256(content) for path, content in sorted(known.sources.items())}
        exchange = self.registry.folder.glob("schemas/exchange/1.0/*.xsd")
        told["exchange/1.0"] = {path: _sha256(file.read_bytes()) for path, file in exchange}
        return told

    async def _told(self, message: MessageRow, story: Story) -> Json:
        if story.certificate is None:
            return message_view(message, story, self.home)
        agreed = Agreed(
            suspended=await self.ledger.party_states(), acknowledgement_within=self._acknowledgement_within
        )
        return track_view(story, agreed, self.home)

    def _acknowledgement_within(self, party: PartyId) -> timedelta | None:
        known = self.registry.parties.get(party)
        return None if known is None else known.patience.acknowledgement_within


def _listed(message: MessageRow, files: Mapping[str, str]) -> Json:
    return {
        "message_id": message.message_id,
        "direction": message.direction,
        "party": message.party,
        "type": message.type,
        "form": message.form,
        "certificate_number": message.certificate_number,
        "ref_to_message_id": message.ref_to_message_id,
        "digest": message.digest.hex(),
        "created_at": rfc3339(message.created_at),
        "recorded_at": rfc3339_exact(message.recorded_at),
        "files": dict(files),
    }


def _log_members(head: TreeHead | None, proved: tuple[Inclusion, ...]) -> dict[str, bytes]:
    if head is None:
        return {}
    entries = [
        {"entry": each.entry, "leaf": each.leaf, "proof": [hashed.hex() for hashed in each.proof]}
        for each in proved
    ]
    return {"log/head.xml": head.sealed, "log/entries.json": _json({"size": head.size, "entries": entries})}


def _json(told: Json) -> bytes:
    return json.dumps(told, ensure_ascii=False, indent=1).encode() + b"\n"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
