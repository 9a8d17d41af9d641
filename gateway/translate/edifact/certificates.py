"""Certificates as SANCRT: what a message says of itself, and whether that is true of what is in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time

from lxml import etree

from gateway.domain.errors import ContentRefused, Fault, Finding, FormNotAgreed
from gateway.domain.form import Form
from gateway.domain.ids import FormId
from gateway.translate.edifact.envelope import UNKNOWN, Envelope
from gateway.translate.edifact.examine import Message
from gateway.translate.edifact.faults import place_of
from gateway.translate.edifact.maps import DocumentMap
from gateway.translate.edifact.reading import Reader
from gateway.translate.edifact.structure import Group

ORIGINAL = "original"

_EARLIER = (("replacement", "Replaces"), ("copy", "CertifiedTrueCopyOf"))


def facts_of(document: etree._Element, form: Form, document_map: DocumentMap) -> dict[str, str]:
    """What BGM says of a certificate: the kind of document, the form, the message function."""
    kind = next((kind for kind, name in _EARLIER if _child(document, form, name) is not None), ORIGINAL)
    return {
        "document": _document_code(form, document_map),
        "form": form.id,
        "function": document_map.functions[kind],
    }


def envelope_of_certificate(document: etree._Element, form: Form) -> Envelope:
    """From the exporting to the importing country, prepared on the day of issue."""
    sender, recipient, day = (
        (document.findtext(f"{{{form.namespace}}}{name}") or "").strip()
        for name in ("ExportingCountry", "ImportingCountry", "IssueDate")
    )
    envelope = Envelope(sender=sender or UNKNOWN, recipient=recipient or UNKNOWN)
    try:
        at = datetime.combine(date.fromisoformat(day), time(tzinfo=UTC))
    except ValueError:
        return envelope
    return replace(envelope, prepared_at=at)


def read_certificate(
    message: Message, document_map: DocumentMap, forms: Mapping[FormId, Form]
) -> tuple[etree._Element, Form]:
    """
    The certificate in *message*, and its form.

    Raises:
        ContentRefused: the message is no certificate, or holds what has no place in one.
        FormNotAgreed: S03, it names no form of *forms*.
    """
    reader = Reader(document_map, root_of(message, document_map), message.number)
    function = reader.facts.get("function", document_map.functions[ORIGINAL])
    if function not in document_map.functions.values():
        known = ", ".join(f"{code} ({name})" for name, code in document_map.functions.items())
        text = f"The message function {function!r} is no certificate; known are {known}"
        raise refused(text, message.number)
    form = _form_named(reader.facts.get("form", ""), forms)
    certificate = reader.read(form.namespace, form.root)
    code = _document_code(form, document_map)
    if (told := reader.facts.get("document", code)) != code:
        text = f"A certificate on {form.id} has the document name code {code}, not {told}"
        raise refused(text, message.number)
    for kind, name in _EARLIER:
        if function == document_map.functions[kind] and _child(certificate, form, name) is None:
            text = f"A {kind} (function {function}) must name the certificate before it: {name}"
            raise refused(text, message.number)
    return certificate, form


def root_of(message: Message, document_map: DocumentMap) -> Group:
    """
    The segments of *message* by its segment table.

    Raises:
        ContentRefused: S02, it is another message than the map is for.
    """
    definition = message.definition
    if definition is None or message.root is None or definition.id != document_map.message.id:
        raise refused(f"The message is {message.type}, not {document_map.message.id}", message.number)
    return message.root


def refused(text: str, message: int | None = None) -> ContentRefused:
    """A refusal (S02) of an interchange, or of one message in it, for a single reason."""
    finding = Finding(code=Fault.SCHEMA.value, text=f"{text}.", path=place_of(message, None))
    return ContentRefused((finding,))


def _document_code(form: Form, document_map: DocumentMap) -> str:
    return document_map.document_codes["preferential" if form.parties else "other"]


def _form_named(name: str, forms: Mapping[FormId, Form]) -> Form:
    if (form := forms.get(FormId(name))) is None:
        told = repr(name) if name else "left open (BGM, C002.1000)"
        raise FormNotAgreed(f"The form is {told}; known are {', '.join(sorted(forms))}")
    return form


def _child(document: etree._Element, form: Form, name: str) -> etree._Element | None:
    return document.find(f"{{{form.namespace}}}{name}")
