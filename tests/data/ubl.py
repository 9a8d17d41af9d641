"""The UBL dialect, made once a process, and what its tests say again and again."""

from __future__ import annotations

import re
from functools import lru_cache

import pytest
from lxml import etree

from gateway.domain.errors import ContentRefused, Finding
from gateway.domain.form import Form
from gateway.domain.xml import read_xml
from gateway.registry.folder import SHIPPED, Folder
from gateway.translate.ubl.dialect import UblDialect
from gateway.translate.ubl.rest import spoken
from tests.data.shipped import forms

FOREIGN = (SHIPPED / "tests/data/ubl-foreign.xml").read_text("utf-8")
"""A certificate as the software of others might write it."""


@lru_cache
def dialect() -> UblDialect:
    return UblDialect(Folder())


def travelled(document: etree._Element) -> etree._Element:
    """*document* written out and read in again, as the other side sees it."""
    return read_xml(etree.tostring(document, encoding="UTF-8", xml_declaration=True))


def there_and_back(document: etree._Element, form: Form) -> tuple[etree._Element, Form]:
    return dialect().read(travelled(dialect().write(document, form)), forms())


def said(document: etree._Element) -> str:
    """All that *document* says, the same for two documents that say the same."""
    return etree.tostring(spoken(document), method="c14n", exclusive=True).decode()


def foreign(find: str = "", put: str = "") -> etree._Element:
    """The document of others with the first *find* replaced."""
    assert find in FOREIGN
    return read_xml(FOREIGN.replace(find, put, 1).encode())


def foreign_without(*patterns: str) -> etree._Element:
    """The document of others without what the regular expressions *patterns* match."""
    text = FOREIGN
    for pattern in patterns:
        text, times = re.subn(pattern, "", text, flags=re.DOTALL)
        assert times
    return read_xml(text.encode())


def refused(document: etree._Element) -> tuple[Finding, ...]:
    """What is said against *document* when it is read."""
    with pytest.raises(ContentRefused) as caught:
        dialect().read(document, forms())
    return caught.value.findings
