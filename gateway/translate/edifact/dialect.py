"""UN/EDIFACT as a dialect of certificates and of what is answered to them."""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from gateway.domain.acknowledgement import Acknowledgement
from gateway.domain.dialect import DialectName
from gateway.domain.errors import ContentRefused, TooLarge
from gateway.domain.form import Form
from gateway.domain.ids import CertificateNumber, FormId, MessageId
from gateway.domain.message import Header
from gateway.domain.status import AcknowledgedBy, AcknowledgementOutcome, MessageType
from gateway.domain.xml import MAX_MESSAGE_BYTES
from gateway.translate.acknowledgements import EXCHANGE, EXCHANGE_VERSION, acknowledgement_of, element_of
from gateway.translate.acknowledgements import NAME as ACKNOWLEDGEMENT
from gateway.translate.dialect import Forms, check_form
from gateway.translate.edifact.answers import domain_of, fit
from gateway.translate.edifact.carried import check_charset, codec_of, is_wrapped, unwrap, wrap
from gateway.translate.edifact.certificates import (
    envelope_of_certificate,
    facts_of,
    read_certificate,
    refused,
    root_of,
)
from gateway.translate.edifact.contrl import (
    answer_envelope,
    definition_for,
    findings_of,
    is_accepted,
    write_contrl,
)
from gateway.translate.edifact.data import ANSWER, CANCELLATION, CERTIFICATE, RESPONSE, EdifactData
from gateway.translate.edifact.envelope import UNKNOWN, Envelope, envelope_of, seal_up
from gateway.translate.edifact.examine import Examined, Message, examine
from gateway.translate.edifact.maps import DocumentMap
from gateway.translate.edifact.reading import Reader
from gateway.translate.edifact.structure import Group
from gateway.translate.edifact.tables import SYNTAX_3, SYNTAX_4
from gateway.translate.edifact.writing import Writer

CONTRL = "CONTRL"

_TAKEN, _REFUSED, _RESPONDED = "312", "313", "962"


