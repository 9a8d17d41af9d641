from __future__ import annotations

import contextlib
import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.corridor import Corridor, Party
from gateway.domain.dialect import DialectName
from gateway.domain.errors import ContentRefused, FormNotAgreed, Misconfigured
from gateway.domain.ids import FormId, PartyId, family_of
from gateway.domain.status import MessageType
from gateway.domain.words import ENGLISH, Language
from gateway.route.corridors import (
    Corridors,
    accepted_to,
    agreed_way,
    answers_owed_to,
    corridor_for,
    dialect_between,
    owed_to,
)
from tests.data.shipped import forms
from tests.unit.deliver.parties import a_party

VN, TH, MY, TH2 = (PartyId(name) for name in ("VN.MOIT", "TH.CUSTOMS", "MY.CUSTOMS", "TH.OTHER"))
FORM_D, RCEP, RCEP_2, UBL = (
    FormId(name) for name in ("atiga/form-d/1.0", "rcep/form-rcep/1.0", "rcep/form-rcep/2.0", "ubl/co/2.1")
)
MEMBERS = frozenset({"VN", "TH", "MY", "ID"})
PARTIES = {party.id: party for party in (a_party(name, country=name[:2]) for name in (VN, TH, MY))}
K = MessageType
WORDS = forms()[FORM_D].words_in(ENGLISH)


def a_corridor(
    sender: PartyId, receiver: PartyId, accepts: FormId, delivers: FormId | None = None
) -> Corridor:
    def party(name: PartyId) -> Party:
        return PARTIES.get(name) or a_party(name, country=name[:2])

    return Corridor(
        sender=party(sender), receiver=party(receiver), accepts=accepts, delivers=delivers or accepts
    )


def corridors(*all_of_them: Corridor) -> Corridors:
    return {(c.sender.id, c.receiver.id, c.accepts): c for c in all_of_them}


KNOWN = corridors(
    a_corridor(VN, TH, FORM_D),
    a_corridor(VN, TH, RCEP),
    a_corridor(TH, VN, FORM_D),
    a_corridor(VN, MY, RCEP, UBL),
)


def find(form: FormId = FORM_D, to: str = "TH", known: Corridors = KNOWN) -> Corridor:
    return corridor_for(
        known, PARTIES, sender=VN, form=form, importing_country=to, members=MEMBERS, words=WORDS
    )


def test_the_corridor_goes_from_us_to_the_importing_country_for_the_form() -> None:
    found = find(RCEP)

    assert (found.sender.id, found.receiver.id, found.accepts) == (VN, TH, RCEP)


def test_a_message_is_owed_to_the_receiver_and_its_answers_to_the_sender() -> None:
    found = find()

    assert (owed_to(found), answers_owed_to(found)) == (TH, VN)


@pytest.mark.parametrize(
    ("form", "country", "text"),
    [
        pytest.param(FORM_D, "JP", "JP is not a Party to the agreement behind atiga/form-d", id="no-member"),
        pytest.param(FORM_D, "ID", "no party file for ID", id="no-party-file"),
        pytest.param(FORM_D, "MY", "no corridor for atiga/form-d/1.0 from VN.MOIT to MY", id="no-corridor"),
        pytest.param(RCEP_2, "TH", "agreed there: atiga/form-d/1.0, rcep/form-rcep/1.0", id="other-version"),
        pytest.param(FORM_D, "VN", "no party file for VN", id="home"),
    ],
)
def test_a_missing_corridor_says_which_of_its_conditions_fails(form: FormId, country: str, text: str) -> None:
    with pytest.raises(ContentRefused) as caught:
        find(form, country)

    [finding] = caught.value.findings
    assert (finding.code, finding.value) == ("C01", country)
    assert text in finding.text
    assert finding.action


