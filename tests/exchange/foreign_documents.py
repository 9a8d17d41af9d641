"""Business documents as a neighbour writes them: certificates of its own, and answers about ours."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from tests.exchange.foreign_party import EXCHANGE, RCEP, Heard, in_utc

_numbers = itertools.count(1)


def new_number(country: str) -> str:
    """A certificate number that nobody used before."""
    return f"{country}26/{next(_numbers):05}"


def certificate(
    number: str, *, exporting: str, importing: str, replaces: str | None = None, quantity: str = "1200"
) -> str:
    """A Form RCEP with one item of 1200 pieces, issued two days ago."""
    day = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    ports = {"VN": "VNSGN", "TH": "THLCH", "MY": "MYPKG", "SG": "SGSIN", "KH": "KHKOS", "LA": "LAVTE"}
    replaced = "" if replaces is None else f"<Replaces><Number>{replaces}</Number>{_on(day)}</Replaces>"
    return f"""<CertificateOfOrigin xmlns="{RCEP}">
  <CertificateNumber>{number}</CertificateNumber>
  <ExportingCountry>{exporting}</ExportingCountry>
  <ImportingCountry>{importing}</ImportingCountry>
  <IssueDate>{day}</IssueDate>
  <IssuePlace>Capital</IssuePlace>
  <IssuingBody>Issuing authority</IssuingBody>
  <Exporter>{_trader("Sao Mai Garments Co., Ltd.", exporting)}</Exporter>
  <Consignee>{_trader("Thai Lotus Trading Co., Ltd.", importing)}</Consignee>
  <Producer>{_trader("Sao Mai Garments Co., Ltd.", exporting)}</Producer>
  <Transport>
    <Mode>sea</Mode>
    <DepartureDate>{day}</DepartureDate>
    <Vessel>MV Southern Cross V.26E</Vessel>
    <PortOfLoading>{ports[exporting]}</PortOfLoading>
    <PortOfDischarge>{ports[importing]}</PortOfDischarge>
  </Transport>
  <Ticks/>{replaced}
  <Items>
    <Item>
      <Number>1</Number>
      <Marks>LOT 001</Marks>
      <Packages><Count>41</Count><Kind>CT</Kind></Packages>
      <Description>T-shirts, singlets and other vests; of cotton, knitted or crocheted</Description>
      <HarmonizedSystemCode>610910</HarmonizedSystemCode>
      <OriginCriterion>CTC</OriginCriterion>
      <Origin>{exporting}</Origin>
      <GrossWeight unit="KGM">2650.5</GrossWeight>
      <Quantity unit="H87">{quantity}</Quantity>
      <Invoices><Invoice><Number>INV-26001</Number><Date>{day}</Date></Invoice></Invoices>
    </Item>
  </Items>
</CertificateOfOrigin>"""


def _trader(name: str, country: str) -> str:
    return (
        f"<Name>{name}</Name><Address><Line>12 Industrial Zone 3</Line></Address><Country>{country}</Country>"
    )


def _on(day: str) -> str:
    return f"<IssueDate>{day}</IssueDate>"


def exchange(name: str, content: str = "") -> str:
    """A document of the exchange namespace."""
    return f'<{name} xmlns="{EXCHANGE}">{content}</{name}>'


def ping(note: str = "") -> str:
    return exchange("Ping", f"<Note>{note}</Note>" if note else "")


def acknowledgement(of: Heard, outcome: str = "accepted", *, by: str = "gateway", findings: str = "") -> str:
    number = f"<CertificateNumber>{of.number}</CertificateNumber>" if of.number else ""
    return exchange(
        "Acknowledgement",
        f"{number}<RefToMessageId>{of.id}</RefToMessageId><Outcome>{outcome}</Outcome><By>{by}</By>"
        f"<At>{in_utc()}</At>{findings}",
    )


def customs_response(number: str, about: str, *items: str) -> str:
    return exchange(
        "CustomsResponse",
        f"<CertificateNumber>{number}</CertificateNumber><RefToMessageId>{about}</RefToMessageId>"
        + "".join(items),
    )


def item(
    outcome: str, *, no: int = 1, quantity: str | None = None, unit: str = "H87", declaration: str = "D-1"
) -> str:
    amount = "" if quantity is None else f'<Quantity unit="{unit}">{quantity}</Quantity>'
    today = datetime.now(UTC).date().isoformat()
    return (
        f'<ItemOutcome item="{no}"><Outcome>{outcome}</Outcome>{amount}'
        f"<Declaration>{declaration}</Declaration><Date>{today}</Date></ItemOutcome>"
    )


def cancellation(number: str, about: str, reason: str = "Wrong consignee") -> str:
    return exchange(
        "Cancellation",
        f"<CertificateNumber>{number}</CertificateNumber><RefToMessageId>{about}</RefToMessageId>"
        f"<Reason>{reason}</Reason>",
    )


def inquiry(name: str, number: str | None = None, about: str | None = None) -> str:
    """A ``StatusQuery`` or a ``RetransmissionRequest``."""
    said = f"<CertificateNumber>{number}</CertificateNumber>" if number else ""
    return exchange(name, said + (f"<RefToMessageId>{about}</RefToMessageId>" if about else ""))
