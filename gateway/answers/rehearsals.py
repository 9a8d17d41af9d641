"""
Would our next certificates count at a party? Its gateway is asked, and answers by its numbered verification.

A rehearsal is a ping that names a time: sealed with the key in question, or sent over a connection that shows
it, and judged there as of that time. A receipt says that the certificates would count, a refusal which step
would fail. A gateway that knows no rehearsals judges as of now and refuses what is still to come; its words
tell at least whether the certificate is registered. Neither side acts on any of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime

from gateway.acknowledge.bodies import Ping, write_body
from gateway.acknowledge.findings import EXCHANGE, EXCHANGE_VERSION
from gateway.answers.desk import AnswerDesk
from gateway.answers.pings import FORM, outside_the_ledger
from gateway.domain.answer import Answer
from gateway.domain.clock import rfc3339
from gateway.domain.errors import (
    DeliveryFailed,
    Misconfigured,
    PartyAskedToWait,
    PartyRefused,
    PartyUnreachable,
)
from gateway.domain.ids import PartyId, new_conversation_id, new_message_id
from gateway.domain.message import Header, Letter, Sealed
from gateway.domain.status import MessageType
from gateway.intake.desk import Rehearsed
from gateway.store.records import CheckedReceipt, Claim
from gateway.trust.keys import OwnKey, OwnKeys
from gateway.workers import Workers


class Rehearsals:
    """
    Rehearses with every certificate of ours whose window has not closed.

    Args:
        send: puts a message on the wire, over a connection of its own where a TLS key is given.
        read: checks the answer; see ``read_answer``.
    """

    def __init__(
        self,
        desk: AnswerDesk,
        workers: Workers,
        keys: OwnKeys,
        *,
        send: Callable[[Claim, OwnKey | None], Awaitable[Answer]],
        read: Callable[[Claim, Answer], CheckedReceipt],
    ) -> None:
        self._desk = desk
        self._workers = workers
        self._keys = keys
        self._send = send
        self._read = read

    async def rehearse(self, party: PartyId, who: str) -> Sequence[Rehearsed]:
        """Ask *party* about each of our certificates, as of when we begin to use it; an event is kept."""
        now = self._desk.rooms.clock()
        found = [await self._one(party, *each) for each in self._wanted(now)]
        told = [asdict(each) | {"as_of": rfc3339(each.as_of)} for each in found]
        async with self._desk.ledger.page() as page:
            await page.event("operator:rehearse", at=now, party=party, who=who, detail={"certificates": told})
        return found

    def _wanted(self, now: datetime) -> Iterator[tuple[str, OwnKey, datetime]]:
        """Use, key, and from when it is used."""
        for use, keys in (("sign", self._keys.sign), ("tls", self._keys.tls)):
            for key in sorted(keys, key=lambda key: key.certificate.valid_from):
                if key.certificate.valid_to > now:
                    yield use, key, max(now, key.certificate.valid_from)

    async def _one(self, party: PartyId, use: str, key: OwnKey, as_of: datetime) -> Rehearsed:
        step, failed = None, await self._failure(party, use, key, as_of)
        if isinstance(failed, PartyRefused):
            step = next((finding.step for finding in failed.findings), None)
        return Rehearsed(
            use=use,
            file=key.certificate.file,
            fingerprint=key.certificate.fingerprint.hex(),
            as_of=as_of,
            counts=failed is None,
            answered=failed is None or isinstance(failed, PartyRefused),
            step=step,
            cause=None if failed is None else failed.cause,
        )

    async def _failure(self, party: PartyId, use: str, key: OwnKey, as_of: datetime) -> DeliveryFailed | None:
        """Why it would not count, or what kept us from hearing; None when it would."""
        sealing = key if use == "sign" else self._sealing_at(as_of)
        claim = outside_the_ledger(await self._workers.do(self._letter, party, sealing, as_of))
        try:
            answer = await self._send(claim, key if use == "tls" else None)
            await self._workers.do(self._read, claim, answer)
        except (PartyRefused, PartyAskedToWait, PartyUnreachable) as failed:
            return failed
        return None

    def _sealing_at(self, as_of: datetime) -> OwnKey | None:
        """Our key that seals at that time; None where there is none yet: then the one of the hour."""
        try:
            return self._keys.sign_key(as_of)
        except Misconfigured:
            return None

    def _letter(self, party: PartyId, key: OwnKey | None, as_of: datetime) -> Sealed:
        home = self._desk.rooms.home.id
        header = Header(
            sender=home,
            receiver=party,
            standard=EXCHANGE,
            type_version=EXCHANGE_VERSION,
            message_id=new_message_id(home),
            type=MessageType.PING,
            created_at=self._desk.rooms.clock(),
            conversation_id=new_conversation_id(home),
            form=FORM,
            rehearsed_at=as_of,
        )
        return self._desk.rooms.sealed(Letter(header=header, document=write_body(Ping())), key)
