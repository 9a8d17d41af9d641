"""The certificate on paper, read back from the very PDF: its text, its code, and what is attached to it."""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium_c
import pytest
import zxingcpp
from lxml import etree

from gateway.domain.errors import Misconfigured, NotFound
from gateway.domain.form import Form
from gateway.domain.ids import CertificateNumber, FormId, PartyId
from gateway.domain.words import Language
from gateway.public.paper import LAYOUT, SHARED, Papers, Sheet, Specimen, file_name, mark_of
from gateway.public.standing import Standing
from gateway.registry.folder import SHIPPED, Folder
from gateway.registry.load import Registry, load_registry
from gateway.validate.records import record_of
from tests.exchange.test_specimens import png

LAID_OUT = sorted(
    str(path.parent.relative_to(SHIPPED / "schemas")) for path in SHIPPED.glob(f"schemas/*/*/*/{LAYOUT}")
)
LANGUAGES = ("en", "th", "vi")
SEALED = b"<the-sealed-message>\xe0\xb8\x81</the-sealed-message>"
#: Without the clusters that PDF readers tell twice.
THAI = ("หนังสือ", "รับรอง", "กำเนิด", "สินค้า", "ข้าว", "หอม", "มะลิ", "ไทย", "ส่ง", "ออก", "ประเทศ")
CHECK = "https://check.example/verify/ABCDEFGHIJKLMNOPQRSTUVWXYZ2345678901"


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry(Folder())


@pytest.fixture(scope="module")
def papers(registry: Registry) -> Papers:
    return Papers(registry, demonstration=False)


def example(form: Form, name: str = "every-box") -> dict[str, Any]:
    """The record of an example; every-box ticks and fills all there is."""
    return record_of(etree.parse(SHIPPED / form.folder / f"examples/valid/{name}.xml").getroot(), form)


def with_items(record: Mapping[str, Any], count: int) -> dict[str, Any]:
    items = record["items"]
    return {**record, "items": [{**items[n % len(items)], "no": n + 1} for n in range(count)]}


def sheet(form: Form, record: Mapping[str, Any], **changes: Any) -> Sheet:
    plain: dict[str, Any] = {
        "form": form,
        "record": record,
        "number": CertificateNumber(record["certificate_number"]),
        "party": PartyId("VN.MOIT"),
        "standing": Standing.VALID,
        "check": CHECK,
        "digest": hashlib.sha256(SEALED).digest(),
        "sealed": SEALED,
        "made_at": datetime(2026, 11, 21, 8, tzinfo=UTC),
    }
    return Sheet(**plain | changes)


@contextmanager
def opened(pdf: bytes) -> Iterator[pypdfium2.PdfDocument]:
    with closing(pypdfium2.PdfDocument(pdf)) as document:
        yield document


def text_of(pdf: bytes) -> list[str]:
    """The text of each page, by any spacing."""
    with opened(pdf) as document:
        return [" ".join(page.get_textpage().get_text_bounded().split()) for page in document]


def codes_on(pdf: bytes, page: int = 0) -> list[str]:
    """What a decoder reads on a page that was printed at 144 dots an inch."""
    with opened(pdf) as document:
        bitmap = document[page].render(scale=2, grayscale=True)
        pixels = memoryview(bytes(bitmap.buffer)).cast("B", (bitmap.height, bitmap.stride))
        return [found.text for found in zxingcpp.read_barcodes(pixels)]


def font_with(character: str) -> bytes:
    """A font by another name that has this character alone."""
    with as_file(files("fontpkg_sarabun") / "files/Sarabun-Regular.ttf") as path:
        font = bytearray(
            path.read_bytes().replace("Sarabun".encode("utf-16-be"), "Foreign".encode("utf-16-be"))
        )
    table = struct.pack(">HHHHI", 0, 1, 3, 10, 12)
    table += struct.pack(">HHIIIIII", 12, 0, 28, 0, 1, ord(character), ord(character), 5)
    entry = font.index(b"cmap")
    font[entry + 8 : entry + 16] = struct.pack(">II", len(font), len(table))
    return bytes(font + table)


def place_of(page: Any, text: str) -> float:
    """How high *text* first stands on a page, points from its foot."""
    found = page.search(text).get_next()
    assert found is not None, text
    bottom: float = page.get_charbox(found[0])[1]
    return bottom


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form_id", LAID_OUT)
def test_every_form_is_printed_in_every_language(
    papers: Papers, registry: Registry, form_id: str, language: str
) -> None:
    form = registry.forms[FormId(form_id)]
    record = example(form)

    pdf = papers.pdf(sheet(form, record), Language(language))

    text = text_of(pdf)[0]
    for shown in (record["certificate_number"], record["exporter"]["name"], record["items"][0]["hs"]):
        assert shown in text
    assert "CERTIFIED TRUE COPY" in text  # every-box is one
    assert codes_on(pdf) == [CHECK]


