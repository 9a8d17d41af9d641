from __future__ import annotations

import hashlib
from pathlib import Path

from lxml import etree

from gateway.trust.check import check_seal
from gateway.trust.sealer import Sealer
from tests.keys import party_keys
from tests.messages import NOW, a_document, a_header

VN = party_keys("VN.MOIT")


def test_a_message_is_wrapped_and_sealed_with_the_key_of_the_hour(tmp_path: Path) -> None:
    sealer = Sealer(VN.own_keys(tmp_path), lambda: NOW)

    sealed = sealer.message(a_header(), a_document())

    content = check_seal(sealed.body, registered=[VN.registered_sign], anchor=VN.anchor.certificate, at=NOW)
    assert content.root[0][1][0].text == "VN.MOIT"
    assert sealed.digest == hashlib.sha256(sealed.body).digest()


def test_a_signal_is_sealed_bare_and_tells_how_long_its_certificate_is_honoured(tmp_path: Path) -> None:
    sealer = Sealer(VN.own_keys(tmp_path), lambda: NOW)

    signal = sealer.signal(etree.Element("{urn:signal}Receipt"))

    content = check_seal(signal.body, registered=[VN.registered_sign], anchor=VN.anchor.certificate, at=NOW)
    assert content.root.tag == "{urn:signal}Receipt"
    assert signal.until == VN.registered_sign.valid_to
