"""What is said of messages that were kept: acknowledgements, questions, what waits for its certificate."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import pytest

from tests.exchange.foreign_checks import a_certificate, a_ping
from tests.exchange.foreign_documents import (
    acknowledgement,
    cancellation,
    certificate,
    exchange,
    inquiry,
    new_number,
)
from tests.exchange.foreign_line import Foreign
from tests.exchange.foreign_party import EXCHANGE, Heard, Letter
from tests.exchange.foreign_world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def delivered(party: Foreign, **header: str | None) -> Letter:
    """A certificate of the party's own that the home side took."""
    letter = a_certificate(party).but(**header)
    await party.deliver(letter)
    return letter


async def told_of(party: Foreign, letter: Letter) -> Heard:
    """The acknowledgement of *letter*; everything said of all acknowledgements is checked."""
    told = (await party.waits_for("acknowledgement", about=letter.id))[0]
    assert (told.header["Sender"], told.header["Receiver"]) == ("VN.MOIT", party.id)
    assert (told.header["Standard"], told.header["TypeVersion"]) == (EXCHANGE, "1.0")
    assert told.scopes == {
        "CONVERSATIONID": letter.conversation,
        "FORM": letter.form,
        "REFTOMESSAGEID": letter.id,
    } | ({} if letter.number is None else {"CERTIFICATENUMBER": letter.number})
    assert (told.document.tag, told.text("RefToMessageId")) == (f"{{{EXCHANGE}}}Acknowledgement", letter.id)
    assert datetime.fromisoformat(told.text("At")).tzinfo is not None
    return told


def findings(told: Heard) -> list[dict[str, str]]:
    return [{**each.attrib, "text": each.text or ""} for each in told.document.findall("{*}Finding")]


def codes(told: Heard) -> list[str]:
    return [each["code"] for each in findings(told)]


# ---- certificates ------------------------------------------------------------------------------------------


async def test_a_good_certificate_is_acknowledged_by_the_gateway_and_by_the_national_system(
    world: World,
) -> None:
    letter = await delivered(world.th)
    told = await told_of(world.th, letter)
    assert (told.text("Outcome"), told.text("By"), findings(told)) == ("accepted", "gateway", [])

    finding = {"code": "B01", "text": "The goods are other goods"}
    body = {"outcome": "rejected", "findings": [finding]}
    await world.api.answer(letter.id, "acknowledgement", body)

    again = (await world.th.waits_for("acknowledgement", about=letter.id, count=2))[1]
    assert (again.text("Outcome"), again.text("By"), codes(again)) == ("rejected", "national-system", ["B01"])


async def test_every_fault_of_a_certificate_is_told_after_its_receipt(world: World) -> None:
    number = new_number("TH")
    good = certificate(number, exporting="TH", importing="VN")
    document = (
        good.replace(">610910<", ">6109<").replace(">CTC<", ">PSR<").replace('unit="H87"', 'unit="pieces"')
    )
    letter = a_certificate(world.th, number, document=document)
    await world.th.deliver(letter)

    told = await told_of(world.th, letter)

    assert (told.text("Outcome"), told.text("By")) == ("rejected", "gateway")
    assert len(findings(told)) >= 3
    for each in findings(told):
        assert each["severity"] in ("error", "warning")
        assert each["path"].startswith("/CertificateOfOrigin/")
        assert ":" not in each["path"]
        assert each["text"]
    assert {"HarmonizedSystemCode", "OriginCriterion", "Quantity"} <= {
        step.partition("[")[0] for each in findings(told) for step in each["path"].split("/")
    }


async def test_a_number_that_was_refused_may_come_again_with_other_content(world: World) -> None:
    number = new_number("TH")
    good = certificate(number, exporting="TH", importing="VN")
    faulty = a_certificate(world.th, number, document=good.replace(">610910<", ">6109<"))
    await world.th.deliver(faulty)
    corrected = a_certificate(world.th, number, conversation=faulty.conversation)
    await world.th.deliver(corrected)

    assert (await told_of(world.th, faulty)).text("Outcome") == "rejected"
    assert (await told_of(world.th, corrected)).text("Outcome") == "accepted"


async def test_a_number_again_with_other_content_is_kept_and_acknowledged_as_d05(world: World) -> None:
    first = await delivered(world.th)
    document = certificate(first.number or "", exporting="TH", importing="VN", quantity="1300")
    other = a_certificate(world.th, first.number, document=document)
    await world.th.deliver(other)

    told = await told_of(world.th, other)

    assert (told.text("Outcome"), codes(told)) == ("rejected", ["D05"])
    assert (await told_of(world.th, first)).text("Outcome") == "accepted"


