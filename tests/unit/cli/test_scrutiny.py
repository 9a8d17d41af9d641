"""What ``check`` and ``parties add`` say beyond whether the files load."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gateway.cli.scrutiny import corridor_doubts, party_doubts, seal_faults, stray_files
from gateway.demo.country import Address, Neighbours, write_registry
from gateway.domain.corridor import Party, RegisteredCertificate
from gateway.registry.folder import Folder, over_shipped
from gateway.registry.load import load_registry
from gateway.trust.keys import PrivateKey
from gateway.trust.make import Issued, Kind, issue_sign, issue_tls, make_anchor
from tests.keys import BEGINS, ENDS, party_keys, registered
from tests.unit.cli.program import Program

FILE = "mappings/parties/th.customs.toml"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
DAY = timedelta(days=1)
THAI = party_keys("TH.CUSTOMS", kind=Kind.ECDSA)
ANCHOR = make_anchor("TH anchor", "TH", valid_from=BEGINS, valid_to=ENDS)


def sealing_with(issued: Issued, anchor: Issued = ANCHOR) -> Party:
    return replace(THAI.party(), anchor=anchor.certificate, sign=(registered(issued, file="sign.pem"),))


def a_sign(private: PrivateKey, anchor: Issued = ANCHOR) -> Issued:
    return issue_sign(anchor, "TH seal", "TH", valid_from=BEGINS, valid_to=ENDS, private=private)


def doubts(party: Party) -> list[tuple[str, str]]:
    return [(doubt.key, doubt.fault) for doubt in party_doubts(FILE, party, NOW)]


def shown_at(endpoint: str, *hosts: str) -> list[tuple[str, str]]:
    tls = issue_tls(ANCHOR, "TH gateway", "TH", hosts=hosts, valid_from=BEGINS, valid_to=ENDS)
    return doubts(THAI.party(endpoint=endpoint, tls=[registered(tls, file="tls.pem")]))


def test_a_certificate_made_for_sealing_has_no_fault() -> None:
    assert list(seal_faults(FILE, sealing_with(a_sign(ec.generate_private_key(ec.SECP256R1()))))) == []


@pytest.mark.parametrize(
    ("issued", "fault"),
    [
        pytest.param(
            issue_tls(ANCHOR, "TH", "TH", hosts=["localhost"], valid_from=BEGINS, valid_to=ENDS),
            None,
            id="any-that-may-sign",
        ),
        pytest.param(ANCHOR, "has a KeyUsage without digitalSignature", id="for-certificates-only"),
        pytest.param(a_sign(rsa.generate_private_key(65537, 1024)), "holds an RSA key of 1024", id="short"),
        pytest.param(a_sign(ec.generate_private_key(ec.SECP384R1())), "only P-256 is allowed", id="curve"),
    ],
)
def test_a_certificate_that_no_seal_can_be_believed_with_is_a_fault(
    issued: Issued, fault: str | None
) -> None:
    found = list(seal_faults(FILE, sealing_with(issued)))

    assert [(one.file, one.key) for one in found] == ([(FILE, "sign[0].certificate")] if fault else [])
    assert fault is None or fault in found[0].fault


def test_an_anchor_that_may_not_issue_is_a_fault_of_what_it_issued() -> None:
    leaf = a_sign(ec.generate_private_key(ec.SECP256R1()))
    issued = a_sign(ec.generate_private_key(ec.SECP256R1()), anchor=leaf)

    (fault,) = seal_faults(FILE, sealing_with(issued, anchor=leaf))

    assert fault.fault.startswith("no seal made with sign.pem would be believed: it does not chain")


def test_a_party_in_order_raises_no_doubt() -> None:
    assert doubts(THAI.party()) == []


@pytest.mark.parametrize(
    ("endpoint", "hosts", "good"),
    [
        pytest.param("https://gateway.th.example:8443/x", ("gateway.th.example",), True, id="name"),
        pytest.param("https://Gateway.TH.example:8443/x", ("gateway.th.example",), True, id="capitals"),
        pytest.param("https://gateway.th.example/x", ("*.th.example",), True, id="wildcard"),
        pytest.param("https://a.gateway.th.example/x", ("*.th.example",), False, id="wildcard-is-one-label"),
        pytest.param("https://192.0.2.7:8443/x", ("192.0.2.7",), True, id="address"),
        pytest.param("https://[2001:db8::7]:8443/x", ("2001:db8::7",), True, id="address-6"),
        pytest.param("https://192.0.2.8:8443/x", ("192.0.2.7",), False, id="other-address"),
        pytest.param("https://gateway.la.example/x", ("gateway.th.example",), False, id="other-name"),
    ],
)
def test_a_tls_certificate_is_made_out_to_the_host_of_the_endpoint(
    endpoint: str, hosts: tuple[str, ...], good: bool
) -> None:
    found = shown_at(endpoint, *hosts)

    assert [key for key, _ in found] == ([] if good else ["tls[0].certificate"])


def test_a_tls_certificate_without_any_name_is_doubted() -> None:
    sign = a_sign(ec.generate_private_key(ec.SECP256R1()))

    found = doubts(THAI.party(tls=[registered(sign, file="tls.pem")]))

    assert [key for key, _ in found] == ["tls[0].certificate"]


@pytest.mark.parametrize("end", ["", "/"])
def test_an_endpoint_without_a_path_is_doubted(end: str) -> None:
    assert [key for key, _ in doubts(THAI.party(endpoint=f"https://localhost:8443{end}"))] == ["endpoint"]


def test_a_country_that_does_not_exist_is_doubted() -> None:
    assert doubts(replace(THAI.party(), country="XX")) == [
        ("country", "ISO 3166-1 knows no XX; no certificate can name it")
    ]


def windows(*days: tuple[int, int]) -> tuple[RegisteredCertificate, ...]:
    """Windows of one certificate, in days from now."""
    return tuple(
        registered(THAI.sign, valid_from=NOW + begin * DAY, valid_to=NOW + end * DAY) for begin, end in days
    )


@pytest.mark.parametrize(
    ("days", "told"),
    [
        pytest.param([(-9, 9)], [], id="open"),
        pytest.param([(-9, 2), (1, 9)], [], id="overlap"),
        pytest.param([(1, 9), (-9, 1)], [], id="one-after-the-other"),
        pytest.param([(-9, 9), (-3, 2), (9, 12)], [], id="one-within-another"),
        pytest.param([(-9, -2), (-1, 9)], [], id="gap-in-the-past"),
        pytest.param([(-9, 2), (3, 9)], ["no window is open from 2026-11-24 00:00Z"], id="gap"),
        pytest.param([(-9, -2)], ["no window is open on 2026-11-22"], id="over"),
        pytest.param(
            [(-9, -2), (3, 9)],
            ["no window is open on 2026-11-22", "no window is open from 2026-11-20 00:00Z"],
            id="between-two",
        ),
    ],
)
def test_windows_must_follow_each_other(days: list[tuple[int, int]], told: list[str]) -> None:
    found = doubts(THAI.party(sign=windows(*days)))

    assert [(key, fault[: len(words)]) for (key, fault), words in zip(found, told, strict=True)] == [
        ("sign", words) for words in told
    ]


def test_a_window_that_outlasts_its_certificate_is_doubted() -> None:
    short = issue_sign(ANCHOR, "TH seal", "TH", valid_from=NOW - DAY, valid_to=NOW + DAY)
    one = registered(short, file="sign.pem", valid_from=NOW - DAY, valid_to=NOW + 9 * DAY)

    assert doubts(THAI.party(sign=[one])) == [
        ("sign[0].to", "the window is open until 2026-12-01, but sign.pem ends on 2026-11-23")
    ]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A registry of Viet Nam and India, with corridors for a form that India is no Party to."""
    neighbours = Neighbours(
        countries={"VN.MOIT": "VN", "IN.DGFT": "IN", "SG.CUSTOMS": "SG"},
        forms={"atiga/form-d/1.0": ["VN", "IN"]},
        signing=Kind.ECDSA,
        since=NOW,
    )
    addresses = {party: Address(1, 2) for party in neighbours.countries}
    write_registry(tmp_path / "own", tmp_path / "keys", neighbours, addresses)
    return tmp_path / "own"


