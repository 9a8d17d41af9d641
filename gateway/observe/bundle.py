"""
The container of evidence: a ZIP whose every byte is accounted for.

Members are stored, in a fixed order and without times, so the same members always make the same bytes. The
manifest lists every other member with its length and SHA-256 and is sealed like a message.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography import x509
from lxml import etree

from gateway.domain.clock import rfc3339_exact
from gateway.domain.corridor import RegisteredCertificate
from gateway.domain.errors import Refused, SealRefused, Unreadable
from gateway.domain.xml import read_xml
from gateway.trust.check import SealedContent, check_seal
from gateway.trust.seal import is_as_sealed

EVIDENCE = "urn:eco-gateway:evidence:1.0"
MANIFEST = "manifest.xml"
MOST_BYTES = 512 * 1024 * 1024

_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_MODE = 0o100644 << 16
_UNREADABLE = (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, OSError, EOFError)


class BundleBroken(Exception):
    """The container cannot be read; the text says which member is at fault, where it is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What the manifest says: who made the bundle, when, about what, and the hash of every member by name."""

    by: str
    at: datetime
    about: str
    members: Mapping[str, tuple[int, str]]  # bytes, SHA-256 in hexadecimal


def pack(members: Mapping[str, bytes]) -> bytes:
    """The container of *members*, the manifest first."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members, key=lambda name: (name != MANIFEST, name)):
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system, info.external_attr = _UNIX, _MODE
            archive.writestr(info, members[name])
    return packed.getvalue()


def unpack(raw: bytes) -> dict[str, bytes]:
    """
    The members of a container.

    Raises:
        BundleBroken: it is no ZIP, a member is broken, or there are two of a name.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(raw))
    except _UNREADABLE as error:
        raise BundleBroken(f"cannot be read as a ZIP: {error}") from None
    with archive:
        members: dict[str, bytes] = {}
        if sum(info.file_size for info in archive.infolist()) > MOST_BYTES:
            raise BundleBroken("is larger unpacked than evidence ever is")
        for info in archive.infolist():
            if info.filename in members:
                raise BundleBroken(f"holds {info.filename} twice")
            try:
                members[info.filename] = archive.read(info)
            except _UNREADABLE as error:
                raise BundleBroken(f"{info.filename} is broken: {error}") from None
    return members


def manifest_of(members: Mapping[str, bytes], *, by: str, at: datetime, about: str) -> Manifest:
    """The manifest of *members*."""
    listed = {name: (len(content), _sha256(content)) for name, content in sorted(members.items())}
    return Manifest(by=by, at=at, about=about, members=listed)


def write_manifest(manifest: Manifest) -> etree._Element:
    """The manifest as a document, unsealed."""
    root = etree.Element(f"{{{EVIDENCE}}}Evidence", nsmap={None: EVIDENCE})
    texts = (("By", manifest.by), ("At", rfc3339_exact(manifest.at)), ("About", manifest.about))
    for name, text in texts:
        etree.SubElement(root, f"{{{EVIDENCE}}}{name}").text = text
    for name, (length, sha256) in manifest.members.items():
        etree.SubElement(root, f"{{{EVIDENCE}}}Member", name=name, bytes=str(length), sha256=sha256)
    return root


def read_manifest(root: etree._Element) -> Manifest:
    """
    Read a manifest; its seal is not looked at.

    Raises:
        Unreadable: it is none.
    """
    texts = {etree.QName(child).localname: child.text or "" for child in root.iterchildren("{*}*")}
    found = root.findall(f"{{{EVIDENCE}}}Member")
    try:
        if root.tag != f"{{{EVIDENCE}}}Evidence":
            raise ValueError
        members = {each.attrib["name"]: (int(each.attrib["bytes"]), each.attrib["sha256"]) for each in found}
        if len(members) != len(found):
            raise ValueError
        at = datetime.fromisoformat(texts["At"])
        if at.tzinfo is None:
            raise ValueError
        return Manifest(by=texts["By"], at=at.astimezone(UTC), about=texts["About"], members=members)
    except (KeyError, ValueError):
        raise Unreadable("No manifest of evidence") from None


def check_manifest(
    raw: bytes, *, registered: Sequence[RegisteredCertificate], anchor: x509.Certificate
) -> SealedContent:
    """
    Check the seal of the manifest by the certificates of the time it names, and each byte of it.

    Raises:
        Refused: the seal does not hold, or the manifest is not written as we write it.
    """
    at = read_manifest(read_xml(raw, limit=len(raw))).at
    content = check_seal(raw, registered=registered, anchor=anchor, at=at, limit=len(raw))
    if not is_as_sealed(raw, content.octets):
        raise SealRefused("The manifest means what was sealed, but is not written as it was", step=7)
    return content


def member_faults(members: Mapping[str, bytes], manifest: Manifest) -> list[str]:
    """Which members are not as the manifest lists them, one sentence each."""
    faults = [f"{name} is missing" for name in manifest.members if name not in members]
    faults += [f"{name} was added" for name in members if name not in manifest.members and name != MANIFEST]
    for name, (length, sha256) in manifest.members.items():
        content = members.get(name)
        if content is not None and (len(content), _sha256(content)) != (length, sha256):
            faults.append(f"{name} was altered")
    return faults


def manifest_in(members: Mapping[str, bytes]) -> Manifest:
    """
    The manifest among *members*, its seal not looked at.

    Raises:
        BundleBroken: there is none that can be read.
    """
    try:
        raw = members[MANIFEST]
        return read_manifest(read_xml(raw, limit=max(len(raw), 1)))
    except KeyError:
        raise BundleBroken(f"{MANIFEST} is missing") from None
    except Refused as refused:
        raise BundleBroken(f"{MANIFEST} cannot be read: {refused}") from None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
