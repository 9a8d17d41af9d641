"""The shipped EDIFACT data, read once a process, and interchanges to spoil."""

from __future__ import annotations

import re
from functools import lru_cache

from lxml import etree

from gateway.domain.form import Form
from gateway.domain.ids import FormId
from gateway.registry.folder import Folder
from gateway.translate.edifact.data import EdifactData, load_edifact
from gateway.translate.edifact.dialect import EdifactDialect
from gateway.translate.edifact.examine import Examined, examine
from gateway.validate.records import form_of_record
from tests.data.shipped import RCEP, a_record, forms, written


@lru_cache
def data() -> EdifactData:
    return load_edifact(Folder())


@lru_cache
def dialect(level: str = "UNOW") -> EdifactDialect:
    return EdifactDialect(data(), level)


def examined(octets: bytes) -> Examined:
    return examine(octets, data().tables, data().repertoires)


def canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True)


def a_certificate(*, items: int = 1, form: FormId = RCEP) -> tuple[etree._Element, Form]:
    record = a_record(form, items=items)
    return written(record), form_of_record(record, forms())


SANCRT = (
    "UNA:+.?*'"
    "UNB+UNOW:4+ID+VN+20260921:0000+REF7'"
    "UNH+1+SANCRT:D:01B:UN:ECO1'"
    "BGM+864:::rcep/form-rcep/1.0+ID26-VN-000101+9'"
    "DTM+182:20260921:102'"
    "LOC+35+ID:162:5'"
    "LOC+28+VN:162:5'"
    "FTX+AAI+++Shipped as agreed?: 50?+ boxes, men?'s'"
    "PNA+PQ+++++1:Issuing authority, Jakarta office'"
    "PNA+EX+++++1:Mekong Fisheries PT'"
    "ADR++5:13 Industrial Zone 4:Jakarta+++ID'"
    "PNA+CN+++++1:Andaman Ceramics Co., Ltd.'"
    "ADR++5:90 Industrial Zone 3:Ho Chi Minh City+++VN'"
    "TDT+20++1+++++:::MV Kinabalu V.59E'"
    "DTM+136:20260924:102'"
    "LOC+9+IDJKT:139:6'"
    "LOC+11+VNSGN:139:6'"
    "LIN+1'"
    "MEA+WT+G+KGM:8268.9'"
    "PIA+5+620721:HS'"
    "IMD+F++:::Nightshirts and pyjamas'"
    "ATT+ZZZ+ECO-CRITERION+:::RVC'"
    "LOC+27+ID:162:5'"
    "MOA+63:170064.93:USD'"
    "DOC+380+CI-46098/26'"
    "DTM+3:20260911:102'"
    "PAC+81++BG'"
    "CNT+2:1'"
    "UNT+27+1'"
    "UNZ+1+REF7'"
)
"""A sound interchange."""

SEGMENTS = 27


def segments_of(octets: bytes) -> list[str]:
    """The segments of an interchange, UNA left out."""
    return re.split(r"(?<!\?)'", octets.decode())[1:-1]
