"""
Where each code of the catalogue is produced by its real cause, and seen to show cause, owner and next action.

The tests named here run whole gateways; each reads the code where an operator does: in the certificate's
story, which ``track`` prints, and in the queue of exceptions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gateway.domain.errors import Fault
from tests.exchange import test_api_contract_exceptions as asked
from tests.exchange import test_wire_exceptions as wired

PRODUCED: dict[str, Callable[..., Any]] = {
    "B01": asked.test_b01_goods_that_do_not_match_until_customs_accept,
    "B02": wired.test_b02_is_told_at_home_too_when_more_was_used_abroad_than_was_issued,
    "B03": wired.test_b03_is_the_issuing_authoritys_when_a_cancelled_certificate_is_claimed,
    "B04": asked.test_b04_a_denial_is_its_organisations_until_customs_say_otherwise,
    "B05": asked.test_b05_a_verification_is_asked_for_until_it_is_answered,
    "B06": asked.test_b06_a_cancellation_that_crosses_a_utilisation_is_refused_abroad,
    "D01": wired.test_d01_is_nobodys_for_the_party_had_it,
    "D02": wired.test_what_we_refuse_from_abroad_is_somebodys_until_the_party_sends_something_good,
    "D03": wired.test_d03_is_the_operators_when_patience_with_an_orphan_ends,
    "D04": wired.test_what_we_refuse_from_abroad_is_somebodys_until_the_party_sends_something_good,
    "D05": wired.test_d05_is_to_be_settled_on_both_sides,
    "T01": wired.test_t01_moves_by_itself_and_t04_is_the_operators,
    "T02": wired.test_t02_is_the_administrators_while_it_is_still_tried,
    "T03": wired.test_t03_waits_as_the_party_asked_and_needs_nobody,
    "T04": wired.test_t01_moves_by_itself_and_t04_is_the_operators,
}


def test_each_code_of_answers_numbers_and_transport_is_produced_somewhere() -> None:
    assert set(PRODUCED) == {fault.value for fault in Fault if fault.value[0] in "BDT"}


@pytest.mark.parametrize("code", PRODUCED)
def test_its_test_says_what_it_shows(code: str) -> None:
    assert PRODUCED[code].__name__.startswith("test_")
