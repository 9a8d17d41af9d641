"""The one look-up of dialects: what travels in which, what arrives in which, whether its header agrees."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.domain.acknowledgement import Acknowledgement
from gateway.domain.dialect import DialectName
from gateway.domain.errors import ContentRefused, Finding, Misconfigured, Severity, Unreadable
from gateway.domain.ids import CertificateNumber, ConversationId, FormId, MessageId, PartyId
from gateway.domain.message import Header
from gateway.domain.status import AcknowledgedBy, AcknowledgementOutcome, MessageType
from gateway.registry.folder import SHIPPED, Folder
from gateway.translate.acknowledgements import EXCHANGE, acknowledgement_of, element_of
from gateway.translate.dialects import Dialects
from gateway.translate.ubl.rest import spoken as without_the_empty
from tests.data.shipped import RCEP, a_record, forms, written
from tests.unit.translate.edifact_shipped import SANCRT, canonical

FORM = forms()[RCEP]


@lru_cache
def dialects() -> Dialects:
    return Dialects(Folder(), forms())


def a_header(document: etree._Element, kind: MessageType = MessageType.CERTIFICATE) -> Header:
    return Header(
        sender=PartyId("VN.MOIT"),
        receiver=PartyId("TH.CUSTOMS"),
        standard=etree.QName(document).namespace or "",
        type_version="1.0",
        message_id=MessageId("m1@vn.moit"),
        type=kind,
        created_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
        conversation_id=ConversationId("c1@vn.moit"),
        form=RCEP,
        certificate_number=CertificateNumber(document.findtext("{*}CertificateNumber") or ""),
        ref_to_message_id=None if kind is MessageType.CERTIFICATE else MessageId("m0@th.customs"),
    )


def an_acknowledgement(*findings: Finding) -> etree._Element:
    return element_of(
        Acknowledgement(
            certificate_number=CertificateNumber("VN-1"),
            ref_to_message_id=MessageId("m0@th.customs"),
            outcome=AcknowledgementOutcome.REJECTED,
            by=AcknowledgedBy.GATEWAY,
            at=datetime(2026, 11, 21, 12, tzinfo=UTC),
            findings=findings,
        )
    )


def a_ping() -> etree._Element:
    return etree.Element(f"{{{EXCHANGE}}}Ping", nsmap={None: EXCHANGE})


@pytest.mark.parametrize("name", DialectName)
def test_a_certificate_and_its_acknowledgement_come_back_from_every_dialect(name: DialectName) -> None:
    for document, kind in (
        (written(a_record(RCEP)), MessageType.CERTIFICATE),
        (an_acknowledgement(Finding(code="C03", text="Not so.")), MessageType.ACKNOWLEDGEMENT),
    ):
        travelling = dialects().to_wire(name, document, a_header(document, kind))
        assert travelling is not None
        header, spoken = travelling
        arrived = etree.fromstring(etree.tostring(spoken))

        found = dialects().spoken_in(arrived)
        assert found is not None
        assert found.id is name
        assert header.standard == etree.QName(arrived).namespace
        back = dialects().from_wire(found, arrived, header)
        assert canonical(without_the_empty(back)) == canonical(without_the_empty(document))


@pytest.mark.parametrize("name", [None, *DialectName])
def test_what_no_dialect_has_a_document_for_travels_as_it_is(name: DialectName | None) -> None:
    assert dialects().to_wire(name, a_ping(), a_header(a_ping(), MessageType.PING)) is None


def test_a_canonical_document_is_in_no_dialect() -> None:
    assert dialects().spoken_in(written(a_record(RCEP))) is None
    assert dialects().spoken_in(a_ping()) is None


@pytest.mark.parametrize("name", DialectName)
@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param({"certificate_number": CertificateNumber("VN-2")}, "CERTIFICATENUMBER", id="number"),
        pytest.param({"form": FormId("atiga/form-d/1.0")}, "FORM is atiga/form-d/1.0", id="form"),
        pytest.param({"type": MessageType.STATUS_QUERY}, "has no document in", id="type"),
    ],
)
def test_a_header_that_contradicts_its_document_is_refused(
    name: DialectName, change: dict[str, Any], told: str
) -> None:
    document = written(a_record(RCEP))
    travelling = dialects().to_wire(name, document, a_header(document))
    assert travelling is not None
    header, spoken = travelling
    found = dialects().spoken_in(spoken)
    assert found is not None

    with pytest.raises(Unreadable, match=told):
        dialects().from_wire(found, spoken, replace(header, **change))


def test_what_latin_1_does_not_hold_is_told_before_anything_travels() -> None:
    record = a_record(RCEP)
    record["exporter"]["name"] = "Công ty Dệt may"
    document = written(record)

    with pytest.raises(ContentRefused) as caught:
        dialects().to_wire(DialectName.EDIFACT_LATIN, document, a_header(document))

    (finding,) = caught.value.findings
    assert (finding.code, finding.box, finding.path) == ("C09", "1", "/CertificateOfOrigin/Exporter/Name")


@given(
    st.text("ABC019 -", max_size=5),
    st.sampled_from(Severity),
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1),
)
def test_a_code_that_is_not_ours_is_kept_in_the_words(code: str, severity: Severity, text: str) -> None:
    (told,) = acknowledgement_of(
        an_acknowledgement(Finding(code=code, text=text, severity=severity))
    ).findings

    assert told.severity is severity
    assert told.code == code or (told.code in ("S02", "W05") and code in told.text and text in told.text)


def test_a_file_of_edifact_is_known_by_its_first_segment() -> None:
    assert dialects().in_file(b"<CertificateOfOrigin/>") is None
    ((certificate, form),) = dialects().in_file(SANCRT.encode()) or ()
    assert (form.id, certificate.findtext("{*}CertificateNumber")) == (RCEP, "ID26-VN-000101")


def test_what_is_missing_of_every_dialect_is_told_at_once(tmp_path: Path) -> None:
    schemas = tmp_path / "schemas"
    schemas.symlink_to(SHIPPED / "schemas")

    with pytest.raises(Misconfigured) as caught:
        Dialects(Folder((tmp_path,)), forms())

    files = {fault.file for fault in caught.value.faults}
    assert any("xslt/ubl" in file for file in files)
    assert any("edifact" in file for file in files)
