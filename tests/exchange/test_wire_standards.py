"""What the node says on the wire fits the published schemas, and a program of others verifies it."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from tests.conformance import xmlsec1
from tests.exchange.foreign_checks import a_certificate, a_ping
from tests.exchange.foreign_documents import acknowledgement, certificate, inquiry, new_number
from tests.exchange.foreign_line import post
from tests.exchange.foreign_party import opened
from tests.exchange.foreign_world import World
from tests.missing import needs

pytestmark = pytest.mark.asyncio(loop_scope="session")

XSD = Path(__file__).parents[1] / "conformance" / "xsd"
PARSER = etree.XMLParser(no_network=True)


def schema(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(XSD / name, PARSER))


async def messages(world: World) -> list[bytes]:
    """One message of every kind that the node sends by itself, or for its national system."""
    th = world.th
    ours, theirs = await world.sent_to(th), a_certificate(th)
    question = th.letter("status-query", inquiry("StatusQuery", ours.number), number=ours.number)
    number = new_number("TH")
    faulty = certificate(number, exporting="TH", importing="VN").replace(">610910<", ">6109<")
    with_fault = a_certificate(th, number, document=faulty)
    for letter in (theirs, question, with_fault):
        await th.deliver(letter)
    today = world.now().date().isoformat()
    used = {"no": 1, "outcome": "utilised", "declaration": "VN-1", "date": today, "reason": "ครบ <&>"}
    await world.api.answer(theirs.id, "customs-response", {"items": [used]})
    await world.api.cancel(ours.number or "")
    return [
        ours.raw,
        *[(await th.waits_for("acknowledgement", about=each.id))[0].raw for each in (theirs, with_fault)],
        (await th.waits_for("status-reply", about=question.id))[0].raw,
        (await th.waits_for("customs-response", number=theirs.number))[0].raw,
        (await th.waits_for("cancellation", number=ours.number))[0].raw,
    ]


async def answers(world: World) -> list[bytes]:
    """Receipts and exceptions of every kind."""
    th = world.th
    ours = await world.sent_to(th)
    letter = a_ping(th)
    headers: dict[str, str | None] = {"Content-Type": "text/xml"}
    replies = [
        await th.send(letter),
        await th.send(letter),
        await th.send(a_certificate(th)),
        await th.send(world.answering(th, ours, "acknowledgement", acknowledgement(ours))),
        await th.send(letter.but(document=letter.document.replace("you", "they"))),
        await th.send(b"no XML \x00 at all"),
        await th.send(a_ping(th).xml().encode()),
        await th.send(a_ping(th, receiver="SG.CUSTOMS")),
        await th.send(a_ping(th, created="2020-02-29T23:59:59.123456+07:00")),
        await th.send(a_certificate(th, form="rcep/form-rcep/9.0")),
        await post(th.home_port, th.client_tls, b"<x/>", headers=headers),
        await post(th.home_port, th.client_tls, b"", method="GET"),
    ]
    assert [each.status for each in replies] == [200] * 4 + [409, 400, 403, 403, 422, 422, 415, 405]
    return [each.body for each in replies]


async def test_messages_are_standard_business_documents(world: World) -> None:
    published = schema("StandardBusinessDocumentHeader.xsd")
    for raw in await messages(world):
        published.assertValid(opened(raw, world.home.seals.certificate))


async def test_receipts_and_exceptions_are_ebbp_signals(world: World) -> None:
    published = schema("signals.xsd")
    for raw in await answers(world):
        published.assertValid(opened(raw, world.home.seals.certificate))


@needs("xmlsec1")
async def test_xmlsec1_verifies_messages_receipts_and_exceptions(world: World, tmp_path: Path) -> None:
    anchor = tmp_path / "anchor.pem"
    anchor.write_bytes(world.home.papers.authority.certificate_pem())
    sealed = [*await messages(world), *await answers(world)]

    xmlsec1.verify(tmp_path, anchor, sealed, at=f"{world.now():%Y-%m-%d %H:%M:%S}")
