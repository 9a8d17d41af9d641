from __future__ import annotations

from datetime import timedelta

import pytest
from lxml import etree

from gateway.domain.errors import Misconfigured, Refused, SealRefused, Unreadable
from gateway.trust.explain import TITLES, CheckVerdict
from gateway.trust.make import Kind, certificate_pem, issue_sign, key_pem
from gateway.trust.offline import sign_file, verify_file
from tests.keys import BEGINS, ENDS, party_keys, private_key
from tests.messages import CERTIFICATE, NOW, a_message

VN = party_keys("VN.MOIT")
MY = party_keys("MY.CUSTOMS", kind=Kind.ECDSA)
KEY = key_pem(VN.sign.private)
SIGN = certificate_pem(VN.sign.certificate)
ANCHOR = certificate_pem(VN.anchor.certificate)
MESSAGE = etree.tostring(a_message())


@pytest.mark.parametrize("raw", [MESSAGE, CERTIFICATE.encode()], ids=["message", "document"])
@pytest.mark.parametrize("trust", [ANCHOR, SIGN, certificate_pem(MY.anchor.certificate) + ANCHOR],
                         ids=["anchor", "certificate", "several"])  # fmt: skip
def test_what_was_signed_on_a_desk_verifies_there(raw: bytes, trust: bytes) -> None:
    results, signed = verify_file(sign_file(raw, KEY, SIGN), [trust], NOW)

    assert [each.verdict for each in results] == [CheckVerdict.PASSED] * 7 + [CheckVerdict.NOT_ASKED] * 2
    assert [(each.step, each.title) for each in results] == list(TITLES.items())
    assert signed == etree.tostring(etree.fromstring(raw), method="c14n", exclusive=True, with_comments=False)


def test_each_step_says_what_it_found() -> None:
    results, _ = verify_file(sign_file(MESSAGE, KEY, SIGN), [ANCHOR], NOW)

    details = [each.detail for each in results]
    assert "certificate 5c1f0a7e3d9b4c52@vn.moit from VN.MOIT to TH.CUSTOMS" in details[0]
    assert details[2] == "rsa-sha256, sha256, key of 2048 bits"
    assert "CN=VN.MOIT sign" in details[3]
    assert "issued by CN=VN.MOIT test anchor" in details[3]
    assert "judged as of 2026-11-21T21:40:00.000Z" in details[4]


@pytest.mark.parametrize(
    ("raw", "trust", "step", "code"),
    [
        pytest.param(b"<a", ANCHOR, 1, "S01", id="unreadable"),
        pytest.param(MESSAGE.replace(b">FORM<", b">F<"), ANCHOR, 1, "S01", id="header"),
        pytest.param(MESSAGE, ANCHOR, 2, "G01", id="not-sealed"),
        pytest.param(
            sign_file(MESSAGE, KEY, SIGN).replace(b"rsa-sha256", b"rsa-md5"), ANCHOR, 3, "G01", id="md5"
        ),
        pytest.param(
            sign_file(MESSAGE, KEY, SIGN), certificate_pem(MY.anchor.certificate), 4, "G02", id="untrusted"
        ),
        pytest.param(
            sign_file(MESSAGE, KEY, SIGN).replace(b"Trousers", b"?"), ANCHOR, 6, "G01", id="altered"
        ),
    ],
)
def test_the_first_step_that_fails_is_told_and_the_rest_not_reached(
    raw: bytes, trust: bytes, step: int, code: str
) -> None:
    results, signed = verify_file(raw, [trust], NOW)

    verdicts = [each.verdict for each in results[:7]]
    assert verdicts == [CheckVerdict.PASSED] * (step - 1) + [CheckVerdict.FAILED] + [
        CheckVerdict.NOT_REACHED
    ] * (7 - step)
    assert results[step - 1].detail.startswith(f"{code}: ")
    assert signed is None


def test_a_certificate_past_its_time_fails_step_5_now_and_passes_then() -> None:
    spare = issue_sign(VN.anchor, "old", "VN", valid_from=BEGINS, valid_to=NOW, private=VN.sign.private)
    sealed = sign_file(MESSAGE, KEY, certificate_pem(spare.certificate))

    now, _ = verify_file(sealed, [ANCHOR], NOW + timedelta(days=1))
    then, signed = verify_file(sealed, [ANCHOR], NOW - timedelta(days=1))

    assert now[4].verdict is CheckVerdict.FAILED
    assert "our clock says 2026-11-22" in now[4].detail
    assert then[4].verdict is CheckVerdict.PASSED
    assert signed is not None


def test_a_certificate_that_is_none_fails_step_2() -> None:
    sealed = sign_file(MESSAGE, KEY, SIGN)
    start = sealed.index(b"<ds:X509Certificate>") + 20
    garbled = sealed[:start] + b"AAAA" + sealed[sealed.index(b"</ds:X509Certificate>") :]

    results, _ = verify_file(garbled, [ANCHOR], NOW)

    assert results[1].verdict is CheckVerdict.FAILED
    assert results[1].detail == "G01: X509Certificate does not hold a certificate"


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        pytest.param(b"", Unreadable, id="nothing"),
        pytest.param(MESSAGE.replace(b"VN.MOIT", b"vn"), Unreadable, id="faulty-header"),
        pytest.param(sign_file(MESSAGE, KEY, SIGN), SealRefused, id="sealed-already"),
    ],
)
def test_what_should_not_be_signed_is_not(raw: bytes, error: type[Refused]) -> None:
    with pytest.raises(error):
        sign_file(raw, KEY, SIGN)


NO_USAGE = certificate_pem(MY.anchor.certificate)


@pytest.mark.parametrize(
    ("key", "certificate", "told"),
    [
        pytest.param(b"", SIGN, "--key: -: no unencrypted PKCS #8", id="no-key"),
        pytest.param(KEY, b"", "--certificate: -: holds no PEM certificate", id="no-certificate"),
        pytest.param(
            KEY, certificate_pem(MY.sign.certificate), "--certificate: -: is about another key", id="other"
        ),
        pytest.param(key_pem(MY.anchor.private), NO_USAGE, "without digitalSignature", id="may-not-sign"),
    ],
)
def test_a_key_and_certificate_that_do_not_fit_are_a_fault(key: bytes, certificate: bytes, told: str) -> None:
    with pytest.raises(Misconfigured, match=told):
        sign_file(CERTIFICATE.encode(), key, certificate)


def test_nothing_to_trust_is_a_fault() -> None:
    with pytest.raises(Misconfigured, match="--trust: -: holds no PEM certificate"):
        verify_file(MESSAGE, [b"?"], NOW)


def test_an_elliptic_key_signs_on_a_desk_too() -> None:
    private = private_key(Kind.ECDSA, 4)
    issued = issue_sign(VN.anchor, "ec", "VN", valid_from=BEGINS, valid_to=ENDS, private=private)

    sealed = sign_file(CERTIFICATE.encode(), key_pem(private), certificate_pem(issued.certificate))

    assert verify_file(sealed, [ANCHOR], NOW)[1] is not None
