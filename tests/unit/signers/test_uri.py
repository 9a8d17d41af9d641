from __future__ import annotations

import pytest

from gateway.signers.uri import KeyUri, read_uri


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (
            "pkcs11:token=Eco%20Seal;object=seal?module-path=/usr/lib/a.so",
            KeyUri(module="/usr/lib/a.so", token="Eco Seal", label="seal"),
        ),
        (
            "pkcs11:serial=0a1b;id=%01%ff;type=private?module-path=a.so",
            KeyUri(module="a.so", serial="0a1b", id=b"\x01\xff"),
        ),
        (
            "pkcs11:manufacturer=ACME;model=7;token=t;object=o?module-path=a.so",
            KeyUri(module="a.so", manufacturer="ACME", model="7", token="t", label="o"),
        ),
    ],
)
def test_a_uri_is_read_as_rfc_7512_writes_it(text: str, read: KeyUri) -> None:
    assert read_uri(text) == read


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("https://token", "no pkcs11: URI"),
        ("pkcs11:token=t;object=o", "which library"),
        ("pkcs11:object=o?module-path=a", "must name the token"),
        ("pkcs11:token=t?module-path=a", "must name the token"),
        ("pkcs11:token=t;object=o?module-path=a&pin-value=1234", "a PIN, or where it is, does not stand"),
        ("pkcs11:token=t;object=o?module-path=a&pin-source=file:/pin", "a PIN, or where it is"),
        ("pkcs11:token=t;object=o;type=cert?module-path=a", "names no private key"),
        ("pkcs11:token=t;token=u;object=o?module-path=a", "each once"),
        ("pkcs11:token=t;object=o;colour=red?module-path=a", "'colour' is not known"),
        ("pkcs11:token=t;object?module-path=a", "name=value"),
    ],
)
def test_whatever_else_it_says_is_a_fault(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_uri(text)


def test_a_pin_in_a_uri_is_not_repeated_in_the_fault() -> None:
    with pytest.raises(ValueError, match="PIN") as caught:
        read_uri("pkcs11:token=t;object=o?module-path=a&pin-value=918273")

    assert "918273" not in str(caught.value)
