"""What still holds months later: receipts outlive the replay window and the change-over of certificates."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from gateway.demo.country import Address, free_addresses
from gateway.registry.folder import over_shipped
from gateway.registry.load import load_registry
from tests.exchange.foreign_checks import SEQUENCE, SIGNATURE, a_certificate, a_ping, refused
from tests.exchange.foreign_documents import ping
from tests.exchange.foreign_keys import Authority, Papers, Window, write_keys
from tests.exchange.foreign_line import Foreign
from tests.exchange.foreign_party import in_utc, seal
from tests.exchange.foreign_world import HOME, Home, enter_all, make_papers, meet
from tests.exchange.nodes import node, node_settings

OVER = 20
"""Days from now on which the certificates of both sides change over."""


class Months:
    """A neighbour and a node whose certificates change over, and nodes of that house at any day."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self._folder = folder
        self._database_url = database_url
        self._addresses: dict[str, Address] = free_addresses([HOME, "TH.CUSTOMS"])
        authority = Authority(HOME)
        self.first, self.second = authority.for_seals(), authority.for_seals(elliptic=True)
        tls = authority.for_tls()
        papers = Papers(
            id=HOME,
            country="VN",
            port=self._addresses[HOME].exchange,
            authority=authority,
            sign=(Window(issued=self.first, until=OVER + 1), Window(issued=self.second, since=OVER)),
            tls=(Window(issued=tls),),
        )
        self._home = Home(papers=papers, seals=self.first, tls=tls)
        theirs, self.kept = make_papers("TH.CUSTOMS", self._addresses["TH.CUSTOMS"].exchange)
        windows = (
            Window(issued=self.kept.seals, until=OVER + 1),
            Window(issued=self.kept.next_seals, since=OVER),
        )
        self._theirs = replace(theirs, sign=windows)
        enter_all(folder / "registry", self._home, {"TH.CUSTOMS": self._theirs})
        write_keys(folder / "keys" / HOME, [self.first, self.second], [tls])

    @asynccontextmanager
    async def day(self, days: float) -> AsyncIterator[Foreign]:
        """The neighbour, while a node runs whose clock is so many days ahead."""
        seals = self.first if days < OVER else self.second
        there = meet(
            self._theirs,
            self.kept,
            replace(self._home, seals=seals),
            self._folder,
            self._addresses[HOME].exchange,
        )
        clock = datetime.now(UTC) + timedelta(days=days)
        settings = node_settings(HOME, self._addresses[HOME], self._folder, clock=clock)
        registry = load_registry(over_shipped(self._folder / "registry"))
        async with there.listening(), node(settings, registry, self._database_url, connections=4):
            yield there


@pytest.fixture
def months(tmp_path: Path, database_url: str) -> Months:
    return Months(tmp_path, database_url)


async def test_a_repeat_gets_the_first_receipt_after_a_restart(months: Months) -> None:
    async with months.day(0) as th:
        letter = a_certificate(th)
        raw = th.sealed(letter)
        first = await th.send(raw)

    async with months.day(1) as th:
        again = await th.send(raw)

    assert (again.status, again.headers.get("eco-repeat"), again.body) == (200, "true", first.body)


async def test_a_repeat_after_replay_window_and_change_over_gets_its_receipt_sealed_anew(
    months: Months,
) -> None:
    async with months.day(0) as th:
        letter = a_certificate(th)
        raw = th.sealed(letter)
        first = await th.send(raw)
        said = th.read(first)

    async with months.day(45) as th:
        again = await th.send(raw)
        assert (again.status, again.headers.get("eco-repeat")) == (200, "true")
        resaid = th.read(again)  # by the certificate of that day
        assert again.body != first.body
        assert content(resaid.root) == content(said.root)
        assert resaid.digest == hashlib.sha256(raw).digest()
        # while on a message that is new neither that seal nor that time is good any more
        old_seal = seal(a_ping(th, created=in_days(45)).xml(), months.kept.seals)
        refused(th, await th.send(old_seal), 403, "G02", SIGNATURE, body=old_seal)
        old_time = seal(a_ping(th, created=letter.created).xml(), months.kept.next_seals)
        refused(th, await th.send(old_time), 422, "D04", SEQUENCE, body=old_time)
        neither = seal(a_ping(th, created=in_days(45)).xml(), months.kept.next_seals)
        assert (await th.send(neither)).status == 200


async def test_receipts_are_sealed_by_the_certificate_of_the_day(months: Months) -> None:
    async with months.day(OVER + 0.5) as th:  # both windows are open: the newer one seals
        for issued in (months.kept.seals, months.kept.next_seals):
            raw = seal(a_ping(th, created=in_days(OVER + 0.5)).xml(), issued)

            assert th.read(await th.send(raw)).name == "ReceiptAcknowledgement"


async def test_an_id_is_remembered_longer_than_a_seal_is_good(months: Months) -> None:
    async with months.day(0) as th:
        letter = a_ping(th)
        await th.deliver(letter)

    async with months.day(45) as th:
        other = letter.but(document=ping("Something else"), created=in_days(45))
        raw = seal(other.xml(), months.kept.next_seals)

        refused(th, await th.send(raw), 409, "D02", SEQUENCE, body=raw)


def in_days(days: float) -> str:
    return in_utc(datetime.now(UTC) + timedelta(days=days))


def content(root: etree._Element) -> list[tuple[str, str]]:
    """Every text of a signal, in order."""
    return [(str(each.tag), each.text or "") for each in root.iter()]