async def test_a_number_again_with_the_same_content_is_accepted_under_its_new_id(world: World) -> None:
    first = await delivered(world.th)
    again = await delivered(world.th, number=first.number, document=first.document)

    assert (await told_of(world.th, again)).text("Outcome") == "accepted"


@pytest.mark.parametrize(("exporting", "importing"), [("MY", "VN"), ("TH", "SG")])
async def test_a_certificate_of_another_country_or_for_another_is_told_c01(
    world: World, exporting: str, importing: str
) -> None:
    number = new_number(exporting)
    document = certificate(number, exporting=exporting, importing=importing)
    letter = a_certificate(world.th, number, document=document)
    await world.th.deliver(letter)

    told = await told_of(world.th, letter)

    assert (told.text("Outcome"), codes(told)) == ("rejected", ["C01"])


async def test_a_party_that_wants_no_acknowledgements_gets_none(world: World) -> None:
    letter = await delivered(world.sg)

    told = await world.api.track(letter.number or "", "SG")

    assert told["messages"][0]["acknowledgement"]["outcome"] == "accepted"
    assert [each["type"] for each in told["messages"]] == ["certificate"]


async def test_the_exact_bytes_are_kept_of_what_came_and_of_what_went(world: World) -> None:
    letter = a_certificate(world.th)
    raw = await world.th.deliver(letter)
    told = await told_of(world.th, letter)

    assert await world.api.document(letter.id) == raw
    assert await world.api.document(told.id) == told.raw


async def test_many_answers_at_once_are_all_taken(world: World) -> None:
    ours = await world.sent_to(world.th)
    answer = world.answering(world.th, ours, "acknowledgement", acknowledgement(ours))
    letters = [answer.but(id=f"{number}.{answer.id}") for number in range(24)]

    await asyncio.gather(*(world.th.deliver(letter) for letter in letters))

    assert (await world.api.message(ours.id))["acknowledgement"]["outcome"] == "accepted"


# ---- pings, and what is never acknowledged -----------------------------------------------------------------


async def test_pings_and_acknowledgements_are_receipted_and_nothing_more(world: World) -> None:
    ours = await world.sent_to(world.th)
    quiet = [
        a_ping(world.th),
        world.th.letter(
            "acknowledgement",
            acknowledgement(ours),
            number=ours.number,
            about=ours.id,
            conversation=ours.scopes["CONVERSATIONID"],
        ),
    ]
    for letter in quiet:
        await world.th.deliver(letter)
    await told_of(world.th, await delivered(world.th))  # what came later has been answered

    assert [each for each in world.th.heard if each.about in {letter.id for letter in quiet}] == []
    assert (await world.api.message(ours.id))["acknowledgement"]["outcome"] == "accepted"


async def test_an_acknowledgement_of_what_nobody_sent_is_receipted_and_changes_nothing(world: World) -> None:
    ours = await world.sent_to(world.th)
    stray = acknowledgement(ours).replace(ours.id, "nobody@vn.moit")
    await world.th.deliver(
        world.th.letter("acknowledgement", stray, about="nobody@vn.moit", number=ours.number)
    )

    assert (await world.api.message(ours.id))["acknowledgement"] is None


@pytest.mark.parametrize(
    ("kind", "document", "form"),
    [
        pytest.param("ping", exchange("Pong"), "exchange/ping/1.0", id="another-root"),
        pytest.param("ping", exchange("Ping", "<Note/>"), "exchange/ping/1.0", id="an-empty-note"),
        pytest.param("status-query", exchange("StatusQuery", "<Why/>"), "rcep/form-rcep/1.0", id="unknown"),
    ],
)
async def test_an_exchange_document_that_does_not_fit_its_schema_is_kept_and_told(
    world: World, kind: str, document: str, form: str
) -> None:
    letter = world.th.letter(kind, document, form=form)
    await world.th.deliver(letter)

    told = await told_of(world.th, letter)

    assert (told.text("Outcome"), set(codes(told))) == ("rejected", {"S02"})


# ---- questions ---------------------------------------------------------------------------------------------


def asks(party: Foreign, kind: str, root: str, number: str | None, about: str | None) -> Letter:
    return party.letter(kind, inquiry(root, number, about), number=number, about=about)


