"""A new version of a form, laid over the shipped ones as an installation would."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from gateway.domain.ids import FormId
from gateway.registry.folder import SHIPPED
from gateway.registry.forms import xsd_digest
from tests.data.shipped import FORM_D

NEW = FormId("atiga/form-d/1.1")
BEGINS, ENDS = date(2026, 10, 1), date(2026, 12, 31)  # of the new version, of the old one
ELEMENT = '<xs:element name="TransitCountry" type="Country" minOccurs="0"/>'


def lay_next_form_d(registry: Path) -> None:
    """Write version 1.1 of Form D, one element richer, and a last day for version 1.0."""
    old, new = registry / f"schemas/{FORM_D}", registry / f"schemas/{NEW}"
    for folder in (old, new / "examples" / "valid", new / "examples" / "invalid"):
        folder.mkdir(parents=True)
    shipped = SHIPPED / f"schemas/{FORM_D}"
    toml = (shipped / "form.toml").read_text("utf-8")
    (old / "form.toml").write_text(_with(toml, r"^valid_from", f"valid_to = {ENDS}\nvalid_from"), "utf-8")
    for name in ("form-d.xsd", "rules.sch"):
        text = (shipped / name).read_text("utf-8").replace("form-d:1.0", "form-d:1.1")
        (new / name).write_text(text.replace("../../../common/certificate.xsd", "certificate.xsd"), "utf-8")
    blocks = (SHIPPED / "schemas/common/certificate.xsd").read_text("utf-8")
    items = '<xs:element name="Items" type="Items"/>'
    (new / "certificate.xsd").write_text(blocks.replace(items, ELEMENT + items), "utf-8")
    toml = toml.replace("form-d:1.0", "form-d:1.1")
    toml = _with(toml, r"^valid_from = \S+", f"valid_from = {BEGINS}")
    toml = _with(toml, r'^sha256 = "\w+"', f'sha256 = "{xsd_digest(_files(new))}"')
    toml = _with(toml, r"^\[boxes\].*$", '[boxes]\nTransitCountry = "3"')
    (new / "form.toml").write_text(toml, "utf-8")


def _with(text: str, pattern: str, replacement: str) -> str:
    changed, count = re.subn(pattern, replacement, text, count=1, flags=re.MULTILINE)
    assert count == 1, pattern
    return changed


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.xsd")}
