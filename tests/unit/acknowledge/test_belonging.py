"""Which certificates a message from abroad may be about, on which side it was issued."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.acknowledge.judging import judge_belonging
from gateway.domain.ids import CertificateNumber
from gateway.domain.status import CertificateLife, Direction, MessageType
from tests.messages import a_header
from tests.unit.acknowledge.samples import living

OURS = replace(living(CertificateLife.IN_FORCE), direction=Direction.OUT)
THEIRS = replace(OURS, direction=Direction.IN)
OF_WHO_ISSUED = {MessageType.CERTIFICATE, MessageType.CANCELLATION, MessageType.VERIFICATION_REPLY}
OF_WHO_IMPORTS = {
    MessageType.CUSTOMS_RESPONSE,
    MessageType.RETRANSMISSION_REQUEST,
    MessageType.VERIFICATION_REQUEST,
    MessageType.VERIFICATION_RESULT,
}


@pytest.mark.parametrize("kind", MessageType)
def test_each_side_says_what_is_its_own_to_say(kind: MessageType) -> None:
    header = a_header(type=kind, certificate_number=OURS.number)

    about_ours, about_theirs = judge_belonging(header, OURS), judge_belonging(header, THEIRS)

    assert [each.code for each in about_ours] == (["D03"] if kind in OF_WHO_ISSUED else [])
    assert [each.code for each in about_theirs] == (["D03"] if kind in OF_WHO_IMPORTS else [])


@pytest.mark.parametrize(("number", "codes"), [(None, []), (OURS.number, []), ("OTHER/1", ["D03"])])
def test_a_number_that_is_given_is_that_of_the_certificate(number: str | None, codes: list[str]) -> None:
    named = None if number is None else CertificateNumber(number)
    header = a_header(type=MessageType.STATUS_QUERY, certificate_number=named)

    assert [each.code for each in judge_belonging(header, OURS)] == codes
