"""Which language a caller wants, as browsers and programs say it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.intake.languages import languages_of


@pytest.mark.parametrize(
    ("header", "languages"),
    [
        pytest.param("", (), id="nothing"),
        pytest.param("vi", ("vi",), id="one"),
        pytest.param("th-TH", ("th",), id="with-a-region"),
        pytest.param("en;q=0.5, vi-VN, th;q=0.9", ("vi", "th", "en"), id="by-their-weight"),
        pytest.param("th, vi", ("th", "vi"), id="in-order"),
        pytest.param("vi;q=0, en", ("en",), id="not-wanted"),
        pytest.param("*, en;q=0.1", ("en",), id="any"),
        pytest.param("VI", ("vi",), id="capitals"),
        pytest.param("vi;q=high, th", ("th",), id="garbled"),
    ],
)
def test_the_dearest_language_goes_first(header: str, languages: tuple[str, ...]) -> None:
    assert languages_of(header) == languages


@given(st.text())
def test_whatever_stands_there_is_read(header: str) -> None:
    assert all(language.islower() for language in languages_of(header))
