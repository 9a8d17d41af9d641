"""An interchange as it travels: its octets in an ``Interchange`` of the exchange namespace."""

from __future__ import annotations

import base64
import binascii
import codecs

from lxml import etree

from gateway.domain.errors import ContentRefused, Fault, Finding
from gateway.translate.acknowledgements import EXCHANGE
from gateway.translate.edifact.characters import CharacterSet

INTERCHANGE = f"{{{EXCHANGE}}}Interchange"
CONTENT_TYPE = "application/EDIFACT"


def wrap(octets: bytes, repertoire: CharacterSet) -> etree._Element:
    """The business document that carries *octets*."""
    root = etree.Element(
        INTERCHANGE,
        attrib={"contentType": CONTENT_TYPE, "charset": repertoire.charset},
        nsmap={None: EXCHANGE},
    )
    root.text = base64.b64encode(octets).decode("ascii")
    return root


def is_wrapped(document: etree._Element) -> bool:
    """Whether *document* carries an interchange of EDIFACT."""
    told = document.get("contentType", "").strip().lower()
    return document.tag == INTERCHANGE and told == CONTENT_TYPE.lower()


def unwrap(document: etree._Element) -> bytes:
    """
    The octets that *document* carries.

    Raises:
        ContentRefused: S02, it is no Interchange of EDIFACT, or holds no Base64.
    """
    if not is_wrapped(document):
        raise _refused(f"The document is no Interchange of {CONTENT_TYPE}")
    text = (document.text or "") + "".join(child.tail or "" for child in document)
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refused(f"The content of the Interchange is no Base64: {error}") from None


def check_charset(document: etree._Element, repertoire: CharacterSet) -> None:
    """
    Whether the Interchange names the encoding that UNB does.

    Raises:
        ContentRefused: S02, it names another, or none that there is.
    """
    if codec_of(document) != repertoire.codec:
        told = document.get("charset", "").strip()[:40]
        raise _refused(f"The Interchange says it is written in {told!r}, UNB says {repertoire.level}")


def codec_of(document: etree._Element) -> str | None:
    """The codec that an Interchange names as its charset; None if there is none of that name."""
    try:
        return codecs.lookup(document.get("charset", "").strip()).name
    except LookupError:
        return None


def _refused(text: str) -> ContentRefused:
    return ContentRefused((Finding(code=Fault.SCHEMA.value, text=f"{text}.", path="/Interchange"),))
