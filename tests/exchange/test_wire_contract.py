"""The table "Answers" of the wire profile, row by row, as a party abroad meets it."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.exchange.foreign_checks import SEQUENCE, SYNTAX, a_certificate, a_ping, refused
from tests.exchange.foreign_documents import ping
from tests.exchange.foreign_line import PATH, connection, post, read_reply, request
from tests.exchange.foreign_party import EXCHANGE, RCEP, seal
from tests.exchange.foreign_world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")

LIMIT = 5 * 1024 * 1024


async def test_a_receipt_vouches_for_the_bytes_of_the_message(world: World) -> None:
    letter = a_certificate(world.th)
    raw = world.th.sealed(letter)

    reply = await world.th.send(raw)
    signal = world.th.read(reply)

    assert (reply.status, signal.name) == (200, "ReceiptAcknowledgement")
    assert "eco-repeat" not in reply.headers
    assert (signal["OriginalMessageIdentifier"], signal["OriginalMessageDateTime"]) == (
        letter.id,
        letter.created,
    )
    assert (signal["FromPartyInfo"], signal["ToPartyInfo"]) == ("VN.MOIT", "TH.CUSTOMS")
    assert {each.get("type") for each in signal.root[3:5]} == {"urn:eco-gateway:party"}
    assert signal["CollaborationIdentifier"] == letter.conversation
    assert (signal.part, signal.digest) == (f"mid:{letter.id}", hashlib.sha256(raw).digest())
    now = datetime.now(UTC)
    assert now - timedelta(minutes=1) < datetime.fromisoformat(signal["ThisMessageDateTime"]) <= now


async def test_a_repeat_gets_the_first_receipt_byte_for_byte_and_is_not_taken_twice(world: World) -> None:
    letter = a_certificate(world.th)
    raw = world.th.sealed(letter)

    first, *repeats = [await world.th.send(raw) for _ in range(3)]

    assert [(each.status, each.headers.get("eco-repeat")) for each in repeats] == [(200, "true")] * 2
    assert {each.body for each in repeats} == {first.body}
    await world.th.waits_for("acknowledgement", about=letter.id)
    told = await world.api.track(letter.number or "", "TH")
    assert [each["type"] for each in told["messages"]] == ["certificate", "acknowledgement"]


async def test_two_copies_at_once_are_taken_once_and_both_receipted(world: World) -> None:
    letter = a_certificate(world.th)
    raw = world.th.sealed(letter)

    replies = await asyncio.gather(*(world.th.send(raw) for _ in range(4)))

    assert [each.status for each in replies] == [200] * 4
    assert len({each.body for each in replies}) == 1


async def test_an_id_with_other_content_is_d02_and_the_first_still_has_its_receipt(world: World) -> None:
    letter = a_ping(world.th)
    first = await world.th.send(letter)
    other = world.th.sealed(letter.but(document=ping("Something else")))

    signal = refused(world.th, await world.th.send(other), 409, "D02", SEQUENCE, body=other)

    assert signal["OriginalMessageIdentifier"] == letter.id
    assert (await world.th.send(letter)).body == first.body


async def test_an_id_is_its_senders_own_and_is_compared_as_octets(world: World) -> None:
    letter = a_ping(world.th)

    await world.th.deliver(letter)
    await world.my.deliver(a_ping(world.my, id=letter.id))
    await world.th.deliver(a_ping(world.th, id=letter.id.upper()))


async def test_an_id_is_free_again_after_a_refusal(world: World) -> None:
    letter = a_ping(world.th)
    refusal = await world.th.send(letter.but(receiver="SG.CUSTOMS"))

    await world.th.deliver(letter)

    assert refusal.status == 403


async def test_the_longest_id_is_taken_and_comes_back_whole(world: World) -> None:
    longest = f"{'é' * 128}@{'x/%' * 42}"
    letter = a_ping(world.th, id=longest)

    signal = world.th.read(await world.th.send(letter))

    assert (signal["OriginalMessageIdentifier"], signal.part) == (longest, f"mid:{longest}")


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"not XML at all", id="text"),
        pytest.param(b"<StandardBusinessDocument>", id="cut-short"),
        pytest.param(b"<Ping xmlns='urn:eco-gateway:exchange:1.0'/>", id="no-envelope"),
    ],
)
async def test_what_cannot_be_read_is_s01_about_unknown(world: World, raw: bytes) -> None:
    signal = refused(world.th, await world.th.send(raw), 400, "S01", SYNTAX, body=raw)

    assert signal["OriginalMessageIdentifier"] == "unknown"
    assert signal["OriginalMessageDateTime"] == signal["ThisMessageDateTime"]
    assert not signal.has("CollaborationIdentifier")


def without(part: str) -> Callable[[str], str]:
    """Takes one element out of a header."""
    return lambda text: re.sub(rf"<{part}>.*?</{part}>\n?", "", text, count=1, flags=re.DOTALL)


def without_scope(name: str) -> Callable[[str], str]:
    return lambda text: re.sub(rf"<Scope><Type>{name}</Type>.*?</Scope>\n?", "", text, count=1)


def put(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


SCOPE = "<Scope><Type>FORM</Type><InstanceIdentifier>rcep/form-rcep/1.0</InstanceIdentifier></Scope>"


@pytest.mark.parametrize(
    "flaw",
    [
        pytest.param(put("<StandardB", "<!DOCTYPE x>\n<StandardB"), id="doctype"),
        pytest.param(put(">1.0</HeaderVersion>", ">1.1</HeaderVersion>"), id="header-version"),
        pytest.param(without("Sender"), id="no-sender"),
        pytest.param(without("Receiver"), id="no-receiver"),
        pytest.param(put("<Receiver>", "<Receiver/><Receiver>"), id="two-receivers"),
        pytest.param(put('"urn:eco-gateway:party"', '"urn:gs1"'), id="authority"),
        pytest.param(without("Standard"), id="no-standard"),
        pytest.param(without("CreationDateAndTime"), id="no-time"),
        pytest.param(put(">certificate</Type>", ">certificat</Type>"), id="unknown-type"),
        pytest.param(without_scope("CONVERSATIONID"), id="no-conversation"),
        pytest.param(without_scope("FORM"), id="no-form"),
        pytest.param(without_scope("CERTIFICATENUMBER"), id="no-number"),
        pytest.param(put(SCOPE, SCOPE + SCOPE), id="a-scope-twice"),
        pytest.param(put("<CertificateNumber>TH", "<CertificateNumber>XX"), id="number-at-odds"),
        pytest.param(put(f">{RCEP}</Standard>", f">{EXCHANGE}</Standard>"), id="namespace-at-odds"),
        pytest.param(put(">1.0</TypeVersion>", ">2.0</TypeVersion>"), id="version-at-odds"),
        pytest.param(
            put("</CertificateOfOrigin>", "</CertificateOfOrigin><x xmlns='urn:x'/>"), id="two-documents"
        ),
    ],
)
async def test_a_header_that_is_incomplete_or_at_odds_with_the_document_is_s01(
    world: World, flaw: Callable[[str], str]
) -> None:
    letter = a_certificate(world.th)
    text = flaw(letter.xml())
    assert text != letter.xml()
    raw = seal(text, world.th.seals)

    signal = refused(world.th, await world.th.send(raw), 400, "S01", SYNTAX, body=raw)

    assert signal["OriginalMessageIdentifier"] in (letter.id, "unknown")


async def test_an_answer_at_odds_with_its_reference_is_s01(world: World) -> None:
    document = f'<StatusReply xmlns="{EXCHANGE}"><Life>in_force</Life></StatusReply>'
    without_reference = world.th.sealed(world.th.letter("status-reply", document))

    refused(world.th, await world.th.send(without_reference), 400, "S01", SYNTAX, body=without_reference)


@pytest.mark.parametrize("text", ["no-at-sign", "a@b@c", "a b@c", "@c", "a@", f"{'a' * 129}@c"])
async def test_an_id_without_its_syntax_is_s01_about_unknown(world: World, text: str) -> None:
    raw = world.th.sealed(a_ping(world.th, id=text))

    signal = refused(world.th, await world.th.send(raw), 400, "S01", SYNTAX, body=raw)

    assert signal["OriginalMessageIdentifier"] == "unknown"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
async def test_utf_16_is_taken_whole_or_refused_as_unreadable(world: World, encoding: str) -> None:
    text = world.th.sealed(a_ping(world.th)).decode()
    raw = f'<?xml version="1.0" encoding="UTF-16"?>{text}'.encode(encoding)

    reply = await world.th.send(raw)

    if reply.status == 200:
        assert world.th.read(reply).digest == hashlib.sha256(raw).digest()
    else:
        refused(world.th, reply, 400, "S01", SYNTAX, body=raw)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Content-Length": None, "Transfer-Encoding": "chunked"}, 411, id="chunked"),
        pytest.param({"Content-Type": "text/xml"}, 415, id="text-xml"),
        pytest.param({"Content-Type": "application/soap+xml"}, 415, id="soap"),
        pytest.param({"Content-Type": None}, 415, id="no-type"),
        pytest.param({"Content-Encoding": "gzip"}, 415, id="packed"),
    ],
)
async def test_what_the_head_condemns_is_refused_unread(
    world: World, headers: dict[str, str | None], status: int
) -> None:
    raw = world.th.sealed(a_ping(world.th))
    body = raw if status == 415 else b"%x\r\n%b\r\n0\r\n\r\n" % (len(raw), raw)

    reply = await post(world.th.home_port, world.th.client_tls, body, headers=headers)

    signal = refused(world.th, reply, status, "S01", SYNTAX, body=None)
    assert signal["OriginalMessageIdentifier"] == "unknown"


async def test_parameters_of_the_type_do_not_matter(world: World) -> None:
    raw = world.th.sealed(a_ping(world.th))
    headers = {"Content-Type": 'application/xml; charset="utf-8"'}

    assert (await post(world.th.home_port, world.th.client_tls, raw, headers=headers)).status == 200


def of_size(raw: bytes, size: int) -> bytes:
    """*raw* with white space behind it."""
    return raw + b" " * (size - len(raw))


async def test_exactly_the_limit_is_taken(world: World) -> None:
    raw = of_size(world.th.sealed(a_ping(world.th)), LIMIT)

    assert world.th.read(await world.th.send(raw)).digest == hashlib.sha256(raw).digest()


async def test_one_byte_more_than_the_limit_is_refused_before_it_is_read(world: World) -> None:
    async with connection(world.th.home_port, world.th.client_tls) as (reader, writer):
        writer.write(request(b"", headers={"Content-Length": str(LIMIT + 1)}))  # and nothing follows
        reply = await read_reply(reader)

    refused(world.th, reply, 413, "S04", SYNTAX, body=None)


async def test_who_sends_too_much_to_its_end_reads_the_refusal(world: World) -> None:
    raw = of_size(b"", 3 * LIMIT)

    refused(world.th, await world.th.send(raw), 413, "S04", SYNTAX, body=None)
    packed = {"Content-Encoding": "gzip"}
    reply = await post(world.th.home_port, world.th.client_tls, raw, headers=packed)
    assert reply.status in (413, 415)


async def test_the_connection_is_kept_for_the_next_message(world: World) -> None:
    letters = [a_ping(world.th) for _ in range(3)]
    async with connection(world.th.home_port, world.th.client_tls) as (reader, writer):
        for letter in letters:
            writer.write(request(world.th.sealed(letter)))
            signal = world.th.read(await read_reply(reader))
            assert signal["OriginalMessageIdentifier"] == letter.id


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", PATH, 405), ("PUT", PATH, 405), ("POST", f"{PATH}/", 404), ("POST", "/", 404)],
)
async def test_there_is_one_call_and_no_other(world: World, method: str, path: str, status: int) -> None:
    raw = world.th.sealed(a_ping(world.th))

    reply = await post(world.th.home_port, world.th.client_tls, raw, method=method, path=path)

    assert (reply.status, world.th.read(reply).name) == (status, "Exception")
