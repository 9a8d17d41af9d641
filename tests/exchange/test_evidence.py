"""Evidence of a real exchange: packed by a running gateway, checked by nobody but the file."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography import x509

from gateway.domain.errors import SealRefused
from gateway.domain.ids import PartyId
from gateway.observe.bundle import MANIFEST, pack, unpack
from gateway.observe.evidence_check import check_evidence
from gateway.trust.check import check_seal
from tests.exchange.mutations import mutated_bytes, mutated_members
from tests.exchange.pair import TH, VN, Pair, Papers, pair
from tests.servers import Servers
from tests.unit.cli.program import Ended, Program, program

__all__ = ["program"]
pytestmark = pytest.mark.asyncio(loop_scope="module")

NUMBER = "VN-EVIDENCE-1"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with pair(tmp_path_factory.mktemp("pair"), servers) as both:
        await both.exchange(NUMBER)
        yield both


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bundle(both: Pair) -> bytes:
    """What VN.MOIT gives out about the certificate it sent."""
    return await both.evidence(NUMBER)


def anchors(both: Pair) -> list[x509.Certificate]:
    return [party.anchor for party in both.registry.parties.values()]


def failed(raw: bytes, trust: Sequence[x509.Certificate] = ()) -> list[str]:
    return [f"{each.what}: {each.detail}" for each in check_evidence(raw, trust) if not each.good]


async def test_evidence_of_an_exchange_holds(both: Pair, bundle: bytes) -> None:
    checks = {check.what: check for check in check_evidence(bundle, anchors(both))}

    assert [f"{each.what}: {each.detail}" for each in checks.values() if not each.good] == []
    assert list(checks) == [
        "container",
        "manifest.xml",
        "party TH.CUSTOMS",
        "party VN.MOIT",
        "log head",
        "log events",
        "message 1",
        "receipt 1",
        "message 2",
        "receipt 2",
    ]
    assert f"certificate about {NUMBER} from VN.MOIT to TH.CUSTOMS" in checks["message 1"].detail
    assert "acknowledgement" in checks["message 2"].detail
    assert "for these very bytes" in checks["receipt 1"].detail


async def test_every_event_of_the_story_is_in_it(both: Pair) -> None:
    told = json.loads(unpack(await both.evidence(NUMBER))["log/entries.json"])

    story = await both.vn.track(NUMBER)
    assert sorted(json.loads(each["entry"])["what"] for each in told["entries"]) == sorted(
        event["what"] for event in story["events"]
    )


async def test_people_can_read_it(bundle: bytes) -> None:
    text = unpack(bundle)["summary.txt"].decode()

    assert f"EVIDENCE ABOUT {NUMBER}" in text
    assert "1. certificate to TH.CUSTOMS" in text
    assert "delivery:delivered" in text
    assert "HOW TO CHECK IT" in text


async def test_every_changed_byte_of_a_member_is_caught_and_the_member_named(
    both: Pair, bundle: bytes
) -> None:
    trust = anchors(both)
    for name, spoilt in mutated_members(bundle, 250, seed=1):
        faults = failed(spoilt, trust)

        assert any(name in fault for fault in faults), (name, faults)


async def test_every_changed_byte_of_the_file_is_caught(both: Pair, bundle: bytes) -> None:
    trust = anchors(both)
    for spoilt in mutated_bytes(bundle, 250, seed=2):
        assert failed(spoilt, trust) != []


async def test_every_byte_of_the_manifest_is_guarded(bundle: bytes) -> None:
    """White space, quotes and unused bits could change without breaking the seal; none may."""
    members = unpack(bundle)
    raw = members[MANIFEST]
    ends = raw.index(b"</ds:SignatureValue>")
    for at in (*range(200), *range(ends - 8, ends + 30), *range(len(raw) - 60, len(raw))):
        spoilt = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]

        assert failed(pack({**members, MANIFEST: spoilt})) != [], at


async def test_a_member_removed_or_added_is_named(bundle: bytes) -> None:
    members = unpack(bundle)
    for name in members:
        rest = {each: content for each, content in members.items() if each != name}
        assert any(name in fault for fault in failed(pack(rest))), name

    assert failed(pack({**members, "more.txt": b"x"})) == ["members: more.txt was added"]


async def test_members_and_manifest_replaced_together_break_the_seal(bundle: bytes) -> None:
    members = unpack(bundle)
    members["summary.txt"] = b"x" * len(members["summary.txt"])
    listed = members[MANIFEST].decode()
    old, new = unpack(bundle)["summary.txt"], members["summary.txt"]
    members[MANIFEST] = listed.replace(
        hashlib.sha256(old).hexdigest(), hashlib.sha256(new).hexdigest()
    ).encode()

    (fault,) = failed(pack(members))

    assert fault.startswith("manifest.xml: ")


async def test_whoever_is_not_vouched_for_is_told(both: Pair, bundle: bytes) -> None:
    (fault,) = failed(bundle, [both.registry.parties[PartyId(VN)].anchor])

    assert fault.startswith("party TH.CUSTOMS: nothing given with --trust vouches for it")


async def run(program: Program, *arguments: object) -> Ended:
    return await asyncio.to_thread(program, *arguments)


async def test_the_commands_export_and_verify(
    both: Pair, program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECO_GATEWAY_TOKEN", both.th.headers["Authorization"].removeprefix("Bearer "))
    monkeypatch.setenv("ECO_GATEWAY_URL", both.th.address.url)
    file, trust = tmp_path / "bundle.zip", []
    for name in ("vn.moit.anchor.pem", "th.customs.anchor.pem"):
        trust += ["--trust", both.work / "registry/certs/trust" / name]

    wrote = await run(program, "evidence", "export", NUMBER, "-o", file)
    good = await run(program, "evidence", "verify", file, *trust)
    file.write_bytes(file.read_bytes()[:-1])
    bad = await run(program, "evidence", "verify", file, *trust)

    assert (wrote.status, good.status, bad.status) == (0, 0, 1)
    assert "good    message 1: certificate" in good.out
    assert "from VN.MOIT to TH.CUSTOMS" in good.out
    assert "container" in bad.err


async def test_nobody_vouching_is_said_where_no_trust_is_given(bundle: bytes) -> None:
    told = [check.detail for check in check_evidence(bundle, ()) if check.what.startswith("party")]

    assert all("nobody vouches for it here" in detail for detail in told)


@pytest.mark.parametrize("raw", [b"", b"PK\x05\x06" + b"\0" * 18, b"no zip at all"])
async def test_what_is_no_bundle_is_told(raw: bytes) -> None:
    (fault,) = failed(raw)

    assert fault.startswith("container: ")


async def test_evidence_is_judged_by_the_certificates_of_its_own_time(
    servers: Servers, tmp_path: Path
) -> None:
    """The keys that sealed the exchange expired an hour after it."""
    then = datetime(2026, 9, 10, 12, tzinfo=UTC)
    hour = timedelta(hours=1)
    papers = [Papers(party, begins=then - hour, ends=then + hour) for party in (VN, TH)]
    async with pair(tmp_path, servers, papers, clock=then) as both:
        await both.exchange(NUMBER)
        past = await both.evidence(NUMBER)

    checks = {check.what: check for check in check_evidence(past, anchors(both))}
    assert [check for check in checks.values() if not check.good] == []
    assert "valid on 2026-09-10T12:" in checks["message 1"].detail
    signed = unpack(past)["messages/01-out-certificate.xml"]
    vn = both.registry.parties[PartyId(VN)]
    with pytest.raises(SealRefused, match="our clock says"):
        check_seal(signed, registered=vn.sign, anchor=vn.anchor, at=then + 2 * hour)
