"""
Evidence read again, perhaps years later: offline, and at the time of the events.

Each check says what it found. The first three account for every byte; the rest say what the bytes prove: each
seal is judged by the certificates of its own time, each receipt held against the message it is for, and each
event against the sealed head of the log.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from gateway.acknowledge.signals import read_receipt
from gateway.domain.clock import rfc3339
from gateway.domain.corridor import RegisteredCertificate
from gateway.domain.envelope import read_header
from gateway.domain.errors import Refused
from gateway.domain.merkle import leaf_hash, root_by_inclusion
from gateway.domain.revocation import read_list
from gateway.domain.seals import ANY_PROFILE
from gateway.observe.bundle import (
    MANIFEST,
    BundleBroken,
    Manifest,
    check_manifest,
    manifest_in,
    member_faults,
    pack,
    unpack,
)
from gateway.trust.chain import UNREADABLE, chain_fault, name_of
from gateway.trust.check import SealedContent, check_seal
from gateway.trust.tree_head import SignedHead, check_tree_head

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceCheck:
    """One check: what was looked at, whether it is good, and what was found."""

    what: str
    good: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signatory:
    """A party as the bundle tells of it."""

    anchor: x509.Certificate
    sign: tuple[RegisteredCertificate, ...]
    revoked: bytes | None  # its authority's list


class _Wrong(Exception):
    """A check failed; the text says why."""


def check_evidence(raw: bytes, trust: Sequence[x509.Certificate]) -> list[EvidenceCheck]:
    """
    Check a bundle and explain it.

    Args:
        trust: anchors or signing certificates; every party's must be among them or issued by one. Without any
            the bundle is held against itself alone.
    """
    try:
        members = unpack(raw)
        manifest = manifest_in(members)
    except BundleBroken as broken:
        return [_bad("container", str(broken))]
    faults = [_bad("members", fault) for fault in member_faults(members, manifest)]
    if not faults and pack(members) != raw:
        faults.append(_bad("container", "bytes between or around its members were changed"))
    if faults:
        return faults + [each for each in _read(members, manifest, trust, MANIFEST) if not each.good]
    whole = f"{len(raw)} bytes, {len(members)} members, each as the manifest lists it"
    return [_good("container", whole), *_read(members, manifest, trust)]


def _read(
    members: Mapping[str, bytes], manifest: Manifest, trust: Sequence[x509.Certificate], only: str = ""
) -> list[EvidenceCheck]:
    found: list[EvidenceCheck] = []
    try:
        for check in _Reader(members, manifest, trust).checks():
            found.append(check)
            if check.what == only:
                break
    except (KeyError, AttributeError, *UNREADABLE) as error:
        found.append(_bad("content", f"is not as we write it: {error!r}"))
    return found


class _Reader:
    """Reads the members of a bundle whose bytes are accounted for by its manifest."""

    def __init__(
        self, members: Mapping[str, bytes], manifest: Manifest, trust: Sequence[x509.Certificate]
    ) -> None:
        self._members = members
        self._manifest = manifest
        self._trust = trust
        self._conversation = self._json("conversation.json")
        self._home = str(self._conversation["home"])
        self._signatories = dict(self._read_signatories())
        self._entries: list[Json] = []

    def checks(self) -> Iterator[EvidenceCheck]:
        """Every check after the container's, in an order to be read."""
        yield self._told(MANIFEST, self._check_manifest)
        for party, signatory in sorted(self._signatories.items()):
            yield self._told(f"party {party}", lambda party=party: self._check_party(party))
            if signatory.revoked is not None:
                yield self._told(f"revocation list {party}", lambda party=party: self._check_list(party))
        if "log/head.xml" in self._members:
            yield self._told("log head", self._check_head)
            yield self._told("log events", self._check_entries)
        for number, message in enumerate(self._conversation["messages"], start=1):
            check = self._check_message if "wire" in message["files"] else self._tell_gone
            yield self._told(f"message {number}", lambda message=message, check=check: check(message))
            if "receipt" in message["files"]:
                yield self._told(f"receipt {number}", lambda message=message: self._check_receipt(message))

    def _told(self, what: str, check: Any) -> EvidenceCheck:
        try:
            return _good(what, check())
        except (Refused, _Wrong) as wrong:
            return _bad(what, str(wrong))

    # ---- who -----------------------------------------------------------------------------------------------

    def _read_signatories(self) -> Iterator[tuple[str, _Signatory]]:
        for party, told in self._json("certificates.json").items():
            sign = tuple(
                RegisteredCertificate(
                    file=each["certificate"],
                    certificate=self._pem(each["certificate"]),
                    valid_from=datetime.fromisoformat(each["from"]),
                    valid_to=datetime.fromisoformat(each["to"]),
                    revoked_at=datetime.fromisoformat(each["revoked"]) if each["revoked"] else None,
                )
                for each in told["sign"]
            )
            revoked = self._members[told["revoked"]] if "revoked" in told else None
            yield party, _Signatory(anchor=self._pem(told["anchor"]), sign=sign, revoked=revoked)

    def _check_party(self, party: str) -> str:
        signatory = self._signatories[party]
        print_of = signatory.anchor.fingerprint(hashes.SHA256()).hex()
        who = f"{name_of(signatory.anchor)}, SHA-256 {print_of}"
        if not self._trust:
            return f"anchor {who}; compare it, nobody vouches for it here"
        signers = {each.certificate for each in signatory.sign}
        for each in self._trust:
            if each in signers or chain_fault(signatory.anchor, each) is None:
                return f"anchor {who}; vouched for by {name_of(each)}"
        raise _Wrong(f"nothing given with --trust vouches for it; its anchor is {who}")

    def _check_list(self, party: str) -> str:
        signatory = self._signatories[party]
        try:
            listed = read_list(signatory.revoked or b"", (signatory.anchor,), source=party)
        except ValueError as error:
            raise _Wrong(f"it {error}") from None
        for each in signatory.sign:
            if each.revoked_at != listed.revoked.get(each.certificate.serial_number):
                raise _Wrong(f"it says something else about {name_of(each.certificate)}")
        until = "" if listed.next_update is None else f", fresh until {rfc3339(listed.next_update)}"
        issued = f"issued {rfc3339(listed.this_update)}{until}"
        return f"{issued}, signed by the anchor, {len(listed.revoked)} revoked"

    def _check_manifest(self) -> str:
        by = self._signatory(self._manifest.by)
        content = check_manifest(self._members[MANIFEST], registered=by.sign, anchor=by.anchor)
        return f"{_sealed_by(content)}, made {rfc3339(self._manifest.at)} by {self._manifest.by}"

    # ---- the log -----------------------------------------------------------------------------------------

    def _check_head(self) -> str:
        head = self._head()
        return f"{head.size} events at {rfc3339(head.at)}, root {head.root.hex()}"

    def _head(self) -> SignedHead:
        home = self._signatory(self._home)
        head = check_tree_head(self._members["log/head.xml"], registered=home.sign, anchor=home.anchor)
        if head.log != self._home:
            raise _Wrong(f"it is a head of the log of {head.log}")
        return head

    def _check_entries(self) -> str:
        head, told = self._head(), self._json("log/entries.json")
        for each in told["entries"]:
            proof = [bytes.fromhex(hashed) for hashed in each["proof"]]
            hashed = leaf_hash(each["entry"].encode())
            if root_by_inclusion(each["leaf"], head.size, hashed, proof) != head.root:
                raise _Wrong(f"leaf {each['leaf']} is not in the log under this head")
            self._entries.append(json.loads(each["entry"]))
        return f"{len(self._entries)} events, each proved to be in the log"

    def _event_at(self, message_id: str, digest: str, *what: str) -> datetime | None:
        """When the log first tells of this message and these bytes; of one of *what* where given."""
        for entry in self._entries:
            detail = entry["detail"] or {}
            bytes_told = (
                (entry["message_id"], entry["digest"]),
                (detail.get("carried_by"), detail.get("digest")),
            )
            if (message_id, digest) in bytes_told and (not what or entry["what"] in what):
                return datetime.fromisoformat(entry["at"])
        return None

    # ---- messages ------------------------------------------------------------------------------------------

    def _check_message(self, message: Json) -> str:
        raw = self._members[message["files"]["wire"]]
        if hashlib.sha256(raw).hexdigest() != message["digest"]:
            raise _Wrong("its bytes are not those of the digest it is listed with")
        out = message["direction"] == "out"
        sender = self._signatory(self._home if out else message["party"])
        at = datetime.fromisoformat(message["recorded_at"])
        content = self._sealed(raw, sender, at)
        header = read_header(content.root)
        ends = (self._home, message["party"]) if out else (message["party"], self._home)
        if (header.message_id, header.sender, header.receiver) != (message["message_id"], *ends):
            raise _Wrong("its header is not what it is listed with")
        logged = self._event_at(message["message_id"], message["digest"])
        if logged is None:
            raise _Wrong("the log tells nothing of these bytes under this message id")
        number = f" about {header.certificate_number}" if header.certificate_number else ""
        return (
            f"{header.type}{number} from {header.sender} to {header.receiver}, {_sealed_by(content)},"
            f" valid on {rfc3339(at)}; in the log since {rfc3339(logged)}"
        )

    def _tell_gone(self, message: Json) -> str:
        """Of bytes past the time for which they are kept, the log still says which they were."""
        logged = self._event_at(message["message_id"], message["digest"])
        if logged is None:
            raise _Wrong("the log tells nothing of these bytes under this message id")
        return (
            f"{message['type']} {message['message_id']}: its bytes were not kept any longer; SHA-256"
            f" {message['digest']}, in the log since {rfc3339(logged)}"
        )

    def _check_receipt(self, message: Json) -> str:
        out = message["direction"] == "out"
        giver = self._signatory(message["party"] if out else self._home)
        listed = datetime.fromisoformat(message["recorded_at"])
        stored = self._event_at(
            message["message_id"], message["digest"], "receipt:stored", "delivery:delivered"
        )
        raw = self._members[message["files"]["receipt"]]
        at = stored if out and stored is not None else listed
        content = self._sealed(raw, giver, at)
        signal = read_receipt(content.root)
        if (signal.message_id, signal.digest.hex()) != (message["message_id"], message["digest"]):
            raise _Wrong("it is for another message or for other bytes")
        given = f" given {rfc3339(signal.at)}" if signal.at else ""
        return f"for these very bytes,{given}, {_sealed_by(content)}, valid on {rfc3339(at)}"

    # ---- parts ---------------------------------------------------------------------------------------------

    def _sealed(self, raw: bytes, by: _Signatory, at: datetime) -> SealedContent:
        """The bundle does not tell which way of sealing was agreed then; each that we know is good."""
        return check_seal(
            raw, registered=by.sign, anchor=by.anchor, profiles=ANY_PROFILE, at=at, limit=len(raw)
        )

    def _signatory(self, party: str) -> _Signatory:
        if party not in self._signatories:
            raise _Wrong(f"the bundle holds no certificates of {party}")
        return self._signatories[party]

    def _json(self, name: str) -> Json:
        told: Json = json.loads(self._members[name])
        return told

    def _pem(self, name: str) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self._members[name])


def _sealed_by(content: SealedContent) -> str:
    return f"sealed by {name_of(content.certificate.certificate)}"


def _good(what: str, detail: str) -> EvidenceCheck:
    return EvidenceCheck(what=what, good=True, detail=detail)


def _bad(what: str, detail: str) -> EvidenceCheck:
    return EvidenceCheck(what=what, good=False, detail=detail)
