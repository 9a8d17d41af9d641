"""
The numbered checks every message from abroad must pass before anything in it is believed.

1. size, well-formed, no DTD, attributes in measure; the header complete, at one with the document: S01, S04
2. one Signature, last child of the root, over the whole document, as a profile agreed with the sender: G01
3. algorithms and key size, as that profile allows: G01
4. the certificate is one of the sender's registered ones, its window covers now: G02
5. it chains to the party's anchor, may sign, is valid now: G02
6. signature value and digest: G01
7. from here on only what was signed is read, and it says what was received: the tree is built anew from the
   signed octets, unless the bytes received are those octets with the seal put in
8. (the signatory's specimen is held against its list elsewhere)
9. created within the clocks' tolerance and the replay window: D04; ids seen before are the ledger's business

Between 1 and 2 the parties are looked at, as the sender decides whose certificates count: a sender nobody
knows or a message for somebody else is C01, a sender that is not the one whose client certificate brought
the message is T02. A repeat is answered after 1, before all else; hence ``open_message`` stands alone.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from lxml import etree

from gateway.domain.clock import rfc3339
from gateway.domain.corridor import Party, RegisteredCertificate
from gateway.domain.envelope import business_document, is_envelope, read_header
from gateway.domain.errors import Fault, NotForUs, OutsideClock, SealRefused
from gateway.domain.ids import PartyId
from gateway.domain.message import Arrived, Checked, Header
from gateway.domain.seals import ECO_HTTPS, SealProfile
from gateway.domain.xml import MAX_MESSAGE_BYTES, read_xml
from gateway.trust.algorithms import PublicKey, public_key_of
from gateway.trust.chain import check_chain, load_der, registered_certificate
from gateway.trust.seal import DECLARATION
from gateway.trust.signature import Signature, allowed, find_signature, signed_octets

_local = threading.local()


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedContent:
    """What was signed, and by which registered certificate; *root* says what *octets* say, and no more."""

    octets: bytes
    root: etree._Element
    certificate: RegisteredCertificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A message after step 1, from a party we know, for us; its seal has not been looked at."""

    arrived: Arrived
    header: Header
    party: Party
    root: etree._Element


def open_message(
    arrived: Arrived, *, parties: Mapping[PartyId, Party], home: PartyId, limit: int = MAX_MESSAGE_BYTES
) -> Opened:
    """
    Step 1, and who sends it to whom.

    Args:
        limit: the largest message that is taken, in bytes.

    Raises:
        TooLarge, Unreadable: step 1.
        NotForUs: the sender is unknown or the receiver somebody else (C01), or the client certificate is
            another party's (T02).
    """
    root = read_xml(arrived.body, limit=limit)
    header = read_header(root)
    return Opened(arrived=arrived, header=header, party=_sender(header, arrived, parties, home), root=root)


def check_opened(
    opened: Opened, *, skew: timedelta, replay_window: timedelta, limit: int = MAX_MESSAGE_BYTES
) -> Checked:
    """
    Steps 2 to 7 and the clocks of step 9, as of the time of arrival. *opened* is used up.

    The seal of a rehearsal is judged as of the time for which it is one, if that is still to come.

    Returns:
        The header and the business document as they were signed; the document is the root of a tree of its
        own, and its lines are those of the bytes received.

    Raises:
        SealRefused: steps 2 to 7, with the number of the step.
        OutsideClock: step 9.
    """
    arrived = opened.arrived
    at = max(arrived.at, opened.header.rehearsed_at or arrived.at)
    try:
        content = _check_tree(
            arrived.body,
            opened.root,
            registered=opened.party.sign,
            anchor=opened.party.anchor,
            profiles=opened.party.seals,
            at=at,
            limit=limit,
        )
    except SealRefused as refused:
        if at == arrived.at:
            raise
        text = f"Rehearsed as if our clock said {rfc3339(at)}: {refused}"
        raise SealRefused(text, step=refused.step, code=Fault(refused.code), action=refused.action) from None
    # The tree that was opened is the one its header was read from; any other is read again.
    if content.root is not opened.root and read_header(content.root) != opened.header:
        raise SealRefused("The header that was signed is not the header that was received", step=7)
    check_clock(opened.header.created_at, arrived.at, skew=skew, replay_window=replay_window)
    document = copy.deepcopy(business_document(content.root))
    document.tail = None
    return Checked(arrived=arrived, header=opened.header, document=document, certificate=content.certificate)


def check_message(
    arrived: Arrived,
    *,
    parties: Mapping[PartyId, Party],
    home: PartyId,
    skew: timedelta,
    replay_window: timedelta,
    limit: int = MAX_MESSAGE_BYTES,
) -> Checked:
    """
    All of it in one: ``open_message``, then ``check_opened``.

    Raises:
        Refused: see there.
    """
    opened = open_message(arrived, parties=parties, home=home, limit=limit)
    return check_opened(opened, skew=skew, replay_window=replay_window, limit=limit)


def check_seal(
    raw: bytes,
    *,
    registered: Sequence[RegisteredCertificate],
    anchor: x509.Certificate,
    at: datetime,
    profiles: Sequence[SealProfile] = (ECO_HTTPS,),
    limit: int = MAX_MESSAGE_BYTES,
) -> SealedContent:
    """
    Steps 1 to 6 on any sealed document: a receipt, an exception, a business document.

    Args:
        registered: the signing certificates of the party that should have sealed it.
        at: the time to judge by; a past document is judged by the certificates of its own time.
        profiles: the ways to seal that were agreed with that party.

    Raises:
        TooLarge, Unreadable: step 1.
        SealRefused: steps 2 to 6, with the number of the step.
    """
    root = read_xml(raw, limit=limit)
    return _check_tree(raw, root, registered=registered, anchor=anchor, profiles=profiles, at=at, limit=limit)