def test_the_forms_that_are_laid_out_are_those_of_the_first_corridors() -> None:
    assert LAID_OUT == ["aifta/form-ai/1.0", "atiga/form-d/1.0", "rcep/form-rcep/1.0"]


@pytest.mark.parametrize("form_id", LAID_OUT)
def test_fifty_items_stand_on_numbered_continuation_sheets_each_once(
    papers: Papers, registry: Registry, form_id: str
) -> None:
    form = registry.forms[FormId(form_id)]
    record = with_items(example(form, "plain"), 50)
    record["items"] = [{**item, "marks": f"LOT-{item['no']}-"} for item in record["items"]]

    pages = text_of(papers.pdf(sheet(form, record), Language("en")))

    found = [n for page in pages for n in range(1, 51) if f"LOT-{n}-" in page]
    assert found == list(range(1, 51))
    assert len(pages) >= 3
    assert all("CONTINUATION SHEET" in page and record["certificate_number"] in page for page in pages[1:])
    assert [f"Sheet {n} / {len(pages)}" in page for n, page in enumerate(pages, 1)] == [True] * len(pages)


def test_an_item_too_long_for_a_sheet_goes_on_over_several(papers: Papers, registry: Registry) -> None:
    form = registry.forms[FormId("rcep/form-rcep/1.0")]
    record = with_items(example(form, "plain"), 2)
    record["items"][0] = {**record["items"][0], "description": "cotton yarn, " * 1500 + "THE-END"}

    pages = text_of(papers.pdf(sheet(form, record), Language("en")))

    assert len(pages) >= 3
    assert sum("THE-END" in page for page in pages) == 1


def test_the_sealed_bytes_are_attached_as_they_are_and_the_file_is_archival(
    papers: Papers, registry: Registry
) -> None:
    form = registry.forms[FormId("rcep/form-rcep/1.0")]

    pdf = papers.pdf(sheet(form, example(form)), Language("en"))

    with opened(pdf) as document:
        attached = document.get_attachment(0)
        assert (attached.get_name(), bytes(attached.get_data())) == (
            "VN-TH-26-02-00006_form-rcep.xml",
            SEALED,
        )
        assert document.is_tagged()
    assert b"<pdfaid:part>3</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in pdf
    assert hashlib.sha256(SEALED).hexdigest() in text_of(pdf)[0]


@pytest.mark.parametrize(
    ("standing", "mark"),
    [
        (Standing.VALID, None),
        (Standing.CANCELLING, None),
        (Standing.CANCELLED, "CANCELLED"),
        (Standing.REPLACED, "REPLACED"),
        (Standing.EXPIRED, "EXPIRED"),
        (Standing.WITHDRAWN, "NOT IN FORCE"),
        (Standing.UNKNOWN, "NOT IN FORCE"),
    ],
)
def test_what_does_not_stand_is_marked_across_every_sheet(
    papers: Papers, registry: Registry, standing: Standing, mark: str | None
) -> None:
    form = registry.forms[FormId("atiga/form-d/1.0")]
    record = with_items(example(form, "plain"), 20)

    pages = text_of(papers.pdf(sheet(form, record, standing=standing), Language("en")))

    assert mark_of(standing) == mark
    assert all((mark in page) if mark else ("CANCELLED" not in page) for page in pages)
    assert "ORIGINAL" in pages[0]


def test_a_certificate_that_others_issued_has_no_code_of_ours(papers: Papers, registry: Registry) -> None:
    form = registry.forms[FormId("aifta/form-ai/1.0")]

    assert codes_on(papers.pdf(sheet(form, example(form), check=None), Language("vi"))) == []


def test_names_in_other_scripts_are_printed_and_what_no_font_has_is_told_by_code(
    papers: Papers, registry: Registry
) -> None:
    form = registry.forms[FormId("rcep/form-rcep/1.0")]
    record = example(form, "other-scripts")
    record["exporter"]["name"] += " 出口商 😀"

    text = text_of(papers.pdf(sheet(form, record), Language("en")))[0]

    assert "Công ty TNHH Thực phẩm Sao Mai & Đối tác <Bến Tre>" in text
    assert "⟨U+51FA⟩⟨U+53E3⟩⟨U+5546⟩⟨U+1F600⟩" in text.replace(" ", "")


def test_what_a_certificate_says_is_never_run(papers: Papers, registry: Registry) -> None:
    form = registry.forms[FormId("rcep/form-rcep/1.0")]
    record = example(form, "plain")
    record["exporter"]["name"] = '#panic("run") $x^2$ *bold* ]'

    assert '#panic("run") $x^2$ *bold* ]' in text_of(papers.pdf(sheet(form, record), Language("en")))[0]


