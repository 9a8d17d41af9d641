"""Who may say what, and when: the seal, the certificates, the clocks, the agreements."""

from __future__ import annotations

import asyncio
import re
import ssl
from datetime import UTC, datetime, timedelta

import pytest

from tests.exchange.foreign_checks import (
    AUTHORIZATION,
    PERFORMANCE,
    SIGNATURE,
    SYNTAX,
    a_certificate,
    a_ping,
    refused,
)
from tests.exchange.foreign_keys import Authority, Issued
from tests.exchange.foreign_line import Foreign
from tests.exchange.foreign_party import DS, in_utc, seal
from tests.exchange.foreign_world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

CUT_OFF = (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError)
BUSINESS = ("AcceptanceException", "Business")


# ---- 403: the seal is not good -----------------------------------------------------------------------------


async def test_without_a_seal_it_is_g01(world: World) -> None:
    raw = a_certificate(world.th).xml().encode()

    refused(world.th, await world.th.send(raw), 403, "G01", SIGNATURE, body=raw)


async def test_one_altered_letter_is_g01(world: World) -> None:
    raw = world.th.sealed(a_certificate(world.th)).replace(b"T-shirts", b"t-shirts")

    signal = refused(world.th, await world.th.send(raw), 403, "G01", SIGNATURE, body=raw)

    assert signal.findings[0]["step"] == "6"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('URI=""', 'URI="#x"', id="of-a-part"),
        pytest.param(f'<ds:Transform Algorithm="{DS}enveloped-signature"/>', "", id="not-enveloped"),
        pytest.param("xml-exc-c14n#", "xml-exc-c14n#WithComments", id="with-comments"),
        pytest.param("xmlenc#sha256", "xmldsig#sha1", id="sha-1"),
        pytest.param("rsa-sha256", "rsa-sha1", id="rsa-sha-1"),
        pytest.param("</ds:Signature>", "<ds:Object/></ds:Signature>", id="object"),
        pytest.param("</ds:Signature>", "<!-- x --></ds:Signature>", id="comment"),
        pytest.param(
            "</StandardBusinessDocument>", "<x xmlns='urn:x'/></StandardBusinessDocument>", id="not-last"
        ),
    ],
)
async def test_a_seal_of_another_shape_is_refused(world: World, old: str, new: str) -> None:
    text = world.th.sealed(a_certificate(world.th)).decode()
    raw = text.replace(old, new, 1).encode()
    assert raw.decode() != text

    reply = await world.th.send(raw)

    assert (reply.status, world.th.read(reply)["Reason"]) in ((403, "G01"), (400, "S01"))


async def test_two_seals_are_g01(world: World) -> None:
    raw = seal(world.th.sealed(a_ping(world.th)).decode(), world.kept["TH.CUSTOMS"].next_seals)

    refused(world.th, await world.th.send(raw), 403, "G01", SIGNATURE, body=raw)


