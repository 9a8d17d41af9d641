"""
What is done to a message between the bytes that a party brings and the commit.

Check the seal, see whether it was agreed, read it out of its dialect, judge it, seal our receipt and our
acknowledgement. All of it is pure and runs in a worker thread.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from lxml import etree

from gateway.acknowledge.bodies import read_body
from gateway.acknowledge.signals import receipt
from gateway.answers.desk import AnswerDesk
from gateway.domain.corridor import Corridor
from gateway.domain.errors import FormNotAgreed, Unreadable
from gateway.domain.message import Arrived, Checked
from gateway.domain.status import MessageType
from gateway.domain.words import ENGLISH
from gateway.rooms import Opened, Rooms, canonical_bytes, has_error
from gateway.route.belonging import strangers
from gateway.route.corridors import agreed_way
from gateway.trust.check import check_message
from gateway.validate.facts import claimed_facts, facts_of


class Opening:
    """The pure part of the way in."""

    def __init__(self, rooms: Rooms, desk: AnswerDesk) -> None:
        self._rooms = rooms
        self._desk = desk

    def open(self, arrived: Arrived) -> Opened:
        """
        Check, read and judge what a party brought, and seal our receipt; nothing is kept yet.

        Raises:
            Refused: it is refused on the wire.
        """
        rooms = self._rooms
        checked = check_message(
            arrived,
            parties=rooms.registry.parties,
            home=rooms.home.id,
            skew=rooms.skew,
            replay_window=rooms.replay_window,
            limit=rooms.limit,
        )
        agreed = self._agreed(checked)
        understood = rooms.understood(checked)
        signal = receipt(checked.header, arrived.digest, home=rooms.home.id, at=rooms.clock())
        opened = Opened(
            checked=checked,
            findings=understood.findings,
            facts=None,
            body=None,
            receipt=rooms.sealer.signal(signal, rooms.registry.parties[checked.header.sender].seal),
            spoken=understood.spoken,
        )
        if understood.document is None:
            return opened
        if checked.header.type is MessageType.CERTIFICATE:
            return self._open_certificate(opened, understood.document, agreed)
        findings = rooms.exchange.judge(understood.document, checked.header.type)
        return replace(opened, findings=findings, body=None if findings else read_body(understood.document))

    def _open_certificate(self, opened: Opened, document: etree._Element, agreed: Corridor | None) -> Opened:
        header = opened.checked.header
        form, sender = self._rooms.registry.forms[header.form], self._rooms.registry.parties[header.sender]
        claims = claimed_facts(document, form)
        findings = self._rooms.against(document, form, agreed, claims=claims, at=opened.checked.arrived.at)
        findings += strangers(
            claims,
            document,
            form.words_in(ENGLISH),
            exporting=sender.country,
            importing=self._rooms.home.country,
        )
        facts = None if has_error(findings) else facts_of(document, form)
        acknowledgement = None
        if facts is not None and sender.acknowledgements:
            acknowledgement = self._desk.acknowledgement(header, findings)
        return replace(
            opened,
            findings=findings,
            facts=facts,
            content_digest=hashlib.sha256(canonical_bytes(document)).digest(),
            acknowledgement=acknowledgement,
        )

    def _agreed(self, checked: Checked) -> Corridor | None:
        """The corridor that has agreed the form, if the message needs one, and we its type; else S03."""
        registry, header = self._rooms.registry, checked.header
        agreed = agreed_way(
            registry.corridors,
            sender=header.sender,
            receiver=header.receiver,
            form=header.form,
            kind=header.type,
        )
        form = registry.forms.get(header.form)
        is_canonical = self._rooms.dialects.spoken_in(checked.document) is None
        if (
            header.type is MessageType.CERTIFICATE
            and is_canonical
            and form
            and form.namespace != header.standard
        ):
            raise Unreadable(f"FORM is {header.form}, but the document is in {header.standard[:200]!r}")
        if header.type not in self._rooms.home.messages:
            raise FormNotAgreed(f"{self._rooms.home.id} takes no {header.type}")
        return agreed
