"""What a dialect writes is read back the same, or told with the example and the dialect."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.pairs import check_pairs
from gateway.domain.errors import Misconfigured
from gateway.registry.folder import SHIPPED, over_shipped

READER = "mappings/xslt/ubl/ubl-to-certificate.xsl"


def test_the_shipped_dialects_give_back_an_example_of_every_form() -> None:
    check_pairs(over_shipped(None))


def test_a_map_that_loses_something_is_named_with_the_example(tmp_path: Path) -> None:
    own = tmp_path / READER
    own.parent.mkdir(parents=True)
    text = (SHIPPED / READER).read_text("utf-8")
    for path in (SHIPPED / READER).parent.glob("*.xsl"):
        (own.parent / path.name).write_bytes(path.read_bytes())
    spoilt = text.replace("<GrossWeight", "<NetWeight").replace("</GrossWeight", "</NetWeight")
    assert spoilt != text
    own.write_text(spoilt, "utf-8")

    with pytest.raises(Misconfigured) as raised:
        check_pairs(over_shipped(tmp_path))

    told = [str(fault) for fault in raised.value.faults]
    assert any("rcep/form-rcep/1.0/examples/valid/" in fault and ": ubl-2.1: " in fault for fault in told)
    assert not any("edifact" in fault for fault in told)