@pytest.mark.parametrize("named", ["number", "message", "both"])
async def test_a_status_query_is_answered_with_how_it_stands(world: World, named: str) -> None:
    ours = await world.sent_to(world.th)
    await world.th.deliver(world.answering(world.th, ours, "acknowledgement", acknowledgement(ours)))
    number = None if named == "message" else ours.number
    about = None if named == "number" else ours.id
    question = asks(world.th, "status-query", "StatusQuery", number, about)
    await world.th.deliver(question)

    reply = (await world.th.waits_for("status-reply", about=question.id))[0]

    assert reply.scopes["CONVERSATIONID"] == question.conversation
    assert [reply.text(name) for name in ("CertificateNumber", "Life", "Delivery", "Acknowledgement")] == [
        ours.number,
        "in_force",
        "delivered",
        "accepted",
    ]


async def test_a_status_query_about_a_certificate_of_their_own_is_answered_too(world: World) -> None:
    letter = await delivered(world.th)
    question = asks(world.th, "status-query", "StatusQuery", letter.number, letter.id)
    await world.th.deliver(question)

    reply = (await world.th.waits_for("status-reply", about=question.id))[0]

    assert [reply.text(name) for name in ("CertificateNumber", "Life", "Acknowledgement")] == [
        letter.number,
        "in_force",
        "accepted",
    ]


@pytest.mark.parametrize(
    ("kind", "root"),
    [("status-query", "StatusQuery"), ("retransmission-request", "RetransmissionRequest")],
)
async def test_a_question_about_what_was_never_theirs_is_told_d03_at_once(
    world: World, kind: str, root: str
) -> None:
    not_theirs = await world.sent_to(world.my)
    for number, about in ((not_theirs.number, None), (None, not_theirs.id), ("XX/1", "nobody@vn.moit")):
        question = asks(world.th, kind, root, number, about)
        await world.th.deliver(question)

        assert codes(await told_of(world.th, question)) == ["D03"]


@pytest.mark.parametrize("named", ["number", "message", "both"])
async def test_a_retransmission_request_is_answered_with_the_identical_bytes(
    world: World, named: str
) -> None:
    ours = await world.sent_to(world.th)
    number = None if named == "message" else ours.number
    about = None if named == "number" else ours.id
    question = asks(world.th, "retransmission-request", "RetransmissionRequest", number, about)
    await world.until_delivered(ours.id)
    await world.th.deliver(question)

    first, again = await world.th.waits_for("certificate", number=ours.number, count=2)

    assert again.raw == first.raw
    assert (await told_of(world.th, question)).text("Outcome") == "accepted"


async def test_the_message_that_is_asked_for_again_is_the_one_that_comes(world: World) -> None:
    ours = await world.sent_to(world.th)
    await world.api.cancel(ours.number or "")
    cancelling = (await world.th.waits_for("cancellation", number=ours.number))[0]
    await world.until_delivered(cancelling.id)
    question = asks(world.th, "retransmission-request", "RetransmissionRequest", ours.number, cancelling.id)
    await world.th.deliver(question)

    first, again = await world.th.waits_for("cancellation", number=ours.number, count=2)

    assert again.raw == first.raw
    assert len(await world.th.waits_for("certificate", number=ours.number)) == 1


# ---- what comes before its certificate ---------------------------------------------------------------------


async def test_a_cancellation_before_its_certificate_waits_for_it(world: World) -> None:
    coming = a_certificate(world.th)
    early = cancels(world.th, coming)
    await world.th.deliver(early)

    await world.th.deliver(coming)

    assert (await told_of(world.th, coming)).text("Outcome") == "accepted"
    assert (await told_of(world.th, early)).text("Outcome") == "accepted"
    assert (await world.api.track(coming.number or "", "TH"))["life"] == "cancelled"


async def test_a_cancellation_whose_certificate_never_comes_is_told_d03_after_patience(world: World) -> None:
    early = cancels(world.my, a_certificate(world.my))
    await world.my.deliver(early)

    told = await told_of(world.my, early)

    assert (told.text("Outcome"), codes(told)) == ("rejected", ["D03"])
    assert early.about
    assert early.about in findings(told)[0]["text"]


def cancels(party: Foreign, of: Letter, **header: Any) -> Letter:
    document = cancellation(of.number or "", of.id)
    return party.letter(
        "cancellation", document, number=of.number, about=of.id, conversation=of.conversation
    ).but(**header)