def check_clock(created_at: datetime, at: datetime, *, skew: timedelta, replay_window: timedelta) -> None:
    """
    Step 9, its part about time: not from the future beyond *skew*, not older than *replay_window*.

    Raises:
        OutsideClock: with both times and their difference in seconds.
    """
    clocks = f"Created at {rfc3339(created_at)}, but our clock says {rfc3339(at)}"
    if created_at - at > skew:
        raise OutsideClock(f"{clocks}: {_seconds(created_at - at)} ahead of us, {_seconds(skew)} tolerated")
    if at - created_at > replay_window:
        raise OutsideClock(f"{clocks}: {_seconds(at - created_at)} ago, {_seconds(replay_window)} tolerated")


def embedded_key(signature: Signature, registered: Sequence[RegisteredCertificate]) -> PublicKey | None:
    """
    The key of the certificate in the seal, for step 3; None where it is of no kind we know.

    Raises:
        SealRefused: what stands there is no certificate (step 2).
    """
    for each in registered:
        if each.der == signature.certificate:
            return public_key_of(each.certificate)
    certificate = load_der(signature.certificate)
    if certificate is None:
        raise SealRefused("X509Certificate does not hold a certificate", step=2)
    return public_key_of(certificate)


def reread(raw: bytes) -> etree._Element:
    """
    A sealed document of the ledger, as it was read when its seal was checked: comments cut no text.

    The seal is not checked again. Of bytes that were never checked nothing may be read in this way.

    Raises:
        SealRefused: the bytes cannot be read.
    """
    return rebuilt(raw)


def said_in(raw: bytes) -> etree._Element:
    """
    The document in canonical form that *raw* is, or that the message of these bytes holds; see ``reread``.

    Raises:
        SealRefused: the bytes cannot be read.
    """
    root = reread(raw)
    return business_document(root) if is_envelope(root) else root


def rebuilt(octets: bytes, *, first_line: int = 1) -> etree._Element:
    """
    The document that was signed, from the signed *octets* and nothing else.

    Processing instructions carry no content and are left off, so that no text is cut at one.

    Args:
        first_line: where the root began in the bytes received; canonical form drops what stood before it.

    Raises:
        SealRefused: the parser's own limits do not take it back in.
    """
    parser: etree.XMLParser | None = getattr(_local, "parser", None)
    if parser is None:
        parser = _local.parser = etree.XMLParser(
            resolve_entities=False, no_network=True, huge_tree=False, remove_pis=True, remove_comments=True
        )
    try:
        return etree.fromstring(b"\n" * (first_line - 1) + octets, parser)
    except etree.XMLSyntaxError:
        raise SealRefused("What was signed cannot be read back", step=7) from None


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.3f}".rstrip("0").rstrip(".") + " seconds"


def _sender(header: Header, arrived: Arrived, parties: Mapping[PartyId, Party], home: PartyId) -> Party:
    party = parties.get(header.sender)
    if party is None:
        raise NotForUs(f"The Sender {header.sender} is no party known to {home}")
    if header.sender != arrived.client:
        raise NotForUs(
            f"The Sender is {header.sender}, but the client certificate is that of {arrived.client}",
            code=Fault.TLS,
        )
    if arrived.client_from is not None and (header.rehearsed_at or arrived.at) < arrived.client_from:
        text = f"The client certificate of {arrived.client} counts from {rfc3339(arrived.client_from)}"
        raise NotForUs(f"{text}; our clock says {rfc3339(arrived.at)}", code=Fault.TLS)
    if header.receiver != home:
        raise NotForUs(f"The Receiver is {header.receiver}, but this is {home}")
    return party


def _check_tree(
    raw: bytes,
    root: etree._Element,
    *,
    registered: Sequence[RegisteredCertificate],
    anchor: x509.Certificate,
    profiles: Sequence[SealProfile],
    at: datetime,
    limit: int,
) -> SealedContent:
    line = root.sourceline or 1
    signature = find_signature(root, profiles)
    key = allowed(signature, embedded_key(signature, registered))
    certificate = registered_certificate(signature.certificate, registered, at)
    check_chain(certificate.certificate, anchor, at)
    octets = signed_octets(root, signature, key, limit=limit)
    if not _is_sealed_form_of(raw, octets):
        root = rebuilt(octets, first_line=line)
    return SealedContent(octets=octets, root=root, certificate=certificate)


def _is_sealed_form_of(raw: bytes, octets: bytes) -> bool:
    """
    Whether *raw* is the signed *octets* with nothing but the seal put in before their end.

    Our own seals are written so. The tree of such bytes, its Signature taken off, is the tree of the octets
    themselves: canonical form holds no comment, and processing instructions are asked for here.
    """
    end = octets.rindex(b"</")
    begin = len(DECLARATION) if raw.startswith(DECLARATION) else 0
    return (
        raw.startswith(octets[:end], begin)
        and raw.endswith(octets[end:])
        and len(raw) >= begin + len(octets)
        and b"<?" not in octets
    )
