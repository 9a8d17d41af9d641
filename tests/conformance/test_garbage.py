"""Bytes that were cut, flipped, spliced or never were a message: refused in so many words, every time."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.errors import Refused, TooLarge, Unreadable
from gateway.domain.xml import MAX_MESSAGE_BYTES
from tests.conformance.sealed import SEALED, VN, check


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"PK\x03\x04", id="a-zip"),
        pytest.param(b"{}", id="json"),
        pytest.param(b'<!DOCTYPE a [<!ENTITY b "c">]>' + SEALED.partition(b"\n")[2], id="dtd"),
        pytest.param(SEALED.replace(b"Trousers", b"&trousers;"), id="entity"),
        pytest.param(
            SEALED.replace(b"<Item ", b"<Item " + b" ".join(b'a%d=""' % n for n in range(100)) + b" "),
            id="101-attributes",
        ),
        pytest.param(SEALED.replace(b"Trousers", b"<a>" * 300 + b"</a>" * 300), id="depth"),
        pytest.param(SEALED.replace(b"Trousers", b"\xff"), id="not-utf-8"),
        pytest.param(SEALED.replace(b"UTF-8", b"UTF-X", 1), id="unknown-encoding"),
    ],
)
def test_what_cannot_be_read_fails_step_1(raw: bytes) -> None:
    with pytest.raises(Unreadable) as refused:
        check(raw)

    assert refused.value.findings[0].step == 1


def test_one_byte_too_many_is_too_large_and_the_limit_itself_is_not() -> None:
    padded = SEALED + b" " * (MAX_MESSAGE_BYTES - len(SEALED))

    assert check(padded).octets == check(SEALED).octets
    with pytest.raises(TooLarge):
        check(padded + b" ")


def test_a_namespace_name_of_a_megabyte_does_not_fill_the_memory() -> None:
    name = "urn:" + "x" * 1_000_000
    bomb = SEALED.replace(
        b"<StandardBusinessDocument ", b'<StandardBusinessDocument xmlns:a="%b" ' % name.encode(), 1
    ).replace(b"<Exporter>", b"<a:b/>" * 100_000 + b"<Exporter>")
    with pytest.raises(TooLarge):
        check(bomb)


@pytest.mark.parametrize("cut", range(0, len(SEALED) - 1, 97))
def test_a_message_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(Refused):
        check(SEALED[:cut])


@given(place=st.integers(0, len(SEALED) - 1), flip=st.integers(1, 255))
@settings(max_examples=600, deadline=None)
def test_any_flipped_byte_is_refused_or_changes_nothing(place: int, flip: int) -> None:
    raw = bytearray(SEALED)
    raw[place] ^= flip

    try:
        content = check(bytes(raw))
    except Refused:
        return
    assert content.octets == check(SEALED).octets
    assert content.certificate == VN.registered_sign


@given(
    start=st.integers(0, len(SEALED)),
    length=st.integers(0, 60),
    put=st.binary(max_size=60) | st.integers(0, len(SEALED) - 60).map(lambda n: SEALED[n : n + 60]),
)
@settings(max_examples=400, deadline=None)
def test_any_splice_is_refused_or_changes_nothing(start: int, length: int, put: bytes) -> None:
    raw = SEALED[:start] + put + SEALED[start + length :]

    try:
        content = check(raw)
    except Refused:
        return
    assert content.octets == check(SEALED).octets


@given(st.binary(max_size=200) | st.text(alphabet="<>/&;\"'= abS\n!?-[]", max_size=80).map(str.encode))
@settings(max_examples=300, deadline=None)
def test_garbage_is_refused_and_nothing_else(raw: bytes) -> None:
    with pytest.raises(Refused):
        check(raw)
