"""A party abroad for which the test itself speaks: it seals whatever it is told to, and posts it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from gateway.acknowledge.bodies import TYPES, Body, write_body
from gateway.acknowledge.findings import EXCHANGE, EXCHANGE_VERSION
from gateway.domain.ids import CertificateNumber, ConversationId, FormId, MessageId, PartyId
from gateway.domain.message import Header, Sealed
from gateway.domain.status import MessageType
from gateway.trust.keys import load_keys
from gateway.trust.sealer import Sealer
from gateway.trust.tls import client_context
from tests.exchange.contract import CLOCK, FORM_D, Json, Pair, Side, as_xml

_ids = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Posted:
    """What was sent, and how it was answered."""

    sealed: Sealed
    status: int
    retry_after: str | None

    @property
    def message_id(self) -> str:
        return self.sealed.header.message_id


class Abroad:
    """*party* of the pair's registry, which speaks to *to*."""

    def __init__(self, pair: Pair, party: str, to: Side, *, at: datetime = CLOCK) -> None:
        registry = to.registry
        home = to.settings.home
        assert home is not None
        self._registry = registry
        self._party, self._to = registry.parties[PartyId(party)], registry.parties[home]
        keys = load_keys(pair.work / "keys" / party, self._party, at)
        self._sealer = Sealer(keys, lambda: at)
        self._tls = client_context(keys.tls_key(at), self._to)
        self._session = to.session
        self._at = at

    async def certificate(
        self,
        record: Json,
        *,
        message_id: str | None = None,
        conversation: str | None = None,
        spoil: bool = False,
    ) -> Posted:
        """Send the certificate of *record*; a spoilt one has an element that no schema knows."""
        document = etree.fromstring(as_xml(self._registry, record))
        namespace = etree.QName(document).namespace
        assert namespace is not None
        if spoil:
            etree.SubElement(document, f"{{{namespace}}}Nonsense").text = "x"
        return await self._post(
            document,
            kind=MessageType.CERTIFICATE,
            standard=namespace,
            number=record["certificate_number"],
            conversation=conversation,
            about=None,
            message_id=message_id,
        )

    async def say(
        self,
        body: Body,
        *,
        number: str | None,
        about: str | None,
        conversation: str,
        message_id: str | None = None,
    ) -> Posted:
        """Send an exchange document about Form D *number*, which message *about* carried."""
        return await self._post(
            write_body(body),
            kind=TYPES[type(body)],
            standard=EXCHANGE,
            number=number,
            conversation=conversation,
            about=about,
            message_id=message_id,
        )

    async def carry(
        self,
        document: etree._Element,
        *,
        kind: MessageType,
        number: str,
        message_id: str | None = None,
        conversation: str | None = None,
        about: str | None = None,
    ) -> Posted:
        """Send *document* as it is, about Form D *number*, whatever it says itself."""
        namespace = etree.QName(document).namespace
        assert namespace is not None
        return await self._post(
            document,
            kind=kind,
            standard=namespace,
            number=number,
            conversation=conversation,
            about=about,
            message_id=message_id,
        )

    async def _post(
        self,
        document: etree._Element,
        *,
        kind: MessageType,
        standard: str,
        number: str | None,
        conversation: str | None,
        about: str | None,
        message_id: str | None,
    ) -> Posted:
        own = f"{next(_ids)}@{self._party.id.lower()}"
        header = Header(
            sender=self._party.id,
            receiver=self._to.id,
            standard=standard,
            type_version=EXCHANGE_VERSION,
            message_id=MessageId(message_id or f"m{own}"),
            type=kind,
            created_at=self._at,
            conversation_id=ConversationId(conversation or f"c{own}"),
            form=FormId(f"{FORM_D}/1.0"),
            certificate_number=None if number is None else CertificateNumber(number),
            ref_to_message_id=None if about is None else MessageId(about),
        )
        return await self.again(self._sealer.message(header, document))

    async def again(self, sealed: Sealed) -> Posted:
        """Send these very bytes."""
        async with self._session.post(
            self._to.endpoint,
            data=sealed.body,
            headers={"Content-Type": "application/xml"},
            ssl=self._tls,
        ) as answer:
            await answer.read()
            return Posted(sealed=sealed, status=answer.status, retry_after=answer.headers.get("Retry-After"))
