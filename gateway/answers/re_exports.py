"""The quantities of back-to-back certificates: reserved before a certificate is written, under a lock."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from gateway.acknowledge.re_exports import (
    Goods,
    Taking,
    goods_of,
    judge_re_export,
    originals_of,
    unknown_original,
)
from gateway.acknowledge.units import factors_of
from gateway.acknowledge.utilisation import Quantity
from gateway.domain.errors import ContentRefused
from gateway.domain.ids import MessageId, family_of
from gateway.rooms import Rooms, has_error
from gateway.store.ledger import Ledger
from gateway.store.page import Page
from gateway.store.records import NewCertificate, ReExportRow
from gateway.trust.check import said_in


class ReExports:
    """Reserves what a back-to-back certificate takes from originals that our ledger knows."""

    def __init__(self, rooms: Rooms, ledger: Ledger) -> None:
        self._rooms = rooms
        self._ledger = ledger
        self._factors = factors_of(rooms.registry.conversions.items())

    async def reserve(self, new: NewCertificate) -> NewCertificate:
        """
        Take what *new* re-exports; a certified true copy takes nothing, its certificate did.

        Returns:
            *new* with a warning for each original that the ledger does not know (W03).

        Raises:
            ContentRefused: C07, it takes more than its originals have left.
        """
        document = new.document
        if document is None or new.facts.certified_copy_of is not None:
            return new
        async with self._ledger.page() as page:
            family = family_of(new.facts.form)
            await page.lock_re_exports(family)
            known: list[int] = []
            warnings = list(new.warnings)
            for original in originals_of(document):
                found = await page.original(family, original.number, original.issuing_country)
                if found is None or await page.said_of(found) is None:
                    warnings.append(unknown_original(original))
                else:
                    known.append(found)
            taking = Taking(originals=frozenset(known), goods=goods_of(document))
            if known and len(warnings) == len(new.warnings):
                warnings += await self._judge(page, new, taking)
            if has_error(tuple(warnings)):
                raise ContentRefused(tuple(warnings))
            if known:
                await page.reserve_re_export(new.sealed.header.message_id, sorted(known), _kept(taking.goods))
        return replace(new, warnings=tuple(warnings))

    async def release(self, message_id: MessageId) -> None:
        """The certificate was not written after all."""
        async with self._ledger.page() as page:
            await page.release_re_export(message_id)

    async def _judge(self, page: Page, new: NewCertificate, taking: Taking) -> list[Any]:
        """Against its originals, and those that other certificates share with them, however far that goes."""
        rows: dict[MessageId, ReExportRow] = {}
        reached = set(taking.originals)
        while True:
            found = {row.message_id: row for row in await page.re_exports(sorted(reached))}
            rows |= found
            wider = reached.union(*(row.originals for row in found.values()))
            if wider == reached:
                break
            reached = wider
        originals = {
            number: goods_of(said_in(said))
            for number in reached
            if (said := await page.said_of(number)) is not None
        }
        others = [
            Taking(originals=frozenset(row.originals), goods=_goods(row.goods))
            for row in rows.values()
            if originals.keys() >= set(row.originals)  # what is older than what is kept is settled
            and (row.number is None or row.number not in (new.facts.replaces, new.facts.number))
        ]
        return list(judge_re_export(taking, originals=originals, others=others, factors=self._factors))


def _kept(goods: tuple[Goods, ...]) -> list[dict[str, Any]]:
    return [
        {"item": one.item, "hs": one.hs}
        | ({"value": str(one.quantity.value), "unit": one.quantity.unit} if one.quantity else {})
        for one in goods
    ]


def _goods(kept: list[dict[str, Any]]) -> tuple[Goods, ...]:
    return tuple(
        Goods(
            item=one["item"],
            hs=one["hs"],
            quantity=Quantity(value=Decimal(one["value"]), unit=one["unit"]) if "unit" in one else None,
        )
        for one in kept
    )