def test_a_country_that_does_not_implement_the_form_is_told_with_what_it_does() -> None:
    modest = replace(PARTIES[MY], forms=frozenset({family_of(RCEP)}))

    with pytest.raises(ContentRefused) as caught:
        corridor_for(
            KNOWN,
            PARTIES | {MY: modest},
            sender=VN,
            form=FORM_D,
            importing_country="MY",
            members=MEMBERS,
            words=WORDS,
        )

    [finding] = caught.value.findings
    assert (finding.code, finding.value) == ("C01", "MY")
    assert finding.text == (
        "MY has not declared that it takes atiga/form-d/1.0 electronically: "
        "MY.CUSTOMS implements rcep/form-rcep"
    )
    assert finding.action == "Use a form that MY implements, or send the certificate on paper."


@pytest.mark.parametrize(
    ("language", "said"), [("vi", "Không có tuyến trao đổi"), ("th", "ไม่มีเส้นทางแลกเปลี่ยน")]
)
def test_a_missing_corridor_is_told_in_the_language_that_was_asked_for(language: str, said: str) -> None:
    words = forms()[FORM_D].words_in(Language(language))

    with pytest.raises(ContentRefused) as caught:
        corridor_for(
            KNOWN, PARTIES, sender=VN, form=FORM_D, importing_country="MY", members=MEMBERS, words=words
        )

    [finding] = caught.value.findings
    assert finding.text.startswith(said)
    assert "atiga/form-d/1.0" in finding.text
    assert finding.action


def test_what_may_be_handed_in_for_a_country_is_what_its_corridors_accept() -> None:
    accepted = {to: accepted_to(KNOWN, sender=VN, importing_country=to) for to in ("TH", "MY", "ID")}

    assert accepted == {"TH": {FORM_D, RCEP}, "MY": {RCEP}, "ID": set()}


def test_a_form_of_no_agreement_goes_wherever_a_corridor_leads() -> None:
    found = corridor_for(
        KNOWN, PARTIES, sender=VN, form=RCEP, importing_country="MY", members=None, words=WORDS
    )

    assert found.receiver.id == MY


def test_two_receivers_for_one_form_in_one_country_are_nobody_s_choice() -> None:
    both = corridors(a_corridor(VN, TH, FORM_D), a_corridor(VN, TH2, FORM_D))

    with pytest.raises(Misconfigured, match="several receivers in TH"):
        corridor_for(
            both,
            PARTIES | {TH2: a_party(TH2, country="TH")},
            sender=VN,
            form=FORM_D,
            importing_country="TH",
            members=MEMBERS,
            words=WORDS,
        )


@given(st.sampled_from([*MEMBERS, "JP", "XX"]), st.sampled_from([FORM_D, RCEP, RCEP_2, UBL]))
def test_what_is_found_always_fits_what_was_asked(country: str, form: FormId) -> None:
    with contextlib.suppress(ContentRefused):
        found = find(form, country)

        assert (found.sender.id, found.receiver.country, found.accepts) == (VN, country, form)


@pytest.mark.parametrize("kind", [K.CERTIFICATE, K.CANCELLATION, K.VERIFICATION_REPLY])
def test_what_the_issuing_side_says_goes_along(kind: MessageType) -> None:
    found = agreed_way(KNOWN, sender=VN, receiver=TH, form=RCEP, kind=kind)

    assert found is KNOWN[VN, TH, RCEP]


@pytest.mark.parametrize(
    "kind",
    [K.CUSTOMS_RESPONSE, K.RETRANSMISSION_REQUEST, K.VERIFICATION_REQUEST, K.VERIFICATION_RESULT],
)
def test_what_customs_says_goes_backwards(kind: MessageType) -> None:
    found = agreed_way(KNOWN, sender=TH, receiver=VN, form=RCEP, kind=kind)

    assert found is KNOWN[VN, TH, RCEP]


@pytest.mark.parametrize("kind", [K.ACKNOWLEDGEMENT, K.STATUS_QUERY, K.STATUS_REPLY])
def test_acknowledgements_and_questions_go_either_way(kind: MessageType) -> None:
    along = agreed_way(KNOWN, sender=VN, receiver=TH, form=RCEP, kind=kind)
    back = agreed_way(KNOWN, sender=TH, receiver=VN, form=RCEP, kind=kind)

    assert along is back is KNOWN[VN, TH, RCEP]


