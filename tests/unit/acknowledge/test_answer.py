from __future__ import annotations

import pytest

from gateway.domain.answer import Answer


@pytest.mark.parametrize("name", ["Retry-After", "retry-after", "RETRY-AFTER"])
def test_a_header_is_found_whatever_its_case(name: str) -> None:
    answer = Answer(status=503, headers={"Retry-After": "5"}, body=b"")

    assert answer.header(name) == "5"


def test_a_header_that_was_not_sent_is_none() -> None:
    assert Answer(status=200, headers={}, body=b"").header("Date") is None
