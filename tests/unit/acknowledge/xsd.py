"""The OASIS schema of ebBP signals, with the reference schema of findings in its one open slot."""

from __future__ import annotations

from pathlib import Path

from lxml import etree

CONFORMANCE = Path(__file__).resolve().parents[2] / "conformance"
WIRE_EXAMPLES = CONFORMANCE / "wire-examples"

OASIS = etree.XMLSchema(etree.parse(CONFORMANCE / "xsd" / "signals.xsd", etree.XMLParser(no_network=True)))
