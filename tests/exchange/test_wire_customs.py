"""What becomes of certificates, both ways over the wire: utilised, cancelled, replaced, verified."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from tests.exchange.foreign_checks import a_certificate
from tests.exchange.foreign_documents import (
    acknowledgement,
    cancellation,
    certificate,
    customs_response,
    exchange,
    item,
    new_number,
)
from tests.exchange.foreign_line import Foreign
from tests.exchange.foreign_party import EXCHANGE, RCEP, Heard, Letter
from tests.exchange.foreign_world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def verdict(party: Foreign, letter: Letter) -> tuple[str, list[tuple[str, str]]]:
    """What the home side acknowledged of *letter*: outcome, and code and severity of each finding."""
    told = (await party.waits_for("acknowledgement", about=letter.id))[0]
    found = told.document.findall("{*}Finding")
    return told.text("Outcome"), [(each.get("code", ""), each.get("severity", "")) for each in found]


async def says(world: World, ours: Heard, kind: str, document: str) -> tuple[str, list[tuple[str, str]]]:
    """TH.CUSTOMS says *document* about a certificate of ours; what is acknowledged of that."""
    letter = world.answering(world.th, ours, kind, document)
    await world.th.deliver(letter)
    return await verdict(world.th, letter)


async def from_th(world: World, **changes: str) -> Letter:
    """A certificate of TH.CUSTOMS that the home side accepted."""
    number = new_number("TH")
    document = certificate(number, exporting="TH", importing="VN", **changes)
    letter = a_certificate(world.th, number, document=document)
    await world.th.deliver(letter)
    assert await verdict(world.th, letter) == ("accepted", [])
    return letter


def cancels(party: Foreign, of: Letter, **header: str | None) -> Letter:
    document = cancellation(of.number or "", of.id)
    usual: dict[str, str | None] = {"number": of.number, "about": of.id, "conversation": of.conversation}
    return party.letter("cancellation", document).but(**(usual | header))


# ---- utilised over there -----------------------------------------------------------------------------------


async def test_customs_abroad_use_a_certificate_up_in_steps(world: World) -> None:
    ours = await world.sent_to(world.th)
    number = ours.number or ""
    for quantity, outcome, declaration in (
        ("500", "partially_utilised", "D-1"),
        ("700", "utilised", "D-2"),
    ):
        used = item(outcome, quantity=quantity, declaration=declaration)
        assert await says(world, ours, "customs-response", customs_response(number, ours.id, used)) == (
            "accepted",
            [],
        )

    told = (await world.api.track(number))["customs_responses"]

    assert [
        (each["item"], each["outcome"], each["quantity"]["value"], each["declaration"]) for each in told
    ] == [
        (1, "partially_utilised", 500, "D-1"),
        (1, "utilised", 700, "D-2"),
    ]


async def test_more_than_was_issued_is_kept_from_abroad_and_told_as_b02(world: World) -> None:
    ours = await world.sent_to(world.th)
    number = ours.number or ""

    document = customs_response(number, ours.id, item("utilised", quantity="1201"))
    outcome = await says(world, ours, "customs-response", document)

    assert outcome == ("accepted_with_warnings", [("B02", "warning")])
    assert (await world.api.track(number))["customs_responses"][0]["quantity"]["value"] == 1201


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        pytest.param(item("utilised", no=7), "S02", id="no-such-item"),
        pytest.param(item("utilised", quantity="5", unit="KGM"), "C09", id="no-such-unit"),
        pytest.param(item("used_up"), "S02", id="no-such-outcome"),
        pytest.param(item("utilised", quantity="-1"), "S02", id="negative"),
    ],
)
async def test_a_customs_response_with_a_fault_is_rejected_whole(world: World, entry: str, code: str) -> None:
    ours = await world.sent_to(world.th)
    number = ours.number or ""
    document = customs_response(number, ours.id, item("under_verification"), entry)

    outcome, found = await says(world, ours, "customs-response", document)

    assert (outcome, {each for each, _ in found}) == ("rejected", {code})
    assert (await world.api.track(number))["customs_responses"] == []


async def test_nobody_utilises_a_certificate_of_their_own(world: World) -> None:
    theirs = await from_th(world)
    document = customs_response(theirs.number or "", theirs.id, item("utilised"))
    letter = world.th.letter("customs-response", document, number=theirs.number, about=theirs.id)
    await world.th.deliver(letter)

    assert await verdict(world.th, letter) == ("rejected", [("D03", "error")])
    assert (await world.api.track(theirs.number or "", "TH"))["customs_responses"] == []


async def test_what_refers_to_one_certificate_and_names_another_is_rejected(world: World) -> None:
    ours, other = await world.sent_to(world.th), await world.sent_to(world.th)
    document = customs_response(other.number or "", ours.id, item("utilised"))
    letter = world.answering(world.th, ours, "customs-response", document).but(number=other.number)
    await world.th.deliver(letter)

    assert await verdict(world.th, letter) == ("rejected", [("D03", "error")])
    for each in (ours, other):
        assert (await world.api.track(each.number or ""))["customs_responses"] == []


# ---- utilised here -----------------------------------------------------------------------------------------


async def test_customs_at_home_say_what_became_of_a_certificate_from_abroad(world: World) -> None:
    theirs = await from_th(world)
    body = {
        "items": [
            {
                "no": 1,
                "outcome": "partially_utilised",
                "quantity": {"value": 400, "unit": "H87"},
                "declaration": "VN-77",
                "date": world.now().date().isoformat(),
            }
        ]
    }
    await world.api.answer(theirs.id, "customs-response", body)

    heard = (await world.th.waits_for("customs-response", number=theirs.number))[0]

    assert (heard.header["Standard"], heard.about) == (EXCHANGE, theirs.id)
    assert (heard.scopes["CONVERSATIONID"], heard.scopes["FORM"]) == (theirs.conversation, theirs.form)
    assert (heard.text("CertificateNumber"), heard.text("RefToMessageId")) == (theirs.number, theirs.id)
    outcome = heard.document.find("{*}ItemOutcome")
    assert outcome is not None
    assert outcome.get("item") == "1"
    assert [(etree.QName(each).localname, each.text) for each in outcome][:3] == [
        ("Outcome", "partially_utilised"),
        ("Quantity", "400"),
        ("Declaration", "VN-77"),
    ]
    assert outcome[1].get("unit") == "H87"


# ---- cancelled ---------------------------------------------------------------------------------------------


async def test_a_cancellation_from_abroad_cancels_once(world: World) -> None:
    theirs = await from_th(world)
    first, second = cancels(world.th, theirs), cancels(world.th, theirs)
    await world.th.deliver(first)
    assert await verdict(world.th, first) == ("accepted", [])
    assert (await world.api.track(theirs.number or "", "TH"))["life"] == "cancelled"

    await world.th.deliver(second)

    assert await verdict(world.th, second) == ("rejected", [("B03", "error")])


async def test_a_cancellation_need_not_repeat_its_reference_in_the_header(world: World) -> None:
    theirs = await from_th(world)
    letter = cancels(world.th, theirs, about=None)
    await world.th.deliver(letter)

    assert await verdict(world.th, letter) == ("accepted", [])


async def test_what_customs_used_is_not_cancelled(world: World) -> None:
    theirs = await from_th(world)
    used = {"no": 1, "outcome": "partially_utilised", "quantity": {"value": 1, "unit": "H87"}}
    body = {"items": [used | {"declaration": "VN-78", "date": world.now().date().isoformat()}]}
    await world.api.answer(theirs.id, "customs-response", body)
    letter = cancels(world.th, theirs)
    await world.th.deliver(letter)

    assert await verdict(world.th, letter) == ("rejected", [("B06", "error")])
    assert (await world.api.track(theirs.number or "", "TH"))["life"] == "in_force"


async def test_customs_abroad_do_not_cancel_a_certificate_of_ours(world: World) -> None:
    ours = await world.sent_to(world.th)

    outcome = await says(world, ours, "cancellation", cancellation(ours.number or "", ours.id))

    assert outcome == ("rejected", [("D03", "error")])
    assert (await world.api.track(ours.number or ""))["life"] == "in_force"


@pytest.mark.parametrize(("outcome", "life"), [("accepted", "cancelled"), ("rejected", "in_force")])
async def test_our_cancellation_ends_as_the_other_side_acknowledges_it(
    world: World, outcome: str, life: str
) -> None:
    ours = await world.sent_to(world.th)
    number = ours.number or ""
    await world.api.cancel(number)
    cancelling = (await world.th.waits_for("cancellation", number=number))[0]
    assert (cancelling.about, cancelling.text("RefToMessageId")) == (ours.id, ours.id)
    assert cancelling.scopes["CONVERSATIONID"] == ours.scopes["CONVERSATIONID"]
    assert (await world.api.track(number))["life"] == "cancel_pending"

    await world.th.deliver(
        world.answering(world.th, cancelling, "acknowledgement", acknowledgement(cancelling, outcome))
    )

    assert (await world.api.track(number))["life"] == life


# ---- replaced ----------------------------------------------------------------------------------------------


async def test_what_a_certificate_from_abroad_replaces_is_replaced_here(world: World) -> None:
    former = await from_th(world)

    await from_th(world, replaces=former.number or "")

    assert (await world.api.track(former.number or "", "TH"))["life"] == "replaced"
    late = cancels(world.th, former)
    await world.th.deliver(late)
    assert await verdict(world.th, late) == ("rejected", [("B03", "error")])


async def test_what_another_party_issued_is_not_replaced(world: World) -> None:
    former = await from_th(world)
    number = new_number("MY")
    document = certificate(number, exporting="MY", importing="VN", replaces=former.number)
    letter = world.my.letter("certificate", document, number=number, standard=RCEP)
    await world.my.deliver(letter)
    await verdict(world.my, letter)

    assert (await world.api.track(former.number or "", "TH"))["life"] == "in_force"


@pytest.mark.parametrize(("outcome", "life"), [("accepted", "replaced"), ("rejected", "in_force")])
async def test_what_a_certificate_of_ours_replaces_is_replaced_when_the_other_side_accepts_it(
    world: World, outcome: str, life: str
) -> None:
    former = await world.sent_to(world.th)
    newer = await world.sent_to(world.th, replaces=former.number or "")
    assert (await world.api.track(former.number or ""))["life"] == "in_force"

    await world.th.deliver(
        world.answering(world.th, newer, "acknowledgement", acknowledgement(newer, outcome))
    )

    told = await world.api.track(former.number or "")
    assert told["life"] == life
    assert told["chain"] == [
        {"relation": "replaced_by", "certificate_number": newer.number, "life": "in_force"}
    ]


# ---- verified ----------------------------------------------------------------------------------------------


async def test_a_verification_goes_there_and_back(world: World) -> None:
    ours = await world.sent_to(world.th)
    content = (
        f"<CertificateNumber>{ours.number}</CertificateNumber><RefToMessageId>{ours.id}</RefToMessageId>"
        "<Kind>retroactive-check</Kind><Question>Where was the yarn spun?</Question>"
        '<Attachment name="invoice.pdf" type="application/pdf">JVBERg==</Attachment>'
    )
    letter = world.answering(world.th, ours, "verification-request", exchange("VerificationRequest", content))
    await world.th.deliver(letter)
    assert await verdict(world.th, letter) == ("accepted", [])

    body: dict[str, Any] = {"kind": "retroactive-check", "answers": ["In Nam Dinh."]}
    await world.api.answer(letter.id, "verification-reply", body)

    reply = (await world.th.waits_for("verification-reply", number=ours.number))[0]
    assert (reply.text("Answer"), reply.text("RefToMessageId")) == ("In Nam Dinh.", letter.id)
