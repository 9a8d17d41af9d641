"""
Watching the credentials: taking over changed files, and telling in time that a certificate ends.

Every node looks at the files of its own machine, so a change-over needs neither a restart nor a command: lay
the new files down, and each node has them within seconds.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import structlog

from gateway.domain.clock import Clock, rfc3339
from gateway.domain.corridor import Party, RegisteredCertificate
from gateway.domain.errors import Misconfigured
from gateway.store.ledger import Ledger
from gateway.trust.credentials import Credentials

log = structlog.get_logger(__name__)

ALERT_DAYS = (60, 30, 14, 7, 1)
BY_ITSELF = "eco-gateway"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A certificate in use that ends soon, and nothing stands ready to follow it."""

    party: Party
    use: str
    certificate: RegisteredCertificate
    ends: datetime
    threshold: int  # days, one of ALERT_DAYS


class CredentialsWatch:
    """
    Looks now and then; ``look`` and ``warn`` are called by the node.

    Args:
        roles: the file that makes roles of claims; it is told of with the rest of the configuration.
    """

    def __init__(
        self, credentials: Credentials, ledger: Ledger, clock: Clock, roles: Path | None = None
    ) -> None:
        self._credentials = credentials
        self._ledger = ledger
        self._clock = clock
        self._roles = roles
        self._node = ""
        self._seen = credentials.stamp()

    async def begin(self, node: str) -> None:
        """Tell what has changed since this *node* ran last: registry, roles, certificates, by hash."""
        self._node = node
        await self._tell_configuration()

    async def _tell_configuration(self) -> None:
        files = dict(await asyncio.to_thread(self._credentials.digests))
        if self._roles is not None:
            files["roles"] = hashlib.sha256(self._roles.read_bytes()).hexdigest()
        await self._ledger.configured(self._node, files, who=BY_ITSELF, at=self._clock())

    async def look(self) -> None:
        """Read the files anew if one of them changed since the last look; a fault changes nothing."""
        stamp = await asyncio.to_thread(self._credentials.stamp)
        if stamp == self._seen:
            return
        self._seen = stamp
        try:
            changed = await asyncio.to_thread(self._credentials.reread)
        except Misconfigured as error:
            log.error("credentials_refused", faults=[str(fault) for fault in error.faults])
            return
        for warning in self._credentials.keys.warnings:
            log.warning("key_without_certificate", text=warning)
        if changed:
            log.info("credentials_renewed", parties=changed)
            async with self._ledger.page() as page:
                detail = {"parties": list(changed), "certificates": self._prints()}
                await page.event("operator:reload", at=self._clock(), who=BY_ITSELF, detail=detail)
        await self._tell_configuration()

    async def warn(self) -> None:
        """Tell each ending certificate once at each threshold, by whichever node comes first."""
        now = self._clock()
        parties = (self._credentials.home, *self._credentials.others.values())
        for ending in (each for party in parties for each in endings(party, now)):
            name = f"expiry:{ending.use}:{ending.certificate.fingerprint.hex()}:{ending.threshold}"
            mine = f"{rfc3339(now)} {uuid4()}"
            if await self._ledger.setting(name, mine) == mine:
                await self._tell(ending, now)

    async def _tell(self, ending: Ending, now: datetime) -> None:
        told = {
            "use": ending.use,
            "file": ending.certificate.file,
            "ends": rfc3339(ending.ends),
            "days": ending.threshold,
        }
        log.warning("certificate_ending", party=ending.party.id, **told)
        async with self._ledger.page() as page:
            await page.event("certificate:ending", at=now, party=ending.party.id, who=BY_ITSELF, detail=told)

    def _prints(self) -> list[str]:
        home = self._credentials.home
        return [each.fingerprint.hex() for each in (*home.sign, *home.tls)]


def endings(party: Party, now: datetime) -> Iterator[Ending]:
    """
    The certificates of *party* after which nothing is left for their use, at the threshold they have come to.

    One that is followed by another without a gap needs no word.
    """
    for use, certificates in (("sign", party.sign), ("tls", party.tls)):
        if not certificates:
            continue
        last = _last_of_unbroken(certificates, now)
        if last is None:
            continue
        passed = [days for days in ALERT_DAYS if ends_of(last) - now <= timedelta(days=days)]
        if passed:
            yield Ending(party=party, use=use, certificate=last, ends=ends_of(last), threshold=min(passed))


def ends_of(certificate: RegisteredCertificate) -> datetime:
    """When it is good no longer: its window or the certificate itself has ended."""
    return min(certificate.valid_to, certificate.certificate.not_valid_after_utc)


def _last_of_unbroken(
    certificates: tuple[RegisteredCertificate, ...], now: datetime
) -> RegisteredCertificate | None:
    """Of the windows that follow one another from now on without a gap, the one that ends last."""
    last: RegisteredCertificate | None = None
    until = now
    for each in sorted(certificates, key=lambda each: each.valid_from):
        if each.valid_from <= until and ends_of(each) > until:
            last, until = each, ends_of(each)
    return last