class EdifactDialect:
    """
    Writes and reads SANCRT, CONTRL, APERAK and CUSRES of one character repertoire.

    Any repertoire that we know is read, whichever is written.

    Args:
        level: the repertoire that is written: UNOW holds every character, UNOC those of ISO 8859-1.
    """

    def __init__(self, data: EdifactData, level: str = "UNOW", *, limit: int = MAX_MESSAGE_BYTES) -> None:
        self._data = data
        self._repertoire = data.repertoires[level]
        self._version = self._repertoire.writes
        self._limit = limit
        if self._version is None:
            raise ValueError(f"{level} is read, not written")

    version = EXCHANGE_VERSION
    types = frozenset(
        {
            MessageType.CERTIFICATE,
            MessageType.CANCELLATION,
            MessageType.ACKNOWLEDGEMENT,
            MessageType.CUSTOMS_RESPONSE,
        }
    )

    @property
    def id(self) -> DialectName:
        """``edifact-sancrt``, or ``edifact-sancrt-unoc`` for a repertoire that does not hold everything."""
        return DialectName.EDIFACT if self._version == SYNTAX_4 else DialectName.EDIFACT_LATIN

    def speaks(self, document: etree._Element) -> bool:
        """Whether *document* is an Interchange of EDIFACT in our encoding; UNOW takes unknown ones too."""
        if not is_wrapped(document):
            return False
        codec = codec_of(document)
        written = {each.codec for each in self._data.repertoires.values() if each.writes is not None}
        return codec == self._repertoire.codec or (self._version == SYNTAX_4 and codec not in written)

    # ---- messages ----------------------------------------------------------------------------------------

    def to_wire(
        self, document: etree._Element, header: Header, forms: Forms, about: etree._Element | None = None
    ) -> etree._Element:
        """See ``Dialect``; UNB says who sends it to whom, and when, as *header* does."""
        envelope = Envelope(sender=header.sender, recipient=header.receiver, prepared_at=header.created_at)
        if header.type is MessageType.CERTIFICATE:
            return self.write(document, forms[header.form], envelope)
        if header.type is MessageType.CANCELLATION:
            return self.write_cancellation(document, envelope)
        if header.type is MessageType.CUSTOMS_RESPONSE:
            return self.write_customs_response(document, envelope)
        return self.write_acknowledgement(acknowledgement_of(document), about, envelope)

    def from_wire(self, document: etree._Element, header: Header, forms: Forms) -> etree._Element:
        """See ``Dialect``; a CONTRL is about the message that *header* refers to."""
        if header.type is MessageType.CERTIFICATE:
            certificate, form = self.read(document, forms)
            check_form(form, header)
            return certificate
        if header.type is MessageType.CANCELLATION:
            return self.read_cancellation(document)
        if header.type is MessageType.CUSTOMS_RESPONSE:
            return self.read_customs_response(document)
        number, about = header.certificate_number, header.ref_to_message_id
        return element_of(self.read_acknowledgement(document, about, number))

    # ---- certificates ------------------------------------------------------------------------------------

    def write(self, document: etree._Element, form: Form, envelope: Envelope | None = None) -> etree._Element:
        """
        Write *document*, a certificate of *form* that fits its schema, as an Interchange with one SANCRT.

        Args:
            envelope: without one, from the exporting to the importing country on the day of issue.

        Raises:
            ContentRefused: C09 for a character or code that cannot be written, S02 and S04 for want of room.
        """
        return wrap(self.to_octets(document, form, envelope), self._repertoire)

    def to_octets(self, document: etree._Element, form: Form, envelope: Envelope | None = None) -> bytes:
        """The same as the octets of a file; raises what ``write`` does."""
        document_map = self._data.maps[CERTIFICATE]
        facts = facts_of(document, form, document_map)
        message = Writer(document_map, self._repertoire, form.box_of).write(document, facts)
        return self._sealed(document_map, message, envelope or envelope_of_certificate(document, form))

    def read(self, document: etree._Element, forms: Mapping[FormId, Form]) -> tuple[etree._Element, Form]:
        """
        Read the certificate in *document*, with the form that it is written on.

        Raises:
            ContentRefused: it is no sound interchange, holds not exactly one certificate, or says what has no
                place in ours.
            FormNotAgreed: S03, it names no form of *forms*.
        """
        examined = self._sound(unwrap(document))
        check_charset(document, examined.repertoire or self._repertoire)
        certificates = self._certificates(examined, forms)
        if len(certificates) != 1:
            raise refused(f"{len(certificates)} certificates are in one interchange; one travels at a time")
        return certificates[0]

    def from_octets(
        self, octets: bytes, forms: Mapping[FormId, Form]
    ) -> tuple[tuple[etree._Element, Form], ...]:
        """Every certificate of a file, in its order; at least one. Raises what ``read`` does."""
        return self._certificates(self._sound(octets), forms)

    def wrapped(self, octets: bytes) -> etree._Element:
        """A file as a message carries it, whatever it holds; in the encoding that it names if we know it."""
        return wrap(octets, self._examined(octets).repertoire or self._repertoire)

    def _certificates(
        self, examined: Examined, forms: Mapping[FormId, Form]
    ) -> tuple[tuple[etree._Element, Form], ...]:
        document_map = self._data.maps[CERTIFICATE]
        return tuple(read_certificate(message, document_map, forms) for message in examined.messages)

    # ---- cancellations -----------------------------------------------------------------------------------

    def write_cancellation(self, body: etree._Element, envelope: Envelope | None = None) -> etree._Element:
        """
        Write the exchange document Cancellation as SANCRT with the message function 1.

        Raises:
            ContentRefused: the repertoire does not hold it.
        """
        document_map = self._data.maps[CANCELLATION]
        facts = {
            "document": document_map.document_codes["preferential"],
            "function": document_map.functions["cancellation"],
        }
        return self._written(CANCELLATION, body, facts, envelope)

    def read_cancellation(self, document: etree._Element) -> etree._Element:
        """
        The exchange document Cancellation that *document* carries.

        Raises:
            ContentRefused: it is no sound interchange, or no SANCRT with the message function 1.
        """
        message = self._only_message(document)
        document_map = self._data.maps[CANCELLATION]
        reader = Reader(document_map, root_of(message, document_map), message.number)
        if reader.facts.get("function") != document_map.functions["cancellation"]:
            raise refused("The message function is not 1, cancellation", message.number)
        return reader.read(EXCHANGE, "Cancellation")

    # ---- acknowledgements --------------------------------------------------------------------------------

    def write_acknowledgement(
        self,
        body: Acknowledgement,
        about: etree._Element | None = None,
        envelope: Envelope | None = None,
    ) -> etree._Element:
        """
        Write *body* as APERAK; as CONTRL where it refuses an interchange that is unsound as EDIFACT.

        Args:
            about: the document that is acknowledged, if it came in this dialect.

        Raises:
            ContentRefused: S04, more findings than APERAK has room for.
        """
        if about is not None and is_wrapped(about) and body.outcome is AcknowledgementOutcome.REJECTED:
            examined = self._examined(unwrap(about))
            if examined.faults:
                return wrap(self._contrl(examined, envelope), self._repertoire)
        facts = {
            "document": _REFUSED if body.outcome is AcknowledgementOutcome.REJECTED else _TAKEN,
            "function": self._data.maps[ANSWER].functions["answer"],
        }
        element = element_of(body)
        fit(element, self._repertoire)
        back = domain_of(body.ref_to_message_id)
        given = envelope or Envelope(sender=UNKNOWN, recipient=back, prepared_at=body.at)
        return self._written(ANSWER, element, facts, given)

    def read_acknowledgement(
        self,
        document: etree._Element,
        ref_to_message_id: MessageId | None = None,
        certificate_number: CertificateNumber | None = None,
    ) -> Acknowledgement:
        """
        Read an APERAK, or a CONTRL.

        Args:
            ref_to_message_id: what the answer is about, as its header tells; a CONTRL cannot.
            certificate_number: the same.

        Raises:
            ContentRefused: it is no sound interchange, neither of the two, or a CONTRL about nothing.
        """
        message = self._only_message(document)
        if message.type == CONTRL:
            return self._read_contrl(document, message, ref_to_message_id, certificate_number)
        document_map = self._data.maps[ANSWER]
        reader = Reader(document_map, root_of(message, document_map), message.number)
        return acknowledgement_of(reader.read(EXCHANGE, ACKNOWLEDGEMENT))

    def contrl(self, octets: bytes, envelope: Envelope | None = None) -> bytes:
        """A CONTRL about *octets*, whatever they are: where the syntax is faulty, or that it is sound."""
        return self._contrl(self._examined(octets), envelope)

    def _contrl(self, examined: Examined, envelope: Envelope | None) -> bytes:
        version = self._version or SYNTAX_3
        message = write_contrl(examined, self._data.tables, version, self._repertoire)
        definition = definition_for(self._data.tables, version)
        return seal_up(
            message,
            definition,
            "",
            envelope or answer_envelope(examined),
            self._repertoire,
            self._data.tables,
        )

    def _read_contrl(
        self,
        document: etree._Element,
        message: Message,
        ref_to_message_id: MessageId | None,
        certificate_number: CertificateNumber | None,
    ) -> Acknowledgement:
        if ref_to_message_id is None:
            raise refused("A CONTRL does not say which message it is about; the header must", message.number)
        assert message.root is not None
        accepted = is_accepted(message.root)
        return Acknowledgement(
            certificate_number=certificate_number,
            ref_to_message_id=ref_to_message_id,
            outcome=AcknowledgementOutcome.ACCEPTED if accepted else AcknowledgementOutcome.REJECTED,
            by=AcknowledgedBy.GATEWAY,
            at=envelope_of(self._examined(unwrap(document)).header).prepared_at,
            findings=tuple(findings_of(message.root, self._data.error_names)),
        )

    # ---- customs responses -------------------------------------------------------------------------------

    def write_customs_response(
        self, body: etree._Element, envelope: Envelope | None = None
    ) -> etree._Element:
        """
        Write the exchange document CustomsResponse as CUSRES.

        Raises:
            ContentRefused: the repertoire does not hold it, or CUSRES has no room for it.
        """
        functions = self._data.maps[RESPONSE].functions
        return self._written(
            RESPONSE, body, {"document": _RESPONDED, "function": functions["answer"]}, envelope
        )

    def read_customs_response(self, document: etree._Element) -> etree._Element:
        """
        The exchange document CustomsResponse that *document* carries.

        Raises:
            ContentRefused: it is no sound interchange, no CUSRES, or holds what has no place in ours.
        """
        message = self._only_message(document)
        document_map = self._data.maps[RESPONSE]
        reader = Reader(document_map, root_of(message, document_map), message.number)
        return reader.read(EXCHANGE, "CustomsResponse")

    # ---- what all have in common -------------------------------------------------------------------------

    def _written(
        self, name: str, body: etree._Element, facts: Mapping[str, str], envelope: Envelope | None
    ) -> etree._Element:
        document_map = self._data.maps[name]
        message = Writer(document_map, self._repertoire).write(body, facts)
        given = envelope or Envelope(
            sender=UNKNOWN,
            recipient=domain_of(body.findtext(f"{{{EXCHANGE}}}RefToMessageId", "")),
        )
        return wrap(self._sealed(document_map, message, given), self._repertoire)

    def _sealed(self, document_map: DocumentMap, message: Group, envelope: Envelope) -> bytes:
        octets = seal_up(
            message,
            document_map.message,
            document_map.association,
            envelope,
            self._repertoire,
            self._data.tables,
        )
        if len(octets) > self._limit:
            raise TooLarge(f"{len(octets)} octets of EDIFACT are more than the {self._limit} agreed")
        return octets

    def _examined(self, octets: bytes) -> Examined:
        if len(octets) > self._limit:
            raise TooLarge(f"{len(octets)} octets are more than the {self._limit} agreed")
        return examine(octets, self._data.tables, self._data.repertoires)

    def _sound(self, octets: bytes) -> Examined:
        examined = self._examined(octets)
        if examined.faults:
            raise ContentRefused(tuple(fault.finding for fault in examined.faults))
        return examined

    def _only_message(self, document: etree._Element) -> Message:
        examined = self._sound(unwrap(document))
        check_charset(document, examined.repertoire or self._repertoire)
        if len(examined.messages) != 1:
            raise refused(f"{len(examined.messages)} messages are in one interchange; one travels at a time")
        return examined.messages[0]


def dialects(data: EdifactData) -> tuple[EdifactDialect, ...]:
    """A dialect for each repertoire that is written."""
    return tuple(
        EdifactDialect(data, level) for level, each in data.repertoires.items() if each.writes is not None
    )
