from __future__ import annotations

import _ssl
import ctypes
import ssl
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.domain.errors import Misconfigured
from gateway.trust.keys import OwnKey
from gateway.trust.make import Kind, issue_tls, make_anchor
from gateway.trust.tls import client_context, party_of, server_context
from tests.keys import BEGINS, ENDS, HOSTS, PartyKeys, party_keys, registered
from tests.messages import NOW

VN = party_keys("VN.MOIT", kind=Kind.ECDSA)
TH = party_keys("TH.CUSTOMS", kind=Kind.ECDSA)
MY = party_keys("MY.CUSTOMS", kind=Kind.ECDSA)
STRANGER = party_keys("XX.NOBODY", kind=Kind.ECDSA)
DAY = timedelta(days=1)


def handshake(client: ssl.SSLContext, server: ssl.SSLContext, host: str = "localhost") -> bytes | None:
    """Shake hands in memory; returns the client certificate the server saw, DER."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=host)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    done = {ours: False, theirs: False}
    for _ in range(10):
        for side in (ours, theirs):
            try:
                side.do_handshake()
                done[side] = True
            except ssl.SSLWantReadError:
                continue
        if all(done.values()):
            # TLS 1.3: the server has judged the client's certificate only now.
            assert ours.version() in ("TLSv1.2", "TLSv1.3")
            return theirs.getpeercert(binary_form=True)
    raise AssertionError("the handshake does not end")


def called(
    folder: Path,
    caller: OwnKey,
    *,
    knows: PartyKeys = TH,
    parties: tuple[PartyKeys, ...] = (VN, MY),
    host: str = "localhost",
) -> bytes | None:
    client = client_context(caller, knows.party())
    server = server_context(TH.own_tls(folder), [each.party() for each in parties])
    return handshake(client, server, host)


def leave_an_error_behind() -> None:
    """What a library that shares OpenSSL with us, such as a token's, leaves in the queue of errors."""
    openssl = ctypes.CDLL(_ssl.__file__)
    openssl.ERR_new()
    openssl.ERR_set_error(57, 100, None)  # a provider's: bad decrypt


def test_an_error_that_another_library_left_behind_is_not_ours(tmp_path: Path) -> None:
    plain = ssl.create_default_context()
    leave_an_error_behind()
    with pytest.raises(ssl.SSLError):  # without care it is taken for one's own
        plain.load_verify_locations(cadata=TH.registered_tls.der)
    leave_an_error_behind()

    peer = called(tmp_path, VN.own_tls(tmp_path))

    assert peer == VN.registered_tls.der


@pytest.mark.parametrize("host", HOSTS)
def test_parties_meet_under_each_other_s_certificates(tmp_path: Path, host: str) -> None:
    peer = called(tmp_path, VN.own_tls(tmp_path), host=host)

    assert peer == VN.registered_tls.der
    assert party_of(peer, {each.id: each.party() for each in (VN, MY)}, NOW) == VN.id


def test_a_server_under_another_name_is_not_believed(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        called(tmp_path, VN.own_tls(tmp_path), host="gateway.example")


def test_a_server_of_another_party_s_anchor_is_not_believed(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        called(tmp_path, VN.own_tls(tmp_path), knows=MY)


def test_a_stranger_is_not_let_in(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLError):
        called(tmp_path, STRANGER.own_tls(tmp_path))


def test_a_client_without_certificate_is_not_let_in(tmp_path: Path) -> None:
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(
        cadata=ssl.DER_cert_to_PEM_cert(TH.anchor.certificate.public_bytes(Encoding.DER))
    )

    with pytest.raises(ssl.SSLError):
        handshake(client, server_context(TH.own_tls(tmp_path), [VN.party()]))


def test_tls_1_1_is_too_old(tmp_path: Path) -> None:
    context = client_context(VN.own_tls(tmp_path), TH.party())

    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert server_context(TH.own_tls(tmp_path), []).minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_registered_certificate_is_let_in_though_no_anchor_issued_it(tmp_path: Path) -> None:
    outside = make_anchor("outside", "VN", valid_from=BEGINS, valid_to=ENDS)
    issued = issue_tls(outside, "vn", "VN", hosts=HOSTS, valid_from=BEGINS, valid_to=ENDS)
    keys = replace(VN, tls=issued)
    party = VN.party(tls=[registered(issued)])

    peer = handshake(
        client_context(keys.own_tls(tmp_path), TH.party()), server_context(TH.own_tls(tmp_path), [party])
    )

    assert party_of(peer, {VN.id: party}, NOW) == VN.id


def test_a_key_that_lies_in_no_file_cannot_be_shown() -> None:
    with pytest.raises(Misconfigured, match="does not lie in a file"):
        client_context(OwnKey(private=VN.tls.private, certificate=VN.registered_tls), TH.party())


def test_a_key_that_is_another_s_is_not_taken(tmp_path: Path) -> None:
    wrong = replace(VN.own_tls(tmp_path), certificate=TH.registered_tls)

    with pytest.raises(Misconfigured, match="OpenSSL does not take it"):
        client_context(wrong, TH.party())


def test_a_registered_certificate_counts_while_its_window_is_open() -> None:
    parties = {VN.id: VN.party(tls=[registered(VN.tls, valid_from=NOW, valid_to=NOW + DAY)])}
    peer = VN.registered_tls.der

    assert party_of(peer, parties, NOW - DAY) is None
    assert party_of(peer, parties, NOW) == VN.id
    assert party_of(peer, parties, NOW + DAY) is None


def test_one_the_party_s_anchor_issued_counts_without_being_registered() -> None:
    parties = {VN.id: VN.party(tls=[]), MY.id: MY.party(tls=[])}

    assert party_of(VN.registered_tls.der, parties, NOW) == VN.id


def test_where_two_share_an_anchor_only_a_registered_certificate_tells() -> None:
    twin = issue_tls(VN.anchor, "twin", "VN", hosts=HOSTS, valid_from=BEGINS, valid_to=ENDS)
    ministry = VN.party()
    chamber = replace(VN.party(tls=[]), id=MY.id)
    parties = {ministry.id: ministry, chamber.id: chamber}

    assert party_of(registered(twin).der, parties, NOW) is None
    assert party_of(VN.registered_tls.der, parties, NOW) == VN.id


def test_one_that_two_parties_registered_is_nobody_s() -> None:
    parties = {VN.id: VN.party(), MY.id: MY.party(tls=[VN.registered_tls])}

    assert party_of(VN.registered_tls.der, parties, NOW) is None


@pytest.mark.parametrize(
    "peer",
    [None, b"", b"\x30\x00", STRANGER.registered_tls.der],
    ids=["none", "empty", "garbage", "stranger"],
)
def test_anything_else_is_nobody(peer: bytes | None) -> None:
    assert party_of(peer, {VN.id: VN.party()}, NOW) is None


def test_an_anchor_that_connects_itself_is_its_party() -> None:
    party = VN.party(tls=[])

    assert party_of(party.tls_anchor.public_bytes(Encoding.DER), {VN.id: party}, NOW) == VN.id
