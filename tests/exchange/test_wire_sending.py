"""What a party abroad may answer to a message of ours, and what becomes of the message then."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from tests.exchange.foreign_documents import certificate, new_number
from tests.exchange.foreign_line import Reply, Say
from tests.exchange.foreign_party import Heard, opened, receipt, refusal, seal
from tests.exchange.foreign_world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

Makes = Callable[[World, Heard], Reply]


async def send(world: World, *says: Say) -> str:
    """Hand in a certificate for KH.CUSTOMS, which answers so; the id of the message that carries it."""
    number = new_number("VN")
    world.kh.will_say(number, *says)
    return await world.api.submit(certificate(number, exporting="VN", importing="KH"))


async def ends(world: World, message_id: str, status: str) -> dict[str, Any]:
    """The message as it stands once its delivery is *status*."""
    found: dict[str, Any] = {}

    async def is_so() -> bool:
        found.update(await world.api.message(message_id))
        return bool(found["delivery"] == status)

    await world.until(is_so)
    return found


def saying(world: World, makes: Makes) -> Say:
    async def say(message: Heard) -> Reply:
        return makes(world, message)

    return say


def no(status: int, code: str = "S01", *, seals: str = "seals", **changes: Any) -> Makes:
    """A refusal by KH.CUSTOMS, sealed with one of its certificates, but for *changes*."""

    def make(world: World, message: Heard) -> Reply:
        text = refusal(message.raw, by="KH.CUSTOMS", code=code, text="We cannot", **changes)
        return Reply(status=status, body=seal(text, getattr(world.kept["KH.CUSTOMS"], seals)))

    return make


def yes(*, party: str = "KH.CUSTOMS", seals: str = "seals", **changes: Any) -> Makes:
    """A receipt of KH.CUSTOMS, sealed with a certificate of *party*, but for *changes*."""

    def make(world: World, message: Heard) -> Reply:
        text = receipt(message.raw, by="KH.CUSTOMS", **changes)
        return Reply(status=200, body=seal(text, getattr(world.kept[party], seals)))

    return make


def altered(makes: Makes, old: bytes, new: bytes) -> Makes:
    def make(world: World, message: Heard) -> Reply:
        reply = makes(world, message)
        assert old in reply.body
        return Reply(status=reply.status, body=reply.body.replace(old, new, 1))

    return make


def plain(status: int, body: bytes = b"<html/>", **headers: str) -> Makes:
    return lambda _world, _message: Reply(
        status=status, body=body, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def unsealed(text: Callable[[Heard], str], status: int) -> Makes:
    return lambda _world, message: Reply(status=status, body=text(message).encode())


OTHER = hashlib.sha256(b"other bytes").digest()


async def test_a_message_of_ours_is_as_the_profile_says(world: World) -> None:
    message_id = await send(world)
    told = await ends(world, message_id, "delivered")
    heard = (await world.kh.waits_for("certificate", number=told["certificate_number"]))[0]

    opened(heard.raw, world.home.seals.certificate)

    assert heard.header | {"CreationDateAndTime": ""} == {
        "Sender": "VN.MOIT",
        "Receiver": "KH.CUSTOMS",
        "Standard": "urn:eco-gateway:rcep:form-rcep:1.0",
        "TypeVersion": "1.0",
        "InstanceIdentifier": message_id,
        "Type": "certificate",
        "CreationDateAndTime": "",
    }
    assert heard.header["CreationDateAndTime"].endswith("Z")
    assert list(heard.scopes) == ["CONVERSATIONID", "FORM", "CERTIFICATENUMBER"]
    assert heard.scopes["CONVERSATIONID"].count("@") == message_id.count("@") == 1
    assert told["receipt"]["digest"] == hashlib.sha256(heard.raw).hexdigest()
    assert told["receipt"]["signer"] == "CN=KH.CUSTOMS seal"


async def test_a_receipt_under_any_open_window_delivers(world: World) -> None:
    for makes in (yes(seals="seals"), yes(seals="next_seals")):
        told = await ends(world, await send(world, saying(world, makes)), "delivered")

        assert len(told["attempts"]) == 1


async def test_a_party_with_another_s_tls_certificate_is_tried_and_told_as_t02(world: World) -> None:
    document = certificate(new_number("VN"), exporting="VN", importing="LA")

    told = await ends(world, await world.api.submit(document), "expired")

    assert [each["cause"].partition(":")[0] for each in told["attempts"]] == ["T02", "T02", "T02", "T04"]
    assert "T02" in told["attempts"][-1]["cause"]


@pytest.mark.parametrize(
    "makes",
    [
        pytest.param(no(400), id="400"),
        pytest.param(no(403, "G01"), id="403"),
        pytest.param(no(409, "D02"), id="409"),
        pytest.param(no(411), id="411"),
        pytest.param(no(413, "S04"), id="413"),
        pytest.param(no(415), id="415"),
        pytest.param(no(422, "S02"), id="422"),
        pytest.param(no(422, "S02", seals="next_seals"), id="overlapping-window"),
        pytest.param(no(422, "S02", about="unknown"), id="unknown-with-our-digest"),
        pytest.param(no(400, about="unknown", with_digest=False), id="400-without-digest"),
        pytest.param(no(411, about="unknown", with_digest=False), id="411-without-digest"),
        pytest.param(no(413, "S04", about="unknown", with_digest=False), id="413-without-digest"),
        pytest.param(no(415, about="unknown", with_digest=False), id="415-without-digest"),
        pytest.param(no(400, with_digest=False), id="our-id-without-digest"),
    ],
)
async def test_a_sealed_refusal_is_final(world: World, makes: Makes) -> None:
    told = await ends(world, await send(world, saying(world, makes)), "refused")

    assert [each["outcome"] for each in told["attempts"]] == ["refused"]
    assert told["attempts"][0]["next_at"] is None
    assert told["attempts"][0]["cause"].endswith(": We cannot")
    assert told["receipt"] is None


@pytest.mark.parametrize(
    "makes",
    [
        pytest.param(plain(400), id="unsigned-400"),
        pytest.param(plain(403), id="unsigned-403"),
        pytest.param(
            unsealed(lambda heard: refusal(heard.raw, by="KH.CUSTOMS", code="S02"), 422), id="unsealed-422"
        ),
        pytest.param(altered(no(422, "S02"), b"S02", b"S03"), id="altered-422"),
        pytest.param(no(422, "S02", seals="past_seals"), id="sealed-with-a-closed-window"),
        pytest.param(no(422, "S02", digest=OTHER), id="other-digest"),
        pytest.param(no(400, about="unknown", digest=OTHER), id="unknown-with-other-digest"),
        pytest.param(no(400, about="other@vn.moit"), id="other-id"),
        pytest.param(no(403, "G01", about="unknown", with_digest=False), id="403-without-digest"),
        pytest.param(no(409, "D02", with_digest=False), id="409-without-digest"),
        pytest.param(no(422, "S02", with_digest=False), id="422-without-digest"),
        pytest.param(no(200, "S02"), id="a-refusal-under-200"),
        pytest.param(no(500, "S02"), id="a-refusal-under-500"),
        pytest.param(no(404, "S01"), id="a-refusal-under-404"),
        pytest.param(plain(200), id="garbage-under-200"),
        pytest.param(plain(200, b""), id="nothing-under-200"),
        pytest.param(unsealed(lambda heard: receipt(heard.raw, by="KH.CUSTOMS"), 200), id="unsealed-receipt"),
        pytest.param(
            altered(yes(), b"<ThisMessageDateTime>2", b"<ThisMessageDateTime>3"), id="altered-receipt"
        ),
        pytest.param(yes(party="MY.CUSTOMS"), id="receipt-of-another-party"),
        pytest.param(yes(seals="past_seals"), id="receipt-with-a-closed-window"),
        pytest.param(yes(digest=OTHER), id="receipt-for-other-bytes"),
        pytest.param(yes(about="other@vn.moit"), id="receipt-for-another-message"),
        pytest.param(plain(500), id="500"),
        pytest.param(plain(503), id="503-that-does-not-say-when"),
        pytest.param(plain(307, b"", location="https://127.0.0.1:9/elsewhere"), id="a-redirect"),
    ],
)
async def test_what_is_no_answer_to_believe_is_asked_for_again(world: World, makes: Makes) -> None:
    told = await ends(world, await send(world, saying(world, makes)), "delivered")

    assert [each["outcome"] for each in told["attempts"]] == ["retry", "delivered"]
    first, second = await world.kh.waits_for("certificate", number=told["certificate_number"], count=2)
    assert first.raw == second.raw


async def test_a_line_that_breaks_is_tried_again(world: World) -> None:
    async def hangs_up(_: Heard) -> None:
        return None

    told = await ends(world, await send(world, hangs_up), "delivered")

    first, second = await world.kh.waits_for("certificate", number=told["certificate_number"], count=2)
    assert first.raw == second.raw


async def test_a_party_that_never_answers_is_tried_again(world: World) -> None:
    async def falls_asleep(_: Heard) -> None:
        await asyncio.sleep(3.5)  # longer than the party's file gives it

    told = await ends(world, await send(world, falls_asleep), "delivered")

    assert [each["outcome"] for each in told["attempts"]] == ["retry", "delivered"]


def wait(status: int, after: Callable[[], str], *, sealed: bool) -> Makes:
    def make(world: World, message: Heard) -> Reply:
        body = no(status, "T03")(world, message).body if sealed else b""
        return Reply(status=status, body=body, headers={"retry-after": after()})

    return make


def in_a_second() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)  # of whole seconds


@pytest.mark.parametrize(
    ("makes", "at_least_s", "at_most_s"),
    [
        pytest.param(wait(503, lambda: "1", sealed=True), 0.99, 1.45, id="503"),
        pytest.param(wait(429, lambda: "1", sealed=True), 0.99, 1.45, id="429"),
        pytest.param(wait(503, lambda: "1", sealed=False), 0.99, 1.45, id="unsigned-503"),
        pytest.param(wait(429, in_a_second, sealed=False), 0.99, 1.51, id="unsigned-429-until-a-time"),
        pytest.param(wait(503, lambda: "86400", sealed=True), 1.49, 3, id="capped-by-the-longest-wait"),
        pytest.param(wait(503, lambda: "86400", sealed=False), 1.49, 3, id="unsigned-capped"),
    ],
)
async def test_who_asks_to_wait_is_given_the_time(
    world: World, makes: Makes, at_least_s: float, at_most_s: float
) -> None:
    told = await ends(world, await send(world, saying(world, makes)), "delivered")

    first = told["attempts"][0]
    waited = datetime.fromisoformat(first["next_at"]) - datetime.fromisoformat(first["at"])
    assert at_least_s <= waited.total_seconds() <= at_most_s
    assert first["cause"].startswith("T03")
    kept = datetime.fromisoformat(told["attempts"][1]["at"]) - datetime.fromisoformat(first["at"])
    assert kept.total_seconds() >= at_least_s


async def test_waiting_as_asked_uses_up_no_patience(world: World) -> None:
    asked = saying(world, wait(503, lambda: "1", sealed=True))

    told = await ends(world, await send(world, *[asked] * 4), "delivered")

    assert len(told["attempts"]) == 5  # its patience is four attempts


async def test_patience_ends_and_a_receipt_to_a_later_attempt_still_delivers(world: World) -> None:
    broken = saying(world, plain(500))
    message_id = await send(world, *[broken] * 4, saying(world, yes(at="2026-01-01T00:00:00.000Z")))
    told = await ends(world, message_id, "expired")
    assert [each["outcome"] for each in told["attempts"]] == ["retry"] * 4
    assert told["attempts"][-1]["cause"].startswith("T04")

    await world.api.operate("resend", message_id)

    told = await ends(world, message_id, "delivered")
    assert (len(told["attempts"]), told["receipt"]["at"]) == (5, "2026-01-01T00:00:00.000Z")


@pytest.mark.parametrize("meanwhile", ["expired", "withdrawn"])
async def test_a_receipt_that_comes_late_still_counts(world: World, meanwhile: str) -> None:
    answer = asyncio.Event()

    async def in_the_end(message: Heard) -> Reply:
        await answer.wait()
        return yes()(world, message)

    message_id = await send(world, in_the_end)
    await ends(world, message_id, "sending")
    await world.taken_over(message_id, "expired")
    if meanwhile == "withdrawn":
        await world.api.operate("withdraw", message_id)
    assert (await world.api.message(message_id))["delivery"] == meanwhile

    answer.set()

    assert (await ends(world, message_id, "delivered"))["receipt"] is not None


async def test_messages_of_one_conversation_leave_one_after_another(world: World) -> None:
    answer = asyncio.Event()

    async def in_the_end(message: Heard) -> Reply:
        await answer.wait()
        return yes()(world, message)

    message_id = await send(world, in_the_end, saying(world, yes()))
    number = (await ends(world, message_id, "sending"))["certificate_number"]
    await world.api.cancel(number)
    await ends(world, await send(world), "delivered")  # another conversation is not held up
    assert [each.kind for each in world.kh.heard if each.number == number] == ["certificate"]

    answer.set()

    await world.kh.waits_for("cancellation", number=number)
    assert (await world.api.message(message_id))["delivery"] == "delivered"


async def test_what_follows_leaves_when_the_message_before_is_refused(world: World) -> None:
    number = (await ends(world, await send(world), "delivered"))["certificate_number"]
    world.kh.will_say(number, saying(world, no(422, "S02")))
    await world.api.cancel(number)
    cancelling = (await world.kh.waits_for("cancellation", number=number))[0]

    assert (await ends(world, cancelling.id, "refused"))["attempts"][0]["cause"] == "S02: We cannot"
