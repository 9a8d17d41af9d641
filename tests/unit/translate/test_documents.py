"""Mappings between forms: files that run without reach."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from lxml import etree

from gateway.domain.errors import ContentRefused, FormNotAgreed, Misconfigured
from gateway.domain.ids import FormId
from gateway.registry.corridors import mapping_file
from gateway.registry.folder import Folder
from gateway.translate.documents import Translator
from tests.data.shipped import FORM_D, ON, RCEP, a_record, errors, forms, judge, written

XSL = "http://www.w3.org/1999/XSL/Transform"

# Every element into the other namespace: enough to turn a Form D into a certificate on Form RCEP's structure.
ANOTHER_NAMESPACE = f"""
  <xsl:template match="*">
    <xsl:element name="{{local-name()}}" namespace="{forms()[RCEP].namespace}">
      <xsl:copy-of select="@*"/><xsl:apply-templates/>
    </xsl:element>
  </xsl:template>
  <xsl:template match="*[local-name() = 'OriginCriterion'][. = 'CTH' or . = 'CC' or . = 'CTSH']">
    <xsl:element name="OriginCriterion" namespace="{forms()[RCEP].namespace}">CTC</xsl:element>
  </xsl:template>
  <xsl:template match="*[local-name() = 'OriginCriterion'][. = 'SP']">
    <xsl:message terminate="yes">criterion SP has no counterpart</xsl:message>
  </xsl:template>"""


def _translator(
    registry: Path, templates: str, accepts: FormId = FORM_D, delivers: FormId = RCEP
) -> Translator:
    path = registry / mapping_file(accepts, delivers)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'<xsl:stylesheet version="1.0" xmlns:xsl="{XSL}">{templates}</xsl:stylesheet>', "utf-8")
    return Translator(Folder((registry,)))


def _form_d(*criteria: str) -> etree._Element:
    record = a_record(FORM_D, items=1)
    if criteria:
        record["items"][0]["criterion"] = list(criteria)
        for key in ("rvc_percent", "fob"):
            record["items"][0].pop(key, None)
    return written(record)


def test_the_same_form_is_handed_on_as_it_is(tmp_path: Path) -> None:
    document = _form_d()

    assert Translator(Folder((tmp_path,))).translate(document, FORM_D, FORM_D) is document


def test_a_mapping_writes_a_document_of_the_other_form(tmp_path: Path) -> None:
    document = _form_d("CTH")

    translated = _translator(tmp_path, ANOTHER_NAMESPACE).translate(document, FORM_D, RCEP)

    assert errors(judge().judge(translated, forms()[RCEP], ON)) == []
    assert document.tag == f"{{{forms()[FORM_D].namespace}}}CertificateOfOrigin"


def test_a_document_inside_an_envelope_is_translated_alone(tmp_path: Path) -> None:
    envelope = etree.Element("Envelope")
    envelope.append(_form_d("CTH"))

    translated = _translator(tmp_path, ANOTHER_NAMESPACE).translate(envelope[0], FORM_D, RCEP)

    assert translated.tag == f"{{{forms()[RCEP].namespace}}}CertificateOfOrigin"


def test_what_the_other_form_cannot_hold_is_refused_in_the_mappings_words(tmp_path: Path) -> None:
    translator = _translator(tmp_path, ANOTHER_NAMESPACE)

    with pytest.raises(ContentRefused, match="criterion SP has no counterpart") as caught:
        translator.translate(_form_d("SP"), FORM_D, RCEP)

    assert [finding.code for finding in caught.value.findings] == ["S02"]


def test_without_a_mapping_the_forms_are_not_agreed(tmp_path: Path) -> None:
    with pytest.raises(FormNotAgreed, match="no mapping from atiga/form-d/1"):
        Translator(Folder((tmp_path,))).translate(_form_d(), FORM_D, RCEP)


def test_a_mapping_that_writes_nothing_is_refused(tmp_path: Path) -> None:
    translator = _translator(tmp_path, '<xsl:template match="/"/>')

    with pytest.raises(ContentRefused, match="wrote nothing"):
        translator.translate(_form_d(), FORM_D, RCEP)


@pytest.mark.parametrize(
    "reach",
    [
        pytest.param("<xsl:copy-of select=\"document('{secret}')\"/>", id="reading-a-file"),
        pytest.param(
            '<exsl:document href="{secret}" xmlns:exsl="http://exslt.org/common"'
            ' xmlns:xsl="http://www.w3.org/1999/XSL/Transform">x</exsl:document>',
            id="writing-a-file",
        ),
    ],
)
def test_a_mapping_reaches_nothing_outside_the_document(tmp_path: Path, reach: str) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_text("<secret/>", "utf-8")
    body = f"<out>{reach.replace('{secret}', secret.as_uri())}</out>"
    extension = ' extension-element-prefixes="exsl" xmlns:exsl="http://exslt.org/common"'
    path = tmp_path / mapping_file(FORM_D, RCEP)
    path.parent.mkdir(parents=True)
    template = f'<xsl:template match="/">{body}</xsl:template>'
    path.write_text(
        f'<xsl:stylesheet version="1.0" xmlns:xsl="{XSL}"{extension}>{template}</xsl:stylesheet>', "utf-8"
    )
    written_text = ""
    try:
        translated = Translator(Folder((tmp_path,))).translate(_form_d(), FORM_D, RCEP)
        written_text = etree.tostring(translated, encoding="unicode")
    except ContentRefused:
        pass

    assert "secret" not in written_text
    assert secret.read_text("utf-8") == "<secret/>"


def test_a_mapping_that_does_not_compile_is_named(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"mappings/xslt/atiga-form-d-1\.0--rcep-form-rcep-1\.0\.xsl"):
        _translator(tmp_path, '<xsl:template match="["/>')


def test_threads_share_a_translator(tmp_path: Path) -> None:
    translator = _translator(tmp_path, ANOTHER_NAMESPACE)

    with ThreadPoolExecutor(4) as pool:
        roots = list(pool.map(lambda _: translator.translate(_form_d("CTH"), FORM_D, RCEP).tag, range(20)))

    assert len(set(roots)) == 1
