"""The dialect ``ubl-2.1``: OASIS UBL 2.1 CertificateOfOrigin and ApplicationResponse for every form."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import date

from lxml import etree

from gateway.domain.acknowledgement import Acknowledgement
from gateway.domain.dialect import DialectName
from gateway.domain.errors import ContentRefused, Fault, Finding, FormNotAgreed
from gateway.domain.form import Form, in_force, latest
from gateway.domain.ids import FormId
from gateway.domain.message import Header
from gateway.domain.status import MessageType
from gateway.domain.xml import readable_path
from gateway.registry.folder import Folder
from gateway.translate.acknowledgements import acknowledgement_of, element_of
from gateway.translate.dialect import Forms, check_form
from gateway.translate.ubl import responses
from gateway.translate.ubl.missing import missing
from gateway.translate.ubl.names import CERTIFICATE, RESPONSE, VERSION, cbc
from gateway.translate.ubl.pointers import astray, swollen
from gateway.translate.ubl.rest import attach, difference, put_back, spoken
from gateway.translate.ubl.schema import MOST_FINDINGS, UblSchema
from gateway.translate.ubl.stylesheets import Stylesheets

_CERTIFICATE = f"{{{CERTIFICATE}}}CertificateOfOrigin"
_RESPONSE = f"{{{RESPONSE}}}ApplicationResponse"


class UblDialect:
    """
    Certificates and acknowledgements in UBL; pure, and safe to share between threads.

    Raises:
        Misconfigured: an XSD or a stylesheet of the registry is not there, or does not compile.
    """

    id = DialectName.UBL
    version = VERSION
    types = frozenset({MessageType.CERTIFICATE, MessageType.ACKNOWLEDGEMENT})

    def __init__(self, folder: Folder) -> None:
        self._stylesheets = Stylesheets(folder)
        self._schema = UblSchema(folder)

    def speaks(self, document: etree._Element) -> bool:
        """Whether *document* is a UBL certificate of origin or application response, by its root."""
        return document.tag in (_CERTIFICATE, _RESPONSE)

    def to_wire(
        self, document: etree._Element, header: Header, forms: Forms, about: etree._Element | None = None
    ) -> etree._Element:
        """See ``Dialect``; an acknowledgement says the same whatever it is about."""
        if header.type is MessageType.CERTIFICATE:
            return self.write(document, forms[header.form])
        return self.write_acknowledgement(acknowledgement_of(document))

    def from_wire(self, document: etree._Element, header: Header, forms: Forms) -> etree._Element:
        """See ``Dialect``."""
        if header.type is MessageType.CERTIFICATE:
            certificate, form = self.read(document, forms)
            check_form(form, header)
            return certificate
        return element_of(self.read_acknowledgement(document))

    def write(self, document: etree._Element, form: Form) -> etree._Element:
        """
        Write *document*, a certificate of *form* that fits its schema, as a UBL CertificateOfOrigin.

        What UBL has no place for goes into an extension of ours, so that ``read`` loses nothing but comments
        and elements that say nothing.

        Raises:
            ContentRefused: S02, what stands there cannot be said in UBL; never for a certificate that fits.
        """
        whole = spoken(document)
        written = self._stylesheets.to_ubl(whole, form)
        attach(written, difference(whole, self._stylesheets.from_ubl(written, form)))
        self._refuse(self._schema.findings(written))
        return written

    def read(self, document: etree._Element, forms: Mapping[FormId, Form]) -> tuple[etree._Element, Form]:
        """
        Read a UBL CertificateOfOrigin, ours or anybody's, as a certificate of the form that it names.

        The form stands in CustomizationID, with its version or without; then the one in force on the issue
        date is taken. What the certificate lacks is told and not invented; whether it is right is for judging
        to say.

        Raises:
            ContentRefused: S02, no valid UBL certificate, or one that lacks what none can do without; S04,
                one that is larger than any.
            FormNotAgreed: S03, it names no form of *forms*.
        """
        own = self._own(document, _CERTIFICATE)
        self._refuse(swollen(own))
        form = _form_of(own, forms)
        certificate = self._stylesheets.from_ubl(own, form)
        put_back(certificate, own)
        self._refuse((*missing(certificate, form), *astray(own))[:MOST_FINDINGS])
        return certificate, form

    def write_acknowledgement(self, body: Acknowledgement) -> etree._Element:
        """Write *body* as a UBL ApplicationResponse."""
        return responses.write(body)

    def read_acknowledgement(self, document: etree._Element) -> Acknowledgement:
        """
        Read a UBL ApplicationResponse, ours or anybody's.

        Raises:
            ContentRefused: S02, no valid application response, or one that does not say what it is about.
        """
        return responses.read(self._own(document, _RESPONSE))

    def _own(self, document: etree._Element, root: str) -> etree._Element:
        """*document* as a tree of its own, valid against the XSD of OASIS."""
        if document.tag != root:
            found, wanted = etree.QName(document).localname[:80], etree.QName(root).localname
            text = f"The root element is {found}, not {wanted} of UBL 2.1."
            self._refuse((Finding(code=Fault.SCHEMA.value, text=text, path=readable_path(document)),))
        own = document if document.getparent() is None else copy.deepcopy(document)
        self._refuse(self._schema.findings(own))
        return own

    def _refuse(self, findings: tuple[Finding, ...]) -> None:
        if findings:
            raise ContentRefused(findings)


def _form_of(document: etree._Element, forms: Mapping[FormId, Form]) -> Form:
    """The form that CustomizationID names; without a version the one in force on the issue date."""
    name = FormId(" ".join(document.findtext(cbc("CustomizationID"), "").split()))
    if name in forms:
        return forms[name]
    try:
        found = in_force(
            forms.values(), name, date.fromisoformat(document.findtext(cbc("IssueDate"), "").strip())
        )
    except ValueError:
        found = None
    if (form := found or latest(forms.values(), name)) is None:
        known = ", ".join(sorted(forms))
        raise FormNotAgreed(f"CustomizationID names no form: {name[:80]!r}; known are {known}")
    return form
