"""The OASIS schema of ebBP signals, unmodified, compiled with our findings in its one open slot."""

from __future__ import annotations

from pathlib import Path

import xmlschema
from lxml import etree

from tests.unit.acknowledge.samples import SCHEMAS

_WHEEL = Path(xmlschema.__file__).parent / "schemas"
_TESTS = Path(__file__).resolve().parents[2]

_TOGETHER = f"""
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <xs:import namespace="http://www.w3.org/XML/1998/namespace"
             schemaLocation="{(_WHEEL / "XML" / "xml.xsd").as_uri()}"/>
  <xs:import namespace="http://www.w3.org/1999/xlink"
             schemaLocation="{(_WHEEL / "XLINK" / "xlink.xsd").as_uri()}"/>
  <xs:import namespace="http://www.w3.org/2000/09/xmldsig#"
             schemaLocation="{(_WHEEL / "DSIG" / "xmldsig-core-schema.xsd").as_uri()}"/>
  <xs:import namespace="urn:eco-gateway:exchange:1.0"
             schemaLocation="{(SCHEMAS / "findings.xsd").as_uri()}"/>
  <xs:import namespace="http://docs.oasis-open.org/ebxml-bp/ebbp-signals-2.0"
             schemaLocation="{(_TESTS / "conformance" / "xsd" / "ebbp-signals-2.0.4.xsd").as_uri()}"/>
</xs:schema>
"""

OASIS = etree.XMLSchema(etree.fromstring(_TOGETHER, etree.XMLParser(no_network=True)))
