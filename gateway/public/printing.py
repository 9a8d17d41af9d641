"""A certificate of the ledger as a PDF, for whoever may see it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from gateway.domain.clock import Clock
from gateway.domain.errors import NotFound
from gateway.domain.ids import FormId, PartyId
from gateway.domain.specimen import LiveSpecimens, specimens_of
from gateway.domain.status import Direction
from gateway.domain.words import Language
from gateway.public.paper import Papers, Sheet, Specimen, file_name
from gateway.public.standing import standing_of
from gateway.registry.load import Registry
from gateway.store.ledger import Ledger
from gateway.store.records import CertificateRow
from gateway.trust.check import said_in
from gateway.validate.records import record_of


@dataclass(frozen=True, slots=True)
class Printed:
    """A PDF and how its file is called."""

    name: str
    body: bytes


class Printing:
    """
    Prints what the ledger holds.

    Args:
        specimens: the lists of which signatures and seals are shown.
        check_address: where anybody checks a certificate of ours.
        compute: runs what costs computing in a worker thread.
    """

    def __init__(
        self,
        home: PartyId,
        ledger: Ledger,
        registry: Registry,
        papers: Papers,
        specimens: LiveSpecimens,
        *,
        check_address: Callable[[CertificateRow], str],
        clock: Clock,
        compute: Callable[..., Any],
    ) -> None:
        self._home = home
        self._ledger = ledger
        self._registry = registry
        self._papers = papers
        self._specimens = specimens
        self._check_address = check_address
        self._clock = clock
        self._compute = compute

    @property
    def languages(self) -> Sequence[Language]:
        """The languages in which it prints, English first."""
        return tuple(self._registry.labels)

    async def printed(self, row: CertificateRow, language: Language) -> Printed:
        """
        The certificate as a PDF, its labels in *language*.

        Raises:
            NotFound: nobody has laid out its form, or its documents are kept no longer.
        """
        said, sealed = await self._ledger.said(row.message_no), await self._ledger.document(row.message_no)
        if said is None or sealed is None:
            raise NotFound("The documents of this certificate are kept no longer.")
        form = self._registry.forms[row.form]
        ours = row.direction is Direction.OUT
        record = await self._compute(lambda: record_of(said_in(said), form))
        specimens = await self._signed(record, row.form)

        def print_it() -> bytes:
            sheet = Sheet(
                form=form,
                record=record,
                number=row.number,
                party=self._home if ours else row.party,
                standing=standing_of(row),
                check=self._check_address(row) if ours else None,
                digest=hashlib.sha256(sealed).digest(),
                sealed=sealed,
                made_at=self._clock(),
                specimens=specimens,
            )
            return self._papers.pdf(sheet, language)

        name = f"{file_name(row.number, form)}_{language}.pdf"
        return Printed(name, await self._compute(print_it))

    async def _signed(self, record: Mapping[str, Any], form: FormId) -> tuple[Specimen, ...]:
        """Signature and seal of those who issued it, where the list of its day has pictures of them."""
        country, on = record.get("exporting_country"), record.get("issue_date")
        if country is None or on is None:
            return ()
        day = date.fromisoformat(str(on))
        listed = self._specimens.now.in_force(str(country), form.partition("/")[0], day)
        if listed is None:
            return ()
        body, official = specimens_of(listed, record.get("issuing_body"), record.get("signatory"), day)
        found = []
        for what, one in (("signature", official), ("seal", body)):
            if one is None or one.picture is None:
                continue
            picture = await self._ledger.picture(bytes.fromhex(one.picture))
            if picture is not None:
                words = f"Specimen of the {what} of {one.name}, from {listed.told}"
                found.append(Specimen(picture.body, words))
        return tuple(found)
