"""
Translate a certificate from the form that was handed in to the form a corridor delivers.

Where both are the same nothing is done. Else the mapping between the two is an XSLT file of the registry. It
runs with no access to files or network; what it cannot say in the other form it refuses with ``xsl:message
terminate="yes"``, and its words become the finding.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import MappingProxyType

from lxml import etree

from gateway.domain.errors import (
    ContentRefused,
    Fault,
    Finding,
    FormNotAgreed,
    Misconfigured,
    RegistryFault,
)
from gateway.domain.ids import FormId
from gateway.registry.corridors import mapping_file
from gateway.registry.folder import Folder


class Translator:
    """
    Every mapping of the registry, read and compiled at the start; safe to share between threads.

    Raises:
        Misconfigured: a mapping does not compile; all such files are listed.
    """

    def __init__(self, folder: Folder) -> None:
        self._sources: Mapping[str, bytes] = MappingProxyType(
            {relative: path.read_bytes() for relative, path in folder.glob("mappings/xslt/*.xsl")}
        )
        self._local = threading.local()
        faults = []
        for file in self._sources:
            try:
                self._compiled(file)
            except (etree.XSLTParseError, etree.XMLSyntaxError) as error:
                faults.append(RegistryFault(file, "-", f"does not compile: {error}"))
        if faults:
            raise Misconfigured(tuple(faults))

    def translate(self, document: etree._Element, accepts: FormId, delivers: FormId) -> etree._Element:
        """
        *document*, a certificate of the form *accepts*, as one of *delivers*; itself where they are the same.

        Raises:
            FormNotAgreed: S03, there is no mapping between the two.
            ContentRefused: S02, the mapping cannot say in the other form what stands here.
        """
        if accepts == delivers:
            return document
        file = mapping_file(accepts, delivers)
        if file not in self._sources:
            raise FormNotAgreed(f"There is no mapping from {accepts} to {delivers}")
        mapping = self._compiled(file)
        try:
            translated = mapping(document).getroot()
        except etree.XSLTApplyError as error:
            raise _untranslatable(delivers, _said(mapping) or str(error)) from None
        if translated is None:
            raise _untranslatable(delivers, "the mapping wrote nothing")
        return translated

    def _compiled(self, file: str) -> etree.XSLT:
        kept: dict[str, etree.XSLT] | None = getattr(self._local, "kept", None)
        if kept is None:
            kept = self._local.kept = {}
        if file not in kept:
            parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False)
            source = etree.fromstring(self._sources[file], parser)
            kept[file] = etree.XSLT(source, access_control=etree.XSLTAccessControl.DENY_ALL)
        return kept[file]


def _said(mapping: etree.XSLT) -> str:
    """The words with which the mapping gave up."""
    return " ".join(" ".join(entry.message.split()) for entry in mapping.error_log if entry.message.strip())


def _untranslatable(delivers: FormId, words: str) -> ContentRefused:
    finding = Finding(
        code=Fault.SCHEMA.value,
        text=f"The certificate cannot be written as {delivers}: {words[:200]}",
        action="Correct what the other form cannot hold.",
    )
    return ContentRefused((finding,))
