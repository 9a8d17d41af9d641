"""A code leads to its certificate, and none that we did not make leads anywhere."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.public.codes import Codes

CODES = Codes(bytes(range(32)))
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
certificates = st.integers(1, 2**40)


@given(certificates)
def test_a_code_leads_to_its_certificate_however_it_is_typed(number: int) -> None:
    code = CODES.code_of(number)
    in_groups = "-".join(code[i : i + 6] for i in range(0, len(code), 6))

    assert [CODES.read(typed) for typed in (code, code.lower(), in_groups, f" {code} ")] == [number] * 4


@given(certificates, st.integers(0, 34), st.sampled_from(LETTERS))
def test_one_other_letter_and_it_leads_nowhere(number: int, place: int, letter: str) -> None:
    code = CODES.code_of(number)
    other = code[:place] + letter + code[place + 1 :]

    assert (CODES.read(other) == number) if other == code else CODES.read(other) is None


@given(st.text(max_size=60))
def test_nothing_that_is_typed_breaks_it(text: str) -> None:
    assert CODES.read(text) is None


def test_a_code_of_another_installation_leads_nowhere() -> None:
    assert CODES.read(Codes(bytes(32)).code_of(7)) is None
