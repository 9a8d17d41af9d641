"""What happens to certificates, done in a ledger with the verbs that the rooms use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import asyncpg

from gateway.domain.ids import FormId, MessageId, PartyId
from gateway.domain.message import Sealed
from gateway.domain.status import (
    AcknowledgedBy,
    AcknowledgementOutcome,
    CertificateLife,
    CustomsOutcome,
    DeliveryStatus,
    MessageType,
)
from gateway.store.ledger import Ledger
from gateway.store.page import Page
from gateway.store.records import CheckedReceipt, Claim, CustomsEntry, NewInbound, Outcome
from tests.store.making import FAULT, HOME, a_certificate, an_arrival, facts, sealed, sha256
from tests.year.stories import Act, Story

_NUMBERS = "SELECT number, certificate_no, message_no FROM certificate WHERE number = ANY ($1)"


class Hand:
    """Does the acts of stories in a ledger, one round after the other: in each one act of every story."""

    def __init__(self, ledger: Ledger, pool: asyncpg.Pool) -> None:
        self._ledger = ledger
        self._pool = pool
        self._message_nos: dict[str, int] = {}
        self._certificate_nos: dict[str, int] = {}

    async def do(self, acts: list[tuple[Story, Act]]) -> None:
        """Certificates come and are acknowledged side by side; all else goes on one page."""
        alone: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
            "submit": self.submit,
            "admit": self.admit,
            "acknowledge": self.acknowledge,
        }
        await asyncio.gather(
            *(alone[act.verb](story, act.at, **act.how) for story, act in acts if act.verb in alone)
        )
        await self._find([(story.number, act) for story, act in acts if act.verb in ("submit", "admit")])
        outcomes = [self.receipt(story, act.at, **act.how) for story, act in acts if act.verb == "receipt"]
        assert all(await self._ledger.settle(outcomes))
        for _, act in acts:
            if act.verb in ("hold", "release"):
                about = self._message_nos[act.how["about"]]
                await self._ledger.operate(act.verb, about, who="op", reason=None, at=act.at)
        others = [(story, act) for story, act in acts if hasattr(self, f"_{act.verb}")]
        if others:
            async with self._ledger.page() as page:
                for story, act in others:
                    await getattr(self, f"_{act.verb}")(page, story, act.at, **act.how)

    async def submit(self, story: Story, at: datetime, message: str, content: str) -> None:
        new = a_certificate(
            story.number,
            content.encode(),
            party=PartyId(story.corridor.party),
            organisation=story.office,
            at=at,
            form=FormId(story.corridor.form),
            issue_date=story.issued_on,
            importing_country=story.corridor.country,
        )
        header = replace(new.sealed.header, message_id=MessageId(message), created_at=at)
        await self._ledger.submit(replace(new, sealed=replace(new.sealed, header=header)))

    async def admit(self, story: Story, at: datetime, message: str, issued_on: date) -> None:
        new = self._arrival(story, MessageType.CERTIFICATE, message, at)
        country = story.corridor.country
        about = facts(
            story.number,
            form=FormId(story.corridor.form),
            issue_date=issued_on,
            issuing_country=country,
            exporting_country=country,
            importing_country="VN",
        )
        await self._ledger.admit_certificate(new, about, None, content_digest=sha256(b"theirs"))

    async def _find(self, came: list[tuple[str, Act]]) -> None:
        rows = await self._pool.fetch(_NUMBERS, [number for number, _ in came]) if came else []
        found = {row["number"]: row for row in rows}
        for number, act in came:
            self._certificate_nos[number] = found[number]["certificate_no"]
            self._message_nos[act.how["message"]] = found[number]["message_no"]

    # ---- deliveries ----------------------------------------------------------------------------------------

    def receipt(self, story: Story, at: datetime, about: str) -> Outcome:
        claim = Claim(
            message_no=self._message_nos[about],
            message_id=MessageId(about),
            conversation_id=sealed().header.conversation_id,
            type=MessageType.CERTIFICATE,
            party=PartyId(story.corridor.party),
            body=b"",
            digest=sha256(b""),
            created_at=at,
            attempts=0,
            waits_used=0,
            fence=0,
        )
        receipt = CheckedReceipt(body=b"<r/>", digest=claim.digest, signer="CN=them", at=at)
        return Outcome(
            claim=claim,
            status=DeliveryStatus.DELIVERED,
            due_in_s=0,
            waits_used=0,
            cause=None,
            receipt=receipt,
            at=at,
            took_ms=1,
        )

    # ---- acknowledgements ----------------------------------------------------------------------------------

    async def acknowledge(self, story: Story, at: datetime, about: str, outcome: str, by: str) -> None:
        findings = (FAULT,) if outcome == "rejected" else ()
        arrival = self._arrival(story, MessageType.ACKNOWLEDGEMENT, f"{about}-{by}", at, about=about)
        assert await self._ledger.admit_acknowledgement(
            arrival,
            about=MessageId(about),
            outcome=AcknowledgementOutcome(outcome),
            by=AcknowledgedBy(by),
            findings=findings,
        )

    async def _judge(self, page: Page, story: Story, at: datetime, about: str, outcome: str) -> None:
        await self._judged(page, story, at, about, outcome, AcknowledgedBy.NATIONAL_SYSTEM)

    async def _agree(self, page: Page, story: Story, at: datetime, about: str) -> None:
        await self._judged(page, story, at, about, "accepted", AcknowledgedBy.GATEWAY)

    async def _judged(
        self,
        page: Page,
        story: Story,
        at: datetime,
        about: str,
        outcome: str,
        by: AcknowledgedBy,
        code: str | None = None,
    ) -> None:
        await page.acknowledge(
            self._message_nos[about],
            certificate_no=self._certificate_nos[story.number],
            outcome=AcknowledgementOutcome(outcome),
            by=by,
            findings=() if code is None else (replace(FAULT, code=code),),
            at=at,
            carried_by=None,
        )

    # ---- cancelling ----------------------------------------------------------------------------------------

    async def _cancel(self, page: Page, story: Story, at: datetime, message: str) -> None:
        await self._write(page, story, MessageType.CANCELLATION, message, at)
        await self._live(page, story, at, CertificateLife.CANCEL_PENDING, before=CertificateLife.IN_FORCE)

    async def _conclude_cancellation(
        self, page: Page, story: Story, at: datetime, about: str, refused: bool
    ) -> None:
        outcome, code = ("rejected", "B06") if refused else ("accepted", None)
        await self._judged(page, story, at, about, outcome, AcknowledgedBy.GATEWAY, code)
        await self._live(page, story, at, CertificateLife.IN_FORCE if refused else CertificateLife.CANCELLED)

    async def _live(
        self,
        page: Page,
        story: Story,
        at: datetime,
        to: CertificateLife,
        before: CertificateLife | None = None,
    ) -> None:
        await page.move_life(self._certificate_nos[story.number], to, before=before, at=at, who="them")

    # ---- customs and verification --------------------------------------------------------------------------

    async def _respond(self, page: Page, story: Story, at: datetime, message: str, **said: Any) -> None:
        await self._write(page, story, MessageType.CUSTOMS_RESPONSE, message, at)
        await self._say(page, story, at, message, **said)

    async def _take_response(self, page: Page, story: Story, at: datetime, message: str, **said: Any) -> None:
        await self._take(page, story, MessageType.CUSTOMS_RESPONSE, message, at)
        await self._say(page, story, at, message, **said)

    async def _say(
        self,
        page: Page,
        story: Story,
        at: datetime,
        message: str,
        declaration: str,
        outcome: str,
        amount: Decimal,
        summary: str,
    ) -> None:
        entry = CustomsEntry(
            item=1, outcome=CustomsOutcome(outcome), quantity=amount, unit="KGM", declaration=declaration
        )
        await page.add_customs_entries(
            self._certificate_nos[story.number],
            self._message_nos[message],
            [entry],
            summary=CustomsOutcome(summary),
            at=at,
        )

    async def _take_verification(self, page: Page, story: Story, at: datetime, message: str) -> None:
        await self._take(page, story, MessageType.VERIFICATION_REQUEST, message, at)
        await page.event(
            "verification:requested",
            at=at,
            message_no=self._message_nos[message],
            certificate_no=self._certificate_nos[story.number],
        )

    async def _take_reply(self, page: Page, story: Story, at: datetime, about: str) -> None:
        await self._take(page, story, MessageType.VERIFICATION_REPLY, f"{about}-reply", at, about)

    async def _take_result(self, page: Page, story: Story, at: datetime, about: str) -> None:
        await self._take(page, story, MessageType.VERIFICATION_RESULT, f"{about}-result", at, about)

    async def _ask(self, page: Page, story: Story, at: datetime, message: str, about: str) -> None:
        await self._write(page, story, MessageType.VERIFICATION_REQUEST, message, at, about)

    async def _reply(self, page: Page, story: Story, at: datetime, message: str, about: str) -> None:
        await self._write(page, story, MessageType.VERIFICATION_REPLY, message, at, about)

    async def _conclude(self, page: Page, story: Story, at: datetime, message: str, about: str) -> None:
        await self._write(page, story, MessageType.VERIFICATION_RESULT, message, at, about)

    # ---- writing -------------------------------------------------------------------------------------------

    async def _write(
        self,
        page: Page,
        story: Story,
        kind: MessageType,
        message: str,
        at: datetime,
        about: str | None = None,
    ) -> None:
        self._message_nos[message] = await page.write_outbound(
            self._letter(story, kind, message, at, about),
            at=at,
            actor="clerk",
            certificate_no=self._certificate_nos[story.number],
            organisation=story.office,
        )

    async def _take(
        self,
        page: Page,
        story: Story,
        kind: MessageType,
        message: str,
        at: datetime,
        about: str | None = None,
    ) -> None:
        message_no = await page.write_inbound(
            self._arrival(story, kind, message, at, about),
            certificate_no=self._certificate_nos[story.number],
        )
        assert message_no is not None
        self._message_nos[message] = message_no

    def _arrival(
        self, story: Story, kind: MessageType, message: str, at: datetime, about: str | None = None
    ) -> NewInbound:
        letter = self._letter(story, kind, message, at, about)
        header = replace(letter.header, sender=letter.header.receiver, receiver=HOME)
        return replace(an_arrival(story.number), sealed=replace(letter, header=header), at=at)

    @staticmethod
    def _letter(story: Story, kind: MessageType, message: str, at: datetime, about: str | None) -> Sealed:
        return sealed(
            receiver=PartyId(story.corridor.party),
            form=FormId(story.corridor.form),
            type=kind,
            created_at=at,
            message_id=MessageId(message),
            certificate_number=story.number,
            ref_to_message_id=None if about is None else MessageId(about),
        )