def told_of(own: Path, now: datetime = NOW) -> list[str]:
    return [str(doubt) for doubt in corridor_doubts(load_registry(over_shipped(own)), now)]


def test_a_corridor_of_an_agreement_that_does_not_bind_both_is_doubted(own: Path) -> None:
    words = "IN is no Party to ATIGA: every certificate would be refused (C01)"

    assert told_of(own) == [
        f"mappings/corridors/in.dgft--vn.moit.form-d.toml: sender: {words}",
        f"mappings/corridors/vn.moit--in.dgft.form-d.toml: receiver: {words}",
        "mappings/parties/sg.customs.toml: -: no corridor names SG.CUSTOMS yet",
    ]


def test_a_corridor_of_a_version_that_has_ended_is_doubted(own: Path) -> None:
    toml = "schemas/atiga/form-d/1.0/form.toml"
    shipped = Folder().find(toml)
    assert shipped is not None
    (own / toml).parent.mkdir(parents=True)
    (own / toml).write_text(f"valid_to = 2026-11-21\n{shipped.read_text('utf-8')}", "utf-8")

    on_the_last_day, later = told_of(own, NOW - DAY), told_of(own, NOW)

    assert not any("issued up to" in doubt for doubt in on_the_last_day)
    assert (
        sum("atiga/form-d/1.0 is for certificates issued up to 2026-11-21" in doubt for doubt in later) == 2
    )


