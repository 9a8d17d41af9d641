"""What ``send`` hands in of files in EDIFACT: each certificate in canonical form, an unsound one as it is."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

from gateway.cli.parcels import find_files, read_parcels
from gateway.translate.edifact.carried import unwrap
from tests.data.shipped import a_record, forms, written
from tests.unit.translate.edifact_shipped import SANCRT, canonical, dialect, examined


def test_each_certificate_of_an_interchange_is_a_parcel(tmp_path: Path) -> None:
    message = SANCRT[SANCRT.index("UNH") : SANCRT.index("UNZ")]
    second = message.replace("UNH+1", "UNH+2").replace("+27+1'", "+27+2'").replace("000101", "000102")
    text = SANCRT.replace(message, message + second).replace("UNZ+1", "UNZ+2")
    (tmp_path / "two.edi").write_text(text, "utf-8")

    parcels = list(read_parcels(find_files([tmp_path])))

    assert [parcel.name for parcel in parcels] == [f"{tmp_path}/two.edi[{index}]" for index in (0, 1)]
    documents = [document for document, _ in dialect().from_octets(text.encode(), forms())]
    assert [canonical(etree.fromstring(parcel.content)) for parcel in parcels] == [
        canonical(document) for document in documents
    ]


def test_what_is_no_sound_interchange_is_handed_in_as_it_is(tmp_path: Path) -> None:
    octets = SANCRT.replace("UNT+27", "UNT+2").encode()
    (tmp_path / "unsound.edi").write_bytes(octets)

    (parcel,) = read_parcels([tmp_path / "unsound.edi"])

    assert unwrap(etree.fromstring(parcel.content)) == octets
    assert examined(octets).faults


def test_a_certificate_in_xml_is_handed_in_byte_for_byte(tmp_path: Path) -> None:
    raw = etree.tostring(written(a_record()))
    (tmp_path / "one.xml").write_bytes(raw)

    (parcel,) = read_parcels([tmp_path / "one.xml"])

    assert parcel.content == raw
