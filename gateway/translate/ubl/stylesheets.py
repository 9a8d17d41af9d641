"""The pair of stylesheets that every form shares; they run without any access."""

from __future__ import annotations

import threading
from typing import Any

from lxml import etree

from gateway.domain.errors import ContentRefused, Fault, Finding, Misconfigured, RegistryFault
from gateway.domain.form import Form
from gateway.registry.folder import Folder
from gateway.translate.ubl.names import DIALECT

TO_UBL = "mappings/xslt/ubl/certificate-to-ubl.xsl"
FROM_UBL = "mappings/xslt/ubl/ubl-to-certificate.xsl"


class Stylesheets:
    """
    Certificate to UBL and back, by XSLT; may be shared between threads, each compiles its own.

    Raises:
        Misconfigured: a stylesheet is not there, or does not compile; all such files are listed.
    """

    def __init__(self, folder: Folder) -> None:
        self._local = threading.local()
        self._sources: dict[str, bytes] = {}
        faults = []
        for file in (TO_UBL, FROM_UBL):
            path = folder.find(file)
            if path is None:
                faults.append(RegistryFault(file, "-", "no such file"))
                continue
            self._sources[file] = path.read_bytes()
            try:
                self._compiled(file)
            except (etree.XSLTParseError, etree.XMLSyntaxError) as error:
                faults.append(RegistryFault(file, "-", f"does not compile: {error}"))
        if faults:
            raise Misconfigured(tuple(faults))

    def to_ubl(self, certificate: etree._Element, form: Form) -> etree._Element:
        """*certificate* as UBL, as far as UBL has places for it."""
        return self._run(
            TO_UBL, certificate, namespace=form.namespace, form=form.id, title=form.title, dialect=DIALECT
        )

    def from_ubl(self, document: etree._Element, form: Form) -> etree._Element:
        """What UBL says, as a certificate of *form*; what it does not say is not there."""
        return self._run(FROM_UBL, document, namespace=form.namespace, root=form.root)

    def _run(self, file: str, document: etree._Element, **words: str) -> etree._Element:
        stylesheet = self._compiled(file)
        quoted: Any = {name: etree.XSLT.strparam(word) for name, word in words.items()}
        try:
            written: etree._Element | None = stylesheet(document, **quoted).getroot()
        except etree.XSLTApplyError as error:
            raise _untranslatable(str(error)) from None
        if written is None:
            raise _untranslatable("nothing was written")
        return written

    def _compiled(self, file: str) -> etree.XSLT:
        kept: dict[str, etree.XSLT] | None = getattr(self._local, "kept", None)
        if kept is None:
            kept = self._local.kept = {}
        if file not in kept:
            parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False)
            source = etree.fromstring(self._sources[file], parser)
            kept[file] = etree.XSLT(source, access_control=etree.XSLTAccessControl.DENY_ALL)
        return kept[file]


def _untranslatable(words: str) -> ContentRefused:
    text = f"The certificate cannot be carried between its form and UBL: {words[:200]}"
    return ContentRefused((Finding(code=Fault.SCHEMA.value, text=text),))