def test_a_demonstration_says_so_on_paper(registry: Registry) -> None:
    form = registry.forms[FormId("atiga/form-d/1.0")]

    pdf = Papers(registry, demonstration=True).pdf(sheet(form, example(form)), Language("en"))

    assert "DEMONSTRATION" in text_of(pdf)[0]


def test_specimens_are_printed_where_officers_sign_and_called_what_they_are(
    papers: Papers, registry: Registry
) -> None:
    form = registry.forms[FormId("atiga/form-d/1.0")]
    drawn = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
    specimens = (Specimen(png(40, 20), "Signature"), Specimen(drawn, "Seal of the office"))

    pdf = papers.pdf(sheet(form, example(form), specimens=specimens), Language("en"))

    with opened(pdf) as document:
        images = [one for one in document[0].get_objects() if one.type == pdfium_c.FPDF_PAGEOBJ_IMAGE]
        assert len(images) == 1  # the picture; what is drawn is lines
    assert "Specimens of signature and seal; not the electronic seal" in text_of(pdf)[0]


def test_a_specimen_that_is_no_picture_keeps_nobody_from_printing(papers: Papers, registry: Registry) -> None:
    form = registry.forms[FormId("atiga/form-d/1.0")]
    broken = Specimen(png(4, 2)[:40] + b"?" * 40, "Signature")

    pdf = papers.pdf(sheet(form, example(form), specimens=(broken,)), Language("en"))

    assert "not the electronic seal" not in text_of(pdf)[0]


@pytest.mark.parametrize("language", ["en", "th"])
def test_thai_lines_end_where_words_end(papers: Papers, registry: Registry, language: str) -> None:
    form = registry.forms[FormId("atiga/form-d/1.0")]
    record = example(form, "plain")
    record["items"][0] = {**record["items"][0], "description": "".join(THAI) * 12}

    with opened(papers.pdf(sheet(form, record), Language(language))) as document:
        told = document[0].get_textpage().get_text_bounded()

    lines = [line.strip() for line in told.splitlines() if "มะลิไทย" in line]
    assert len(lines) > 8
    assert [line for line in lines if not re.fullmatch("|".join(THAI).join(("(?:", ")+")), line)] == []


def test_a_long_name_makes_its_box_higher_and_overlaps_nothing(papers: Papers, registry: Registry) -> None:
    form = registry.forms[FormId("rcep/form-rcep/1.0")]
    record = example(form, "plain")
    record["exporter"]["name"] = "Exporter of many things " * 14

    with opened(papers.pdf(sheet(form, record), Language("en"))) as document:
        page = document[0].get_textpage()
        country = place_of(page, "VIET NAM")
        label = place_of(page, "2. Goods consigned to")

    assert country > label + 4  # points from the foot of the page


def test_an_installation_lays_down_fonts_of_its_own(tmp_path: Path, registry: Registry) -> None:
    form = registry.forms[FormId("rcep/form-rcep/1.0")]
    fonts = tmp_path / SHARED / "fonts"
    fonts.mkdir(parents=True)
    (fonts / "ours.ttf").write_bytes(font_with("中"))
    own = load_registry(Folder((SHIPPED, tmp_path)))
    record = example(form, "plain")
    record["exporter"]["name"] = "中中"

    pages = [
        text_of(Papers(each, demonstration=False).pdf(sheet(form, record), Language("en")))[0]
        for each in (registry, own)
    ]

    assert ["⟨U+4E2D⟩⟨U+4E2D⟩" in page for page in pages] == [True, False]
    assert "中中" in pages[1]


def test_a_form_that_nobody_laid_out_is_not_found(papers: Papers, registry: Registry) -> None:
    form = registry.forms[FormId("acfta/form-e/1.0")]

    with pytest.raises(NotFound, match="no layout"):
        papers.pdf(sheet(form, example(form)), Language("en"))


def test_a_layout_that_does_not_compile_is_named(tmp_path: Path) -> None:
    layout = tmp_path / "schemas/rcep/form-rcep/1.0" / LAYOUT
    layout.parent.mkdir(parents=True)
    layout.write_text("#nobody-knows-this", "utf-8")
    registry = load_registry(Folder((SHIPPED, tmp_path)))
    form = registry.forms[FormId("rcep/form-rcep/1.0")]

    with pytest.raises(Misconfigured, match=r"paper\.typ: -: unknown variable"):
        Papers(registry, demonstration=False).pdf(sheet(form, example(form)), Language("en"))


def test_a_file_is_named_in_plain_letters(registry: Registry) -> None:
    form = registry.forms[FormId("atiga/form-d/1.0")]

    assert file_name("../VN TH/26 “1”", form) == "VN-TH-26-1_form-d"
