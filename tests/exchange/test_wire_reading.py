"""However it is written, what means the same is taken the same: octets, prefixes, comments, times."""

from __future__ import annotations

import hashlib
from datetime import datetime

import pytest

from tests.exchange.foreign_checks import a_certificate, a_ping
from tests.exchange.foreign_documents import certificate, new_number
from tests.exchange.foreign_line import Foreign
from tests.exchange.foreign_party import DIGESTS, RCEP, SBDH, Letter, seal
from tests.exchange.foreign_world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def accepted(party: Foreign, raw: bytes, letter: Letter) -> None:
    """*raw* is receipted, and the certificate in it accepted under its number."""
    reply = await party.send(raw)
    signal = party.read(reply)
    assert (reply.status, signal.name) == (200, "ReceiptAcknowledgement"), reply.body.decode()
    assert signal.digest == hashlib.sha256(raw).digest()
    told = (await party.waits_for("acknowledgement", about=letter.id))[0]
    assert (told.number, told.text("Outcome"), told.text("CertificateNumber")) == (
        letter.number,
        "accepted",
        letter.number,
    )


@pytest.mark.parametrize("prefix", ["", "ds", "dsig", "StandardBusinessDocument"])
@pytest.mark.parametrize("gap", ["", "\n   ", "\r\n\t"], ids=["tight", "lines", "crlf"])
async def test_a_seal_may_have_any_prefix_or_none_and_any_white_space(
    world: World, prefix: str, gap: str
) -> None:
    letter = a_certificate(world.th)

    await accepted(world.th, seal(letter.xml(), world.th.seals, prefix=prefix, gap=gap), letter)


@pytest.mark.parametrize("method", DIGESTS, ids=DIGESTS.values())
@pytest.mark.parametrize("who", ["TH.CUSTOMS", "MY.CUSTOMS"], ids=["rsa", "ecdsa"])
async def test_every_algorithm_of_the_profile_is_understood(world: World, who: str, method: str) -> None:
    party = world.foreign[who]
    letter = a_certificate(party)

    await accepted(party, seal(letter.xml(), party.seals, method=method), letter)


async def test_a_byte_order_mark_and_a_declaration_are_taken(world: World) -> None:
    for before in ("\ufeff", '<?xml version="1.0" encoding="UTF-8"?>\n', '\ufeff<?xml version="1.0"?>'):
        letter = a_certificate(world.th)
        raw = before.encode() + world.th.sealed(letter)

        await accepted(world.th, raw, letter)


async def test_lines_may_end_in_crlf(world: World) -> None:
    letter = a_certificate(world.th)
    text = world.th.sealed(letter).decode()

    await accepted(world.th, text.replace("\n", "\r\n").encode(), letter)


async def test_envelope_and_document_may_have_any_prefix(world: World) -> None:
    letter = a_certificate(world.th)
    text = prefixed(prefixed(letter.xml(), SBDH, "h"), RCEP, "coo")

    await accepted(world.th, seal(text, world.th.seals, prefix="h"), letter)


def prefixed(text: str, namespace: str, prefix: str) -> str:
    """*text* with a prefix on every element of the part whose default namespace is *namespace*."""
    opening = f' xmlns="{namespace}"'
    before, _, rest = text.partition(opening)
    start = before.rindex("<")
    name = before[start + 1 :]
    inside, closing, after = rest.partition(f"</{name}>")
    nested = inside.find("<CertificateOfOrigin") if namespace == SBDH else -1
    ours, others = (inside, "") if nested < 0 else (inside[:nested], inside[nested:])
    for old, new in (("</", "\0"), ("<", f"<{prefix}:"), ("\0", f"</{prefix}:")):
        ours = ours.replace(old, new)
    head = f'{before[:start]}<{prefix}:{name} xmlns:{prefix}="{namespace}"'
    return f"{head}{ours}{others}</{prefix}:{name}>{after}" if closing else text


async def test_comments_and_instructions_are_never_content(world: World) -> None:
    number = new_number("TH")
    letter = a_certificate(world.th, number)
    text = letter.xml()
    for old in (f">{number}<", f">{letter.conversation}<", f">{letter.id}<", ">certificate<"):
        middle = len(old) // 2
        text = text.replace(old, f"{old[:middle]}<!-- & <x> -->{old[middle:]}")
    text = text.replace("<Items>", "<?printer tray=2?><Items><!-- one item -->")

    await accepted(world.th, b"<!-- before -->" + seal(text, world.th.seals) + b"<!-- after -->", letter)


async def test_a_comment_that_is_added_or_taken_off_breaks_no_seal(world: World) -> None:
    letter = a_certificate(world.th)
    raw = world.th.sealed(letter).replace(b"<Items>", b"<Items><!-- added later -->")

    await accepted(world.th, raw, letter)


async def test_other_scripts_come_through(world: World) -> None:
    number = new_number("TH")
    document = certificate(number, exporting="TH", importing="VN").replace("Sao Mai", "ไทย Ānh 名 &amp; 𝄞")
    letter = a_certificate(world.th, number, document=document)

    await accepted(world.th, world.th.sealed(letter), letter)


async def test_the_order_of_scopes_does_not_matter(world: World) -> None:
    letter = a_certificate(world.th)
    scopes = letter.xml().partition("<BusinessScope>\n")[2].partition("</BusinessScope>")[0]
    turned = "\n".join(reversed(scopes.strip().split("\n")))

    await accepted(world.th, seal(letter.xml().replace(scopes, turned), world.th.seals), letter)


@pytest.mark.parametrize("zone", ["Z", "+00:00", "-00:00", "+07:00", "-11:00", "+05:45", "+14:00", "-14:00"])
@pytest.mark.parametrize("fraction", ["", ".5", ".1234567"], ids=["whole", "half", "seven-digits"])
async def test_a_time_in_any_zone_is_the_instant_it_says(world: World, zone: str, fraction: str) -> None:
    ahead = 0 if zone == "Z" else int(f"{zone[0]}1") * (int(zone[1:3]) * 60 + int(zone[4:6]))
    local = world.now(minutes=ahead - 10).strftime("%Y-%m-%dT%H:%M:%S")
    letter = a_ping(world.th, created=f"{local}{fraction}{zone}")

    signal = world.th.read(await world.th.send(letter))

    told = datetime.fromisoformat(signal["OriginalMessageDateTime"])
    assert signal["OriginalMessageDateTime"].endswith("Z")
    assert (
        abs((told - datetime.fromisoformat(f"{local}{zone}")).total_seconds() - float(f"0{fraction}")) < 1e-6
    )