def test_a_file_where_nothing_reads_it_is_doubted(own: Path) -> None:
    party = (own / "mappings/parties/in.dgft.toml").read_text("utf-8")
    for stray in (
        "parties/th.toml",
        "mappings/corridor/x.toml",
        "certs/x.pem",
        "mappings/examples/parties/x.toml",
    ):
        (own / stray).parent.mkdir(parents=True, exist_ok=True)
        (own / stray).write_text(party, "utf-8")

    assert [doubt.file for doubt in stray_files(Folder((own,)))] == [
        "mappings/corridor/x.toml",
        "parties/th.toml",
        "certs/x.pem",
    ]


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("tariff-VN.csv", True),
        ("ports.csv", True),
        ("hs-2028.csv", True),
        ("units.csv", True),
        ("tariff-Vietnam.csv", False),
        ("port.csv", False),
    ],
)
def test_a_list_that_has_no_name_of_a_list_is_doubted(tmp_path: Path, name: str, *, read: bool) -> None:
    folder = tmp_path / "mappings/codes"
    folder.mkdir(parents=True)
    (folder / name).write_text("", "utf-8")

    doubted = [doubt.file for doubt in stray_files(Folder((tmp_path,)))]

    assert doubted == ([] if read else [f"mappings/codes/{name}"])


def test_check_counts_what_is_good_and_notes_what_is_doubtful(program: Program, own: Path) -> None:
    ended = program("check", own)

    assert (ended.status, ended.out) == (0, "")
    assert "forms, 3 parties, 2 corridors." in ended.err
    assert "note: mappings/parties/sg.customs.toml: -: no corridor names SG.CUSTOMS yet" in ended.err


def test_check_tells_a_seal_that_nobody_would_believe_and_an_example_that_fails(
    program: Program, own: Path
) -> None:
    anchor = (own / "certs/trust/in.dgft.anchor.pem").read_bytes()
    (own / "certs/trust/in.dgft.sign.pem").write_bytes(anchor)
    example = own / "schemas/atiga/form-d/1.0/examples/invalid/none.xml"
    shipped = Folder().find("schemas/atiga/form-d/1.0/examples/valid/plain.xml")
    assert shipped is not None
    example.parent.mkdir(parents=True)
    example.write_bytes(shipped.read_bytes())

    ended = program("check", own)

    assert ended.status == 1
    assert "in.dgft.toml: sign[0].certificate: no seal made with in.dgft.sign.pem" in ended.out
    assert "invalid/none.xml: -: an invalid example needs a .findings file beside it" in ended.out
    assert ended.err.endswith("2 faults\n")
