"""Hold a UBL document against the unmodified XSDs of OASIS."""

from __future__ import annotations

import re
import threading

from lxml import etree

from gateway.domain.errors import Fault, Finding, Misconfigured, RegistryFault
from gateway.domain.xml import readable_path
from gateway.registry.folder import Folder
from gateway.translate.ubl.names import CERTIFICATE, RESPONSE

MOST_FINDINGS = 50
MOST_ELEMENTS = 50_000

_ROOTS = {
    CERTIFICATE: "schemas/ubl/2.1/maindoc/UBL-CertificateOfOrigin-2.1.xsd",
    RESPONSE: "schemas/ubl/2.1/maindoc/UBL-ApplicationResponse-2.1.xsd",
}
_FEW_ENOUGH = f"count(descendant-or-self::*) <= {MOST_ELEMENTS}"
_XS = "http://www.w3.org/2001/XMLSchema"
_LONGEST_VALUE = 200
_SUBJECT = re.compile(r"Element '[^']*'(?:, attribute '(?P<attribute>[^']*)')?: ")
_NAMESPACE = re.compile(r"\{[^{}\s]*:[^{}\s]*\}")
_FOLLOWS = re.compile(r"The value '.*' of .*|'.*' is not a valid value of the atomic type 'xs:.*")
_WORDS = (
    (
        re.compile(r"This element is not expected\. Expected is (one of )?\( (.*) \)\."),
        r"stands where \1\2 should",
    ),
    (re.compile(r"This element is not expected\."), "should not stand here"),
    (re.compile(r"Missing child element\(s\)\. Expected is (one of )?\( (.*) \)\."), r"lacks \1\2"),
    (re.compile(r"The attribute '(.*)' is required but missing\."), r"lacks the attribute \1"),
    (re.compile(r"The attribute '(.*)' is not allowed\."), "is not known"),
    (re.compile(r"'(.*)' is not a valid value of the .*type 'xs:(\w+)'\."), r"'\1' is no \2"),
    (re.compile(r"'(.*)' is not a valid value of the .*type '.*'\."), r"'\1' is not what should stand here"),
    (re.compile(r"Character content .*"), "should hold elements only, no text between them"),
)


class UblSchema:
    """
    The XSDs of a certificate and of an acknowledgement, compiled offline and together.

    May be shared by threads: each compiles its own, because libxml2 keeps the errors of a validation in the
    compiled schema.

    Raises:
        Misconfigured: an XSD is not there, or does not compile.
    """

    def __init__(self, folder: Folder) -> None:
        self._driver = _driver(folder)
        self._local = threading.local()
        try:
            self._schema()
        except etree.XMLSchemaParseError as error:
            raise Misconfigured(
                (RegistryFault("schemas/ubl/2.1", "-", f"does not compile: {error}"),)
            ) from None

    def findings(self, document: etree._Element) -> tuple[Finding, ...]:
        """
        Everything (S02) that keeps *document* from being valid UBL, at most 50; S04 for a monster.

        Args:
            document: root of its own tree, as ``read_xml`` gives it.
        """
        if document.getroottree().docinfo.doctype or next(document.iter(etree.Entity), None) is not None:
            # libxml2's validator dies of an unresolved entity instead of reporting it.
            return (
                Finding(code=Fault.SCHEMA.value, text="A document type declaration (DTD) is not allowed."),
            )
        if not document.xpath(_FEW_ENOUGH):
            text = f"More than {MOST_ELEMENTS} elements: no certificate has as many. It was not read further."
            return (Finding(code=Fault.TOO_LARGE.value, text=text),)
        schema = self._schema()
        if schema.validate(document):
            return ()
        prefixes = {p: uri for node in document.iter(etree.Element) for p, uri in node.nsmap.items() if p}
        leading = [entry for entry in schema.error_log if not _FOLLOWS.fullmatch(_said(entry))]
        entries = leading[: 2 * MOST_FINDINGS] or [schema.error_log[0]]
        return tuple(dict.fromkeys(_finding(entry, document, prefixes) for entry in entries))[:MOST_FINDINGS]

    def _schema(self) -> etree.XMLSchema:
        schema: etree.XMLSchema | None = getattr(self._local, "schema", None)
        if schema is None:
            parser = etree.XMLParser(no_network=True, resolve_entities=False)
            schema = self._local.schema = etree.XMLSchema(etree.fromstring(self._driver, parser))
        return schema


def _driver(folder: Folder) -> bytes:
    """An XSD that imports both documents, so that what they share is compiled once."""
    imports = []
    for namespace, relative in _ROOTS.items():
        path = folder.find(relative)
        if path is None:
            raise Misconfigured((RegistryFault(relative, "-", "no such file"),))
        imports.append(f'<xs:import namespace="{namespace}" schemaLocation="{path.resolve().as_uri()}"/>')
    return f'<xs:schema xmlns:xs="{_XS}">{"".join(imports)}</xs:schema>'.encode()


def _said(entry: etree._LogEntry) -> str:
    message = " ".join(entry.message.split())
    subject = _SUBJECT.match(message)
    return message[subject.end() :] if subject else message


def _finding(entry: etree._LogEntry, document: etree._Element, prefixes: dict[str, str]) -> Finding:
    element = _element(entry, document, prefixes)
    subject = _SUBJECT.match(" ".join(entry.message.split()))
    attribute = subject["attribute"] if subject else None
    below = f"/@{attribute}" if attribute else ""
    value = element.get(attribute, "") if attribute else (element.text or "" if not len(element) else "")
    return Finding(
        code=Fault.SCHEMA.value,
        text=f"{etree.QName(element).localname}{below} {_readable(_said(entry))}.",
        path=readable_path(element) + below,
        line=element.sourceline,
        value=value.strip()[:_LONGEST_VALUE] or None,
        action="Correct it as UBL 2.1 asks.",
    )


def _readable(said: str) -> str:
    """libxml2's sentence in plain words, without namespaces and without its full stop."""
    rest = _NAMESPACE.sub("", said)
    for pattern, words in _WORDS:
        if (found := pattern.fullmatch(rest)) is not None:
            return found.expand(words)
    return rest.rstrip(".")


def _element(entry: etree._LogEntry, document: etree._Element, prefixes: dict[str, str]) -> etree._Element:
    """The element that *entry* is about; libxml2 names it by a path in the document's own prefixes."""
    found = document.getroottree().xpath(entry.path or "/*", namespaces=prefixes)
    # A prefix that means two things in one document finds nothing; the root is then near enough.
    return (
        found[0] if isinstance(found, list) and found and isinstance(found[0], etree._Element) else document
    )
