"""Certificates as SANCRT and back: nothing is lost, and what cannot be written or read says where and why."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.domain.dialect import DialectName
from gateway.domain.errors import ContentRefused, Fault, Finding, FormNotAgreed
from gateway.domain.ids import FormId
from gateway.registry.folder import SHIPPED
from gateway.translate.dialect import Dialect
from gateway.translate.edifact.dialect import EdifactDialect, dialects
from gateway.translate.edifact.envelope import Envelope
from tests.data.shipped import RCEP, forms
from tests.unit.translate.edifact_shipped import (
    SANCRT,
    a_certificate,
    canonical,
    data,
    dialect,
    examined,
    segments_of,
)
from tests.unit.translate.schema_documents import Documents

DOCUMENTS = Documents(SHIPPED / "schemas/common/certificate.xsd")
FORM = forms()[RCEP]
NS = f"{{{FORM.namespace}}}"


def certificates(form_id: FormId) -> st.SearchStrategy[etree._Element]:
    form = forms()[form_id]
    return DOCUMENTS.element(f"{{{form.namespace}}}{form.root}", "Certificate")


def parsed(document: etree._Element) -> etree._Element:
    """*document* with its namespace as the default one, as we write it."""
    root = etree.Element(document.tag, nsmap={None: etree.QName(document).namespace or ""})
    root.extend(list(document))
    return etree.fromstring(etree.tostring(root))


def there_and_back(document: etree._Element, level: str = "UNOW") -> etree._Element:
    octets = dialect(level).to_octets(document, FORM)
    ((back, form),) = dialect().from_octets(octets, forms())
    assert form is FORM
    return back


def at(document: etree._Element, path: str) -> etree._Element:
    found = document.find("/".join(NS + name for name in path.split("/")))
    assert found is not None
    return found


def refusal(run: Callable[[], object]) -> tuple[Finding, ...]:
    with pytest.raises(ContentRefused) as caught:
        run()
    return caught.value.findings


@pytest.mark.parametrize("form_id", sorted(forms()))
@settings(max_examples=8, deadline=None)
@given(drawn=st.data())
def test_any_certificate_of_any_form_comes_back_as_it_went(form_id: FormId, drawn: st.DataObject) -> None:
    document = parsed(drawn.draw(certificates(form_id)))

    octets = dialect().to_octets(document, forms()[form_id])
    ((back, form),) = dialect().from_octets(octets, forms())

    assert form.id == form_id
    assert canonical(back) == canonical(document)


@settings(max_examples=20, deadline=None)
@given(certificates(RCEP))
def test_latin_1_holds_a_certificate_whole_or_says_what_not(made: etree._Element) -> None:
    document = parsed(made)
    refused: tuple[Finding, ...] = ()
    octets = b""
    try:
        octets = dialect("UNOC").to_octets(document, FORM)
    except ContentRefused as refusal:
        refused = refusal.findings

    assert all((finding.code, bool(finding.path)) == (Fault.CODE, True) for finding in refused)
    assert refused or canonical(dialect().from_octets(octets, forms())[0][0]) == canonical(document)


def test_a_certificate_travels_in_an_interchange_of_its_own() -> None:
    document, form = a_certificate()

    carried = dialect().write(document, form)
    back, found = dialect().read(carried, forms())

    assert (carried.get("contentType"), carried.get("charset")) == ("application/EDIFACT", "UTF-8")
    assert dialect().speaks(carried)
    assert not dialect().speaks(document)
    assert (canonical(back), found) == (canonical(document), form)


def test_the_same_certificate_is_always_the_same_octets() -> None:
    assert dialect().to_octets(*a_certificate()) == dialect().to_octets(*a_certificate())


def test_an_envelope_says_who_sends_to_whom_and_when() -> None:
    envelope = Envelope(sender="VN.MOIT", recipient="TH.CUSTOMS", reference="1")

    octets = dialect("UNOC").to_octets(*a_certificate(), envelope)

    assert octets.startswith(
        b"UNA:+.? 'UNB+UNOC:3+VN.MOIT+TH.CUSTOMS+700101:0000+1'UNH+1+SANCRT:D:01B:UN:ECO1'"
    )
    assert octets.endswith(b"UNZ+1+1'")


def test_every_repertoire_that_is_written_is_a_dialect() -> None:
    made: tuple[Dialect, ...] = dialects(data())

    assert {each.id for each in made} == {DialectName.EDIFACT, DialectName.EDIFACT_LATIN}


def test_a_repertoire_that_is_only_read_is_no_dialect() -> None:
    with pytest.raises(ValueError, match="UNOA"):
        EdifactDialect(data(), "UNOA")


# ---- what is written -------------------------------------------------------------------------------------


def test_a_letter_that_latin_1_lacks_is_refused_with_its_box() -> None:
    document, _ = a_certificate()
    at(document, "Exporter/Name").text = "Công ty Cổ phần"
    at(document, "Items/Item/Description").text = "ผ้าไหม"

    findings = refusal(lambda: dialect("UNOC").to_octets(document, FORM))

    assert [(finding.code, finding.box, finding.path) for finding in findings] == [
        ("C09", "1", "/CertificateOfOrigin/Exporter/Name"),
        ("C09", "8", "/CertificateOfOrigin/Items/Item/Description"),
    ]
    assert "'ổ' (U+1ED5) cannot be written in ISO 8859-1 (UNOC)" in findings[0].text


def test_a_long_text_is_cut_over_segments_and_joined_again() -> None:
    document, _ = a_certificate()
    text = ("fifty cartons of tiles, " * 90)[:2000].strip()
    at(document, "Items/Item/Description").text = text

    octets = dialect().to_octets(document, FORM)

    pieces = [segment for segment in segments_of(octets) if segment.startswith("IMD+F")]
    assert len(pieces) == 4
    assert not any(piece.replace(":", "+").endswith(" ") for piece in pieces)
    assert at(there_and_back(document), "Items/Item/Description").text == text


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param("+12.50", "12.50", id="plus"),
        pytest.param("0012", "12", id="zeros"),
        pytest.param(".5", "0.5", id="bare-mark"),
        pytest.param("12.", "12", id="nothing-behind"),
    ],
)
def test_a_number_keeps_its_value_not_its_spelling(written: str, read: str) -> None:
    document, _ = a_certificate()
    at(document, "Items/Item/GrossWeight").text = written

    assert at(there_and_back(document), "Items/Item/GrossWeight").text == read


@pytest.mark.parametrize(
    ("port", "segment"),
    [
        pytest.param("VNSGN", "LOC+11+VNSGN:139:6", id="code"),
        pytest.param("Cat Lai", "LOC+11+:::Cat Lai", id="name"),
    ],
)
def test_a_port_is_a_code_where_it_looks_like_one(port: str, segment: str) -> None:
    document, _ = a_certificate()
    at(document, "Transport/PortOfDischarge").text = port

    assert segment in segments_of(dialect().to_octets(document, FORM))
    assert at(there_and_back(document), "Transport/PortOfDischarge").text == port


@pytest.mark.parametrize(
    ("name", "function"),
    [
        pytest.param(None, "9", id="original"),
        pytest.param("Replaces", "5", id="replacement"),
        pytest.param("CertifiedTrueCopyOf", "31", id="copy"),
    ],
)
def test_the_message_function_says_what_kind_of_certificate_it_is(name: str | None, function: str) -> None:
    document, _ = a_certificate()
    if name is not None:
        earlier = etree.Element(NS + name)
        etree.SubElement(earlier, f"{NS}Number").text = "ID26-VN-000001"
        at(document, "Items").addprevious(earlier)

    assert segments_of(dialect().to_octets(document, FORM))[2].endswith(f"+{function}")
    assert canonical(there_and_back(document)) == canonical(document)


def test_more_invoices_than_there_is_room_for_are_refused_at_their_place() -> None:
    document, _ = a_certificate()
    invoices = at(document, "Items/Item/Invoices")
    for number in range(120):
        invoice = etree.SubElement(invoices, f"{NS}Invoice")
        etree.SubElement(invoice, f"{NS}Number").text = f"CI-{number}"

    findings = refusal(lambda: dialect().to_octets(document, FORM))

    assert {finding.code for finding in findings} == {Fault.TOO_LARGE}
    assert findings[0].path == "/CertificateOfOrigin/Items/Item/Invoices/Invoice[100]"
    assert "SANCRT holds 99 of SG12 here" in findings[0].text


@pytest.mark.parametrize(
    ("path", "text", "code"),
    [
        pytest.param("Transport/Mode", "camel", "C09", id="code-not-in-list"),
        pytest.param("IssueDate", "20260231", "S02", id="no-day"),
        pytest.param("Items/Item/GrossWeight", "heavy", "S02", id="no-number"),
        pytest.param("CertificateNumber", "X" * 36, "S02", id="too-long"),
    ],
)
def test_what_cannot_be_said_in_a_segment_is_refused(path: str, text: str, code: str) -> None:
    document, _ = a_certificate()
    at(document, path).text = text

    (finding,) = refusal(lambda: dialect().to_octets(document, FORM))

    assert (finding.code, finding.path) == (code, f"/CertificateOfOrigin/{path}")


def test_an_element_that_the_map_does_not_know_is_refused() -> None:
    document, _ = a_certificate()
    etree.SubElement(at(document, "Exporter"), f"{NS}Telephone").text = "1"

    (finding,) = refusal(lambda: dialect().to_octets(document, FORM))

    assert finding.path == "/CertificateOfOrigin/Exporter/Telephone"


# ---- what is read ----------------------------------------------------------------------------------------


def read(text: str) -> etree._Element:
    ((certificate, _),) = dialect().from_octets(text.encode(), forms())
    return certificate


def test_what_says_the_same_in_other_words_may_stand_beside() -> None:
    text = SANCRT.replace("VNSGN:139:6", "VNSGN:139:6:Ho Chi Minh City").replace(
        "LOC+28+VN:162:5", "LOC+28+VN:::Viet Nam"
    )

    assert canonical(read(text)) == canonical(read(SANCRT))


def test_a_decimal_comma_is_read() -> None:
    assert at(read(SANCRT.replace("8268.9", "8268,9")), "Items/Item/GrossWeight").text == "8268.9"


def test_released_characters_are_read_as_content() -> None:
    assert at(read(SANCRT), "Remarks").text == "Shipped as agreed: 50+ boxes, men's"


@pytest.mark.parametrize(
    ("find", "put", "code", "path"),
    [
        pytest.param("PNA+CN+", "PNA+ZZ+", "S02", "Segment[10]/Element[1]", id="party-without-a-place"),
        pytest.param("CNT+2:1", "CNT+2:2", "S02", "Segment[26]/Element[1]/Component[2]", id="control-total"),
        pytest.param(
            "20260921:102'LOC", "20260231:102'LOC", "S02", "Segment[3]/Element[1]/Component[2]", id="no-day"
        ),
        pytest.param(
            "20260921:102'LOC", "20260921:203'LOC", "S02", "Segment[3]/Element[1]/Component[3]", id="format"
        ),
        pytest.param("TDT+20++1+", "TDT+20++7+", "C09", "Segment[12]/Element[3]/Component[1]", id="code"),
        pytest.param("8268.9", "8268.", "S02", "Segment[17]/Element[3]/Component[2]", id="no-number"),
        pytest.param(
            "162:5'LOC+28", "162:6'LOC+28", "S02", "Segment[4]/Element[2]/Component[3]", id="another-list"
        ),
        pytest.param("+9'", "+1'", "S02", None, id="cancellation"),
        pytest.param("+9'", "+5'", "S02", None, id="replaces-nothing"),
        pytest.param("+9'", "+31'", "S02", None, id="copy-of-nothing"),
        pytest.param("BGM+864", "BGM+861", "S02", None, id="not-preferential"),
    ],
)
def test_what_has_no_place_in_a_certificate_is_told_where_it_stands(
    find: str, put: str, code: str, path: str | None
) -> None:
    assert find in SANCRT

    findings = refusal(lambda: read(SANCRT.replace(find, put, 1)))

    where = "/Interchange/Message[1]" + (f"/{path}" if path else "")
    assert [(finding.code, finding.path) for finding in findings] == [(code, where)]


def test_a_second_exporter_is_refused() -> None:
    text = SANCRT.replace("PNA+CN+", "PNA+EX+++++1:Other'PNA+CN+").replace("UNT+27", "UNT+28")

    (finding,) = refusal(lambda: read(text))

    assert "A second Exporter" in finding.text


@pytest.mark.parametrize(
    ("form", "told"),
    [
        pytest.param("rcep/form-rcep/9.9", "'rcep/form-rcep/9.9'", id="unknown"),
        pytest.param("", "left open", id="none"),
    ],
)
def test_a_form_that_is_not_agreed_is_s03(form: str, told: str) -> None:
    with pytest.raises(FormNotAgreed, match=told):
        read(SANCRT.replace("rcep/form-rcep/1.0", form))


def test_an_unsound_interchange_is_refused_with_its_faults() -> None:
    with pytest.raises(ContentRefused) as caught:
        read(SANCRT.replace("UNT+27", "UNT+2"))

    (finding,) = caught.value.findings
    assert (finding.code, finding.line) == ("S01", 28)
    assert finding.action == "Correct the interchange (EDIFACT syntax error 29) and send it again."


def test_a_file_may_hold_several_certificates_but_one_travels() -> None:
    message = SANCRT[SANCRT.index("UNH") : SANCRT.index("UNZ")]
    second = message.replace("UNH+1", "UNH+2").replace("+27+1'", "+27+2'").replace("000101", "000102")
    text = SANCRT.replace(message, message + second).replace("UNZ+1", "UNZ+2")

    found = dialect().from_octets(text.encode(), forms())

    assert [at(each, "CertificateNumber").text for each, _ in found] == ["ID26-VN-000101", "ID26-VN-000102"]
    assert "2 certificates" in refusal(lambda: dialect().read(wrapped(text.encode()), forms()))[0].text


def wrapped(octets: bytes) -> etree._Element:
    carried = dialect().write(*a_certificate())
    carried.text = b64encode(octets).decode()
    return carried


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        pytest.param(
            lambda carried: carried.set("contentType", "text/plain"), "is no Interchange", id="type"
        ),
        pytest.param(lambda carried: carried.set("charset", "ISO-8859-1"), "UNB says UNOW", id="charset"),
        pytest.param(lambda carried: carried.set("charset", "klingon"), "'klingon'", id="no-charset"),
        pytest.param(lambda carried: setattr(carried, "text", "%%%"), "no Base64", id="no-base64"),
    ],
)
def test_an_interchange_that_is_carried_wrongly_is_refused(
    spoil: Callable[[etree._Element], None], told: str
) -> None:
    carried = dialect().write(*a_certificate())
    spoil(carried)

    assert told in refusal(lambda: dialect().read(carried, forms()))[0].text


def test_another_message_is_no_certificate() -> None:
    octets = dialect().contrl(SANCRT.encode())

    assert "not SANCRT.D.01B" in refusal(lambda: dialect().from_octets(octets, forms()))[0].text


@given(st.lists(st.tuples(st.integers(0), st.sampled_from("+:'?A1Z \n")), min_size=1, max_size=3))
def test_a_spoilt_certificate_is_read_the_same_or_refused(spoilt: list[tuple[int, str]]) -> None:
    letters = list(SANCRT)
    for place, letter in spoilt:
        letters[place % len(letters)] = letter
    octets = "".join(letters).encode()
    try:
        found = dialect().from_octets(octets, forms())
    except (ContentRefused, FormNotAgreed):
        return
    for certificate, form in found:
        again = dialect().from_octets(dialect().to_octets(certificate, form), forms())
        assert canonical(again[0][0]) == canonical(certificate)
    assert examined(octets).faults == []
