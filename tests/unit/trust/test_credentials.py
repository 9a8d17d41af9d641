"""New handshakes are led by what is good now; open connections, and all after a fault, stay as they were."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.deliver.transports.faults import tls_words
from gateway.demo.country import Address
from gateway.domain.errors import Misconfigured
from gateway.domain.ids import PartyId
from gateway.domain.revocation import RevocationList, read_list
from gateway.registry.folder import Folder
from gateway.registry.parties import LiveParties, load_parties
from gateway.trust.credentials import Credentials
from gateway.trust.keys import LEAD, load_keys
from gateway.trust.make import certificate_pem, write_key
from tests.exchange.pair import NOON, TH, VN, Papers
from tests.keys import ENDS
from tests.revocation import revocation_list

ADDRESSES = {VN: 8441, TH: 8442}
HOUR = timedelta(hours=1)


class Clock:
    """Stands where it is put."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class House:
    """VN.MOIT and TH.CUSTOMS on disk, and the credentials of both as nodes would hold them."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.clock = Clock()
        self.papers = {party: Papers(party) for party in (VN, TH)}
        self.write()
        self.vn, self.th = self.credentials(VN), self.credentials(TH)

    def write(self) -> None:
        for party, papers in self.papers.items():
            papers.write(self.work, Address(api=1, exchange=ADDRESSES[party]))

    def credentials(self, party: str) -> Credentials:
        folder, home = Folder((self.work / "registry",)), PartyId(party)
        parties = LiveParties(load_parties(folder))
        keys = load_keys(self.work / "keys" / party, parties[home], self.clock())
        return Credentials(
            folder, self.work / "keys" / party, parties=parties, home=home, keys=keys, clock=self.clock
        )


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@asynccontextmanager
async def listening(context: ssl.SSLContext) -> AsyncIterator[int]:
    """A server that echoes lines."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(line)
                await writer.drain()
        except (ssl.SSLError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


class Line:
    """A connection, and the certificate it was answered with."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self.shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)

    async def works(self) -> bool:
        self._writer.write(b"x\n")
        return await self._reader.readline() == b"x\n"

    async def close(self) -> None:
        self._writer.close()


async def call(port: int, context: ssl.SSLContext, *, name: str = "127.0.0.1") -> Line:
    return Line(*await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name))


async def gets_through(port: int, who: Credentials) -> bool:
    """Whether a line can be held; under TLS 1.3 a refusal may come only after the handshake."""
    try:
        line = await call(port, who.client(PartyId(VN)))
        works = await line.works()
        await line.close()
    except (ssl.SSLError, ConnectionError):
        return False
    return works


@pytest.mark.enable_socket
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
async def test_a_new_handshake_shows_the_certificate_of_the_hour(house: House, name: str) -> None:
    vn = house.papers[VN]
    vn.tls.append(vn.for_tls(NOON + HOUR, ENDS))
    house.write()
    server = house.credentials(VN).server()
    async with listening(server) as port:
        before = await call(port, house.th.client(PartyId(VN)), name=name)
        house.clock.now = NOON + 2 * HOUR
        after = await call(port, house.th.client(PartyId(VN)), name=name)

        assert before.shown == vn.tls[0].issued.certificate.public_bytes(Encoding.DER)
        assert after.shown == vn.tls[1].issued.certificate.public_bytes(Encoding.DER)
        assert await before.works()
        assert await after.works()
        await before.close()
        await after.close()


@pytest.mark.enable_socket
async def test_a_client_of_a_new_anchor_is_let_in_once_the_files_were_read(house: House) -> None:
    """And one of the anchor that was taken away no longer is; who is in stays in."""
    async with listening(house.vn.server()) as port:
        old = await call(port, house.th.client(PartyId(VN)))
        assert await old.works()
        house.papers[TH] = Papers(TH)
        house.write()
        newcomer = house.credentials(TH)
        assert not await gets_through(port, newcomer)

        assert house.vn.reread() == (TH,)

        new = await call(port, newcomer.client(PartyId(VN)))
        assert await new.works()
        assert await old.works()
        assert not await gets_through(port, house.th)
        await old.close()
        await new.close()


def lay_down(
    house: House, *revoked: x509.Certificate, fail: str = "soft", at: datetime = NOON - HOUR
) -> None:
    """VN.MOIT's authority has a list, which TH.CUSTOMS has as a file; it is fresh for a day."""
    raw = revocation_list(house.papers[VN].anchor, *revoked, issued=NOON - HOUR, at=at)
    (house.work / "registry/certs/trust/vn.crl").write_bytes(raw)
    file = house.work / f"registry/mappings/parties/{VN.lower()}.toml"
    policy = f'[revocation]\nfail = "{fail}"\n'
    file.write_text(f'crl = "vn.crl"\n{file.read_text("utf-8")}{policy}', "utf-8")
    house.th.reread()


async def refusal(port: int, who: Credentials) -> str | None:
    """Why *who* gives up the call; None where it does not."""
    try:
        line = await call(port, who.client(PartyId(VN)))
    except ssl.SSLCertVerificationError as error:
        return tls_words(error)
    works = await line.works()
    await line.close()
    return None if works else "nothing comes back"


@pytest.mark.enable_socket
async def test_a_server_s_certificate_that_was_revoked_is_not_spoken_to(house: House) -> None:
    shown = house.papers[VN].tls[0].issued.certificate
    async with listening(house.vn.server()) as port:
        assert await refusal(port, house.th) is None

        lay_down(house, shown, at=NOON + HOUR)

        assert await refusal(port, house.th) is None
        house.clock.now = NOON + 2 * HOUR
        assert await refusal(port, house.th) == (
            "certificate verify failed: certificate revoked at 2026-09-10T13:00:00.000Z;"
            " our clock says 2026-09-10T14:00:00.000Z"
        )


@pytest.mark.enable_socket
@pytest.mark.parametrize(("fail", "words"), [("soft", None), ("hard", "cannot be told without a fresh list")])
async def test_a_stale_list_ends_calls_by_the_party_s_policy(
    house: House, fail: str, words: str | None
) -> None:
    lay_down(house, fail=fail)
    async with listening(house.vn.server()) as port:
        assert await refusal(port, house.th) is None
        house.clock.now = NOON + 24 * HOUR

        said = await refusal(port, house.th)

        assert (said is None) if words is None else (words in str(said))


def test_a_new_list_is_held_against_certificates_before_anything_else_is_sent(house: House) -> None:
    """Connections are kept by their context, so another one makes new handshakes."""
    before = house.th.client(PartyId(VN))

    house.th.hold_lists({PartyId(VN): [fetched(house)]}, {})

    held = house.th.client(PartyId(VN))
    assert held is not before
    assert house.th.client(PartyId(VN)) is held


def fetched(house: House) -> RevocationList:
    anchor = house.papers[VN].anchor
    raw = revocation_list(anchor, issued=NOON - HOUR)
    return read_list(raw, [anchor.certificate], source="http://authority.example/list.crl", fetched_at=NOON)


def test_a_context_lasts_while_nothing_changes(house: House) -> None:
    first = house.th.client(PartyId(VN))
    house.clock.now += HOUR

    assert house.th.client(PartyId(VN)) is first


def test_a_new_key_is_left_alone_until_every_clock_has_come_to_its_window(house: House) -> None:
    vn = house.papers[VN]
    vn.sign.append(vn.for_seals(NOON, NOON + 999 * HOUR))
    house.write()
    house.vn.reread()

    def used(at: datetime) -> bytes:
        return house.vn.keys.sign_key(at).certificate.der

    der = [each.issued.certificate.public_bytes(Encoding.DER) for each in vn.sign]
    assert [used(NOON), used(NOON + LEAD)] == der


def test_a_fault_changes_nothing(house: House) -> None:
    before = house.vn.home, house.vn.keys.sign
    file = house.work / "registry/mappings/parties/th.customs.toml"
    file.write_text(file.read_text("utf-8").replace("endpoint", "endpiont"), "utf-8")
    house.papers[VN].sign.append(house.papers[VN].for_seals(NOON, ENDS))

    with pytest.raises(Misconfigured, match="endpiont"):
        house.vn.reread()

    assert (house.vn.home, house.vn.keys.sign) == before


def test_what_came_or_went_waits_for_a_restart(house: House) -> None:
    parties = house.work / "registry/mappings/parties"
    (parties / "th.customs.toml").unlink()
    Papers("MY.CUSTOMS").write(house.work, Address(api=1, exchange=8443))

    assert house.vn.reread() == ()
    assert list(house.vn.others) == [TH]


def test_every_change_of_a_file_changes_the_stamp(house: House) -> None:
    first = house.vn.stamp()
    assert house.vn.stamp() == first

    write_key(house.work / "keys" / VN / "sign-9.key", house.papers[VN].sign[0].issued.private)

    assert house.vn.stamp() != first


@pytest.mark.enable_socket
async def test_a_refused_client_is_told_with_its_reason_and_a_good_one_is_not(
    house: House, tmp_path: Path
) -> None:
    told: list[ssl.SSLError] = []
    stranger = Papers("XX.NOBODY")
    (tmp_path / "other").mkdir()
    stranger.write(tmp_path / "other", Address(api=1, exchange=1))
    keys = tmp_path / "other" / "keys" / "XX.NOBODY"
    (tmp_path / "stranger.pem").write_bytes(certificate_pem(stranger.tls[0].issued.certificate))
    context = ssl.create_default_context(cadata=certificate_pem(house.papers[VN].anchor.certificate).decode())
    async with listening(house.vn.server(told.append)) as port:
        assert await gets_through(port, house.th)
        assert told == []
        for load in (False, True):
            if load:
                context.load_cert_chain(tmp_path / "stranger.pem", keys / "tls-1.key")
            with contextlib.suppress(ssl.SSLError, ConnectionError):
                line = await call(port, context)
                await line.works()
                await line.close()

    assert [error.reason for error in told] == [
        "PEER_DID_NOT_RETURN_A_CERTIFICATE",
        "CERTIFICATE_VERIFY_FAILED",
    ]
