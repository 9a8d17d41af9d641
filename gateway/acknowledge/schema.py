"""Hold an exchange document against its XSD and tell every fault so that people can act on it."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from lxml import etree

from gateway.acknowledge.bodies import ROOTS
from gateway.acknowledge.findings import EXCHANGE, text_of
from gateway.domain.errors import Fault, Finding
from gateway.domain.status import MessageType
from gateway.domain.xml import readable_path

MOST_FINDINGS = 50
_LONGEST_VALUE = 200

_SUBJECT = re.compile(r"Element '([^']*)'(?:, attribute '([^']*)')?: ")
_NAMESPACE = re.compile(r"\{[^{}\s]*:[^{}\s]*\}")
_VALUE_FAULT = re.compile(r"\[facet '(?!enumeration)|'.*' is not a valid value of ")
_WORDS = (
    (re.compile(r".*The value '(.*)' is not an element of the set \{(.*)\}\."), r"'\1' is not one of \2"),
    (
        re.compile(r"This element is not expected\. Expected is (one of )?\( (.*) \)\."),
        r"should not stand here, but \1\2",
    ),
    (re.compile(r"This element is not expected\."), "should not stand here"),
    (re.compile(r"Missing child element\(s\)\. Expected is (one of )?\( (.*) \)\."), r"lacks \1\2"),
    (re.compile(r"The attribute '(.*)' is required but missing\."), r"lacks the attribute \1"),
    (re.compile(r"The attribute '(.*)' is not allowed\."), "is not known"),
    (re.compile(r"No matching global declaration .*"), "is no document of the exchange"),
    (re.compile(r"Character content .*"), "should hold elements only, no text between them"),
)
_SOME_WORDS = "a text with words in it"
_MEDIA_TYPE = "a media type such as application/pdf"
_EXPECTED: Mapping[str, str] = MappingProxyType(
    {
        "CertificateNumber": "a certificate number",
        "ReplacedBy": "a certificate number",
        "RefToMessageId": "a message id, local@domain",
        "At": "a date and time such as 2026-11-21T21:34:40Z",
        "Date": "a day of the calendar, written YYYY-MM-DD",
        "DueBy": "a day of the calendar, written YYYY-MM-DD",
        "Quantity": "a number from 0, at most 16 digits, 6 of them after the point",
        "Office": _SOME_WORDS,
        "Declaration": _SOME_WORDS,
        "Reason": _SOME_WORDS,
        "LegalBasis": _SOME_WORDS,
        "Question": _SOME_WORDS,
        "Answer": _SOME_WORDS,
        "Conclusion": _SOME_WORDS,
        "Note": _SOME_WORDS,
        "Attachment": "a file in Base64",
        "Interchange": "a document in Base64",
        "@item": "an item number, from 1",
        "@unit": "a common code of UNECE Recommendation 20",
        "@code": "a code of the exception catalogue, a letter and two digits",
        "@step": "a whole number from 1",
        "@line": "a whole number from 1",
        "@total": "a whole number from 1",
        "@name": "a file name without a path",
        "@type": _MEDIA_TYPE,
        "@contentType": _MEDIA_TYPE,
        "@charset": "the name of a character set such as UTF-8",
    }
)
"""What should stand there instead of a value that does not fit; a test holds the XSD to it."""


class ExchangeSchema:
    """
    The XSD of the exchange documents.

    May be shared by threads: each compiles its own, because libxml2 keeps the errors of a validation in the
    compiled schema. Nothing is fetched over the network.

    Args:
        path: the entry file, ``schemas/exchange/1.0/exchange.xsd``; what it includes lies beside it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._local = threading.local()

    def judge(self, root: etree._Element, expected: MessageType | None = None) -> tuple[Finding, ...]:
        """
        Every fault of *root*, at most 50, in document order; none when it fits.

        Args:
            expected: the type of message that carries it; its root must be that type's.
        """
        if expected is not None and root.tag != f"{{{EXCHANGE}}}{ROOTS.get(expected)}":
            return (_wrong_root(root, expected),)
        schema = self._schema()
        if schema.validate(root):
            return ()
        findings = dict.fromkeys(_finding(error, root) for error in schema.error_log)
        return tuple(findings)[:MOST_FINDINGS]

    def _schema(self) -> etree.XMLSchema:
        schema: etree.XMLSchema | None = getattr(self._local, "schema", None)
        if schema is None:
            parser = etree.XMLParser(resolve_entities=False, no_network=True)
            schema = etree.XMLSchema(etree.parse(self._path, parser))
            self._local.schema = schema
        return schema


def _wrong_root(root: etree._Element, expected: MessageType) -> Finding:
    found = etree.QName(root)
    wanted = f"{ROOTS[expected]} of {EXCHANGE}" if expected in ROOTS else "no document of the exchange"
    return Finding(
        code=Fault.SCHEMA.value,
        text=f"a message of type {expected} carries {wanted}, not {found.localname} of {found.namespace}",
        path=readable_path(root),
        line=root.sourceline,
    )


def _finding(error: etree._LogEntry, root: etree._Element) -> Finding:
    element = _element(error, root)
    message = " ".join(error.message.split())
    subject = _SUBJECT.match(message)
    attribute = subject[2] if subject else None
    value = text_of(element) if attribute is None else element.get(attribute, "")
    value = value.strip()[:_LONGEST_VALUE]
    part = "" if attribute is None else f"/@{attribute}"
    said = _readable(message[subject.end() :] if subject else message, part, element, value)
    return Finding(
        code=Fault.SCHEMA.value,
        text=f"{etree.QName(element).localname}{part}: {said}",
        path=readable_path(element) + part,
        line=error.line or None,
        value=value or None,
    )


def _readable(message: str, part: str, element: etree._Element, value: str) -> str:
    """libxml2's sentence in our words, without namespaces, facets and names of types."""
    expected = _EXPECTED.get(part.removeprefix("/") or etree.QName(element).localname)
    if expected is not None and _VALUE_FAULT.match(message):
        return f"{value!r} is not {expected}"
    rest = _NAMESPACE.sub("", message)
    for pattern, words in _WORDS:
        if (found := pattern.fullmatch(rest)) is not None:
            return found.expand(words)
    return rest


def _element(error: etree._LogEntry, root: etree._Element) -> etree._Element:
    """The element an error is about: libxml2 names it by a path in the document's own prefixes."""
    path = error.path or "/*"
    prefixes = (
        {prefix: uri for node in root.iter(etree.Element) for prefix, uri in node.nsmap.items() if prefix}
        if ":" in path
        else {}
    )
    found = root.getroottree().xpath(path, namespaces=prefixes)
    # A prefix that means two things in one document finds nothing; the root is then near enough.
    return found[0] if isinstance(found, list) and found and isinstance(found[0], etree._Element) else root