def test_a_ping_needs_no_corridor() -> None:
    ping = FormId("exchange/ping/1.0")

    assert agreed_way({}, sender=VN, receiver=TH, form=ping, kind=K.PING) is None


def test_a_translated_form_is_known_by_what_leaves() -> None:
    found = agreed_way(KNOWN, sender=VN, receiver=MY, form=UBL, kind=K.CERTIFICATE)

    assert found is KNOWN[VN, MY, RCEP]


@pytest.mark.parametrize(
    ("sender", "receiver", "form", "kind", "text"),
    [
        pytest.param(TH, VN, RCEP_2, K.CERTIFICATE, "agreed: atiga/form-d/1.0, rcep", id="another-version"),
        pytest.param(TH, VN, RCEP, K.CERTIFICATE, "goes from VN.MOIT to TH.CUSTOMS", id="against-the-way"),
        pytest.param(VN, MY, RCEP, K.CERTIFICATE, "agreed: ubl/co/2.1", id="not-translated"),
        pytest.param(TH, MY, FORM_D, K.CERTIFICATE, "agreed: none", id="strangers"),
    ],
)
def test_a_way_that_is_not_agreed_says_what_is(
    sender: PartyId, receiver: PartyId, form: FormId, kind: MessageType, text: str
) -> None:
    with pytest.raises(FormNotAgreed, match=text):
        agreed_way(KNOWN, sender=sender, receiver=receiver, form=form, kind=kind)


def test_every_type_of_message_has_its_way() -> None:
    both_ways = corridors(*(a_corridor(a, b, FORM_D) for a, b in itertools.permutations((VN, TH))))

    for kind in MessageType:
        agreed_way(both_ways, sender=VN, receiver=TH, form=FORM_D, kind=kind)


D = DialectName
SPOKEN = corridors(
    replace(a_corridor(VN, TH, FORM_D), certificates_in=D.EDIFACT, answers_in=D.EDIFACT_LATIN),
    replace(a_corridor(TH, VN, FORM_D), certificates_in=D.UBL),
)


@pytest.mark.parametrize(
    ("sender", "receiver", "kind", "acknowledged", "dialect"),
    [
        pytest.param(VN, TH, K.CERTIFICATE, None, D.EDIFACT, id="certificate"),
        pytest.param(VN, TH, K.CANCELLATION, None, D.EDIFACT, id="cancellation"),
        pytest.param(TH, VN, K.CUSTOMS_RESPONSE, None, D.EDIFACT_LATIN, id="customs-response"),
        pytest.param(TH, VN, K.ACKNOWLEDGEMENT, K.CERTIFICATE, D.EDIFACT_LATIN, id="of-a-certificate"),
        pytest.param(VN, TH, K.ACKNOWLEDGEMENT, K.CUSTOMS_RESPONSE, D.EDIFACT, id="of-a-customs-response"),
        pytest.param(TH, VN, K.CERTIFICATE, None, D.UBL, id="the-other-way"),
        pytest.param(VN, TH, K.ACKNOWLEDGEMENT, K.CERTIFICATE, None, id="answers-in-canonical-form"),
        pytest.param(VN, MY, K.CERTIFICATE, None, None, id="no-corridor"),
        pytest.param(VN, TH, K.PING, None, None, id="ping"),
    ],
)
def test_a_message_is_written_in_the_dialect_of_its_corridor(
    sender: PartyId,
    receiver: PartyId,
    kind: MessageType,
    acknowledged: MessageType | None,
    dialect: DialectName | None,
) -> None:
    found = dialect_between(
        SPOKEN, sender=sender, receiver=receiver, form=FORM_D, kind=kind, acknowledged=acknowledged
    )

    assert found is dialect