async def test_a_certificate_whose_window_has_closed_is_g02_and_both_times_are_told(world: World) -> None:
    raw = seal(a_ping(world.th).xml(), world.kept["TH.CUSTOMS"].past_seals)

    signal = refused(world.th, await world.th.send(raw), 403, "G02", SIGNATURE, body=raw)

    assert len(set(re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", signal["ExceptionMessage"]))) >= 2


async def test_windows_may_overlap(world: World) -> None:
    for issued in (world.kept["TH.CUSTOMS"].seals, world.kept["TH.CUSTOMS"].next_seals):
        raw = seal(a_ping(world.th).xml(), issued)

        assert (await world.th.send(raw)).status == 200


async def test_a_seal_nobody_registered_is_g02(world: World) -> None:
    strangers = [
        world.th.papers.authority.for_seals(),
        Authority("Stranger").for_seals(),
        world.kept["MY.CUSTOMS"].seals,
    ]
    for stranger in strangers:
        raw = seal(a_ping(world.th).xml(), stranger)

        refused(world.th, await world.th.send(raw), 403, "G02", SIGNATURE, body=raw)


async def test_another_key_behind_a_registered_certificate_is_g01(world: World) -> None:
    forged = Issued(world.th.papers.authority.for_seals().private, world.th.seals.certificate)
    raw = seal(a_ping(world.th).xml(), forged)

    refused(world.th, await world.th.send(raw), 403, "G01", SIGNATURE, body=raw)


# ---- 403: who speaks to whom -------------------------------------------------------------------------------


async def test_a_sender_nobody_knows_is_c01(world: World) -> None:
    raw = world.th.sealed(a_ping(world.th, sender="XX.NOBODY"))

    refused(world.th, await world.th.send(raw), 403, "C01", AUTHORIZATION, body=raw)


async def test_a_message_for_somebody_else_is_c01(world: World) -> None:
    raw = world.th.sealed(a_ping(world.th, receiver="MY.CUSTOMS"))

    signal = refused(world.th, await world.th.send(raw), 403, "C01", AUTHORIZATION, body=raw)

    assert "MY.CUSTOMS" in signal["ExceptionMessage"]


async def test_a_client_certificate_of_another_party_is_t02(world: World) -> None:
    raw = world.my.sealed(a_ping(world.my))

    signal = refused(world.th, await world.th.send(raw), 403, "T02", AUTHORIZATION, body=raw)

    assert {"TH.CUSTOMS", "MY.CUSTOMS"} <= set(re.findall(r"[A-Z]+\.[A-Z]+", signal["ExceptionMessage"]))


async def test_a_certificate_of_the_party_s_tls_anchor_need_not_be_registered(world: World) -> None:
    another = world.my.client_context(world.my.papers.authority.for_tls())

    assert (await world.my.send(a_ping(world.my), tls=another)).status == 200


async def test_tls_1_2_is_enough(world: World) -> None:
    context = world.th.client_context(world.kept["TH.CUSTOMS"].tls)
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    assert (await world.th.send(a_ping(world.th), tls=context)).status == 200


@pytest.mark.parametrize("kind", ["none", "stranger", "window-closed"])
async def test_a_client_nobody_registered_gets_no_answer_at_all(world: World, kind: str) -> None:
    shown = {
        "none": None,
        "stranger": Authority("Stranger").for_tls(),
        "window-closed": world.kept["TH.CUSTOMS"].past_tls,
    }[kind]
    letter = a_ping(world.th)

    with pytest.raises(CUT_OFF):
        await world.th.send(letter, tls=world.th.client_context(shown))

    assert "eco-repeat" not in (await world.th.send(letter)).headers


async def test_the_node_shows_a_certificate_for_its_host(world: World) -> None:
    context = world.th.client_context(world.kept["TH.CUSTOMS"].tls)
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)

    assert (await world.th.send(a_ping(world.th), tls=context)).status == 200


# ---- 422: the clocks and the agreements --------------------------------------------------------------------


@pytest.mark.parametrize(
    "away", [timedelta(minutes=5, seconds=30), timedelta(days=-30, minutes=-1)], ids=["ahead", "behind"]
)
async def test_outside_the_clocks_it_is_d04_with_both_times_and_the_difference(
    world: World, away: timedelta
) -> None:
    created = datetime.now(UTC) + away
    raw = world.th.sealed(a_ping(world.th, created=in_utc(created)))

    signal = refused(
        world.th, await world.th.send(raw), 422, "D04", ("ReceiptException", "Sequence"), body=raw
    )

    text = signal["ExceptionMessage"]
    theirs, ours = re.findall(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    assert theirs == in_utc(created) == signal["OriginalMessageDateTime"]
    apart = abs(datetime.fromisoformat(theirs) - datetime.fromisoformat(ours)).total_seconds()
    told = [float(each) for each in re.findall(r"([\d.]+) seconds", text)]
    assert told[0] == pytest.approx(apart, abs=0.002)


@pytest.mark.parametrize(
    "away", [timedelta(minutes=4, seconds=30), timedelta(days=-29, hours=-23)], ids=["ahead", "behind"]
)
async def test_within_the_clocks_it_is_taken(world: World, away: timedelta) -> None:
    await world.th.deliver(a_ping(world.th, created=in_utc(datetime.now(UTC) + away)))


@pytest.mark.parametrize("form", ["atiga/form-d/1.0", "rcep/form-rcep/2.0", "rcep/form-x/1.0"])
async def test_a_form_or_version_that_is_not_agreed_is_s03(world: World, form: str) -> None:
    raw = world.th.sealed(a_certificate(world.th, form=form))

    signal = refused(world.th, await world.th.send(raw), 422, "S03", SYNTAX, body=raw)

    assert form in signal["ExceptionMessage"]


async def test_a_refused_message_that_comes_again_is_judged_again(world: World) -> None:
    raw = world.th.sealed(a_certificate(world.th, form="rcep/form-rcep/2.0"))

    replies = [await world.th.send(raw) for _ in range(2)]

    assert [each.status for each in replies] == [422, 422]
    assert not any("eco-repeat" in each.headers for each in replies)


# ---- 503: suspended ----------------------------------------------------------------------------------------


async def test_a_suspended_party_is_asked_to_come_back_in_five_minutes(world: World) -> None:
    raw = world.sg.sealed(a_ping(world.sg))
    await world.api.call("POST", "/parties/SG.CUSTOMS/suspend", 200, {"reason": "drill"})
    try:
        await until_answered(world.sg, 503)

        reply = await world.sg.send(raw)

        signal = refused(world.sg, reply, 503, "T03", PERFORMANCE, body=raw)
        assert (reply.headers["retry-after"], signal["OriginalMessageIdentifier"]) == ("300", "unknown")
    finally:
        await world.api.call("POST", "/parties/SG.CUSTOMS/resume", 200, {})
    await until_answered(world.sg, 200)
    assert "eco-repeat" not in (await world.sg.send(raw)).headers


async def test_a_party_suspended_for_what_goes_out_may_still_come_in(world: World) -> None:
    body = {"reason": "drill", "outgoing_only": True}
    await world.api.call("POST", "/parties/SG.CUSTOMS/suspend", 200, body)
    try:
        for _ in range(4):  # longer than a node may need to hear of it
            assert (await world.sg.send(a_ping(world.sg))).status == 200
            await asyncio.sleep(0.4)
    finally:
        await world.api.call("POST", "/parties/SG.CUSTOMS/resume", 200, {})


async def until_answered(party: Foreign, status: int) -> None:
    """A node may need a second to hear of a suspension, or of its end."""
    for _ in range(100):
        if (await party.send(a_ping(party))).status == status:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"never answered with {status}")
