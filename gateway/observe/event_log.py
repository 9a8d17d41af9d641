"""Keeping the event log: growing it behind the ledger, sealing its heads, showing and auditing it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from lxml import etree

from gateway.domain.audit import LogFault
from gateway.domain.clock import Clock
from gateway.domain.corridor import Party
from gateway.domain.errors import NotFound, Refused
from gateway.domain.ids import PartyId
from gateway.store.audit import AuditPage, head_fault
from gateway.store.event_log import Inclusion, TreeHead
from gateway.store.ledger import Ledger
from gateway.trust.sealer import Sealer
from gateway.trust.tree_head import SignedHead, check_tree_head, write_consistency_proof, write_tree_head


@dataclass(frozen=True, slots=True, kw_only=True)
class LogKeeper:
    """Keeps the log of *home*; the doors ask it, the node calls ``grow`` and ``seal_head`` now and then."""

    ledger: Ledger
    parties: Mapping[PartyId, Party]
    home: PartyId
    sealer: Sealer
    clock: Clock
    workers: Executor

    async def grow(self) -> None:
        """Take every event that stands for good by now into the tree."""
        await self.ledger.log.grow()

    async def seal_head(self) -> TreeHead | None:
        """Seal a head of the tree as it is, unless that was done; the newest head, None of an empty log."""
        last, size = await self.ledger.log.last_head(), await self.ledger.log.size()
        if size == (last.size if last else 0):
            return last
        root, at = await self.ledger.log.root(size), self.clock()
        says = SignedHead(log=self.home, size=size, root=root, at=at)
        loop = asyncio.get_running_loop()
        sealed = await loop.run_in_executor(self.workers, self.sealer.signal, write_tree_head(says))
        head = TreeHead(size=size, root=root, at=at, sealed=sealed.body)
        await self.ledger.log.keep_head(head)
        return head

    async def head(self) -> TreeHead:
        """
        The newest sealed head.

        Raises:
            NotFound: none was sealed yet.
        """
        if (head := await self.ledger.log.last_head()) is None:
            raise NotFound("No head of the log has been sealed yet.")
        return head

    async def head_over_everything(self) -> TreeHead | None:
        """A sealed head that covers all that happened until now; None where nothing ever did."""
        await self.grow()
        return await self.seal_head()

    async def inclusion(self, event: str, size: int | None) -> Inclusion:
        """The proof that an event is in the tree of *size*; see ``EventLog.inclusion``."""
        return await self.ledger.log.inclusion(event, size)

    async def consistency(self, first: int, second: int) -> tuple[bytes, ...]:
        """The proof that one tree is how another began; see ``EventLog.consistency``."""
        return await self.ledger.log.consistency(first, second)

    async def consistency_document(self, first: int, second: int) -> bytes:
        """The same proof as a document."""
        proof = await self.consistency(first, second)
        return etree.tostring(
            write_consistency_proof(first, second, proof), xml_declaration=True, encoding="UTF-8"
        )

    async def audit(self, begin: int) -> AuditPage:
        """One step of an audit, the seals of its heads included."""
        page = await self.ledger.audit(begin)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.workers, with_seals_checked, page, self.parties[self.home])


def with_seals_checked(page: AuditPage, home: Party) -> AuditPage:
    """*page* with what is wrong with the seals of its heads added."""
    wrong = [fault for head in page.heads if (fault := _seal_fault(head, home)) is not None]
    return replace(page, faults=(*page.faults, *wrong))


def _seal_fault(head: TreeHead, home: Party) -> LogFault | None:
    try:
        says = check_tree_head(head.sealed, registered=home.sign, anchor=home.anchor)
    except Refused as refused:
        return head_fault(head, f"is not well sealed: {refused}")
    if says != SignedHead(log=home.id, size=head.size, root=head.root, at=head.at):
        return head_fault(head, "says something else in what was sealed")
    return None
