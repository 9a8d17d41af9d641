"""The UBL dialect, made once a process, and what its tests say again and again."""

from __future__ import annotations

from functools import lru_cache

from lxml import etree

from gateway.domain.form import Form
from gateway.domain.xml import read_xml
from gateway.registry.folder import Folder
from gateway.translate.ubl.dialect import UblDialect
from gateway.translate.ubl.rest import spoken
from tests.data.shipped import forms


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
