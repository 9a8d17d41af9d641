"""The EDIFACT files: complete, in step with schemas and page, and every certificate goes through them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from lxml import etree

from gateway.registry.folder import SHIPPED
from gateway.translate.edifact.faults import SyntaxError0085
from gateway.translate.edifact.maps import Node
from gateway.translate.edifact.tables import GroupDefinition, SegmentItem
from gateway.validate.judge import form_of
from gateway.validate.records import form_of_record
from tests.data.shipped import consignments, examples, forms, without_test_keys, written
from tests.unit.house.tree import table
from tests.unit.translate.edifact_shipped import canonical, data, dialect

ROOM = SHIPPED / "mappings/edifact"
PAGE = "docs/dialects-edifact.md"
XS = "{http://www.w3.org/2001/XMLSchema}"
EXCHANGE = SHIPPED / "schemas/exchange/1.0"
CERTIFICATE = SHIPPED / "schemas/common/certificate.xsd"

RECORDS = [
    pytest.param(record, id=record["case"])
    for record in consignments()
    if not record["expected"]["rejected_with"]
]


def travelled(document: etree._Element) -> bytes:
    form = form_of(document, forms())
    ((back, found),) = dialect().from_octets(dialect().to_octets(document, form), forms())
    assert found is form
    return canonical(back)


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_goes_through_sancrt_unharmed(record: dict[str, Any]) -> None:
    document = written(without_test_keys(record))

    assert form_of_record(record, forms()) is form_of(document, forms())
    assert travelled(document) == canonical(document)


@pytest.mark.parametrize("path", examples("valid"))
def test_an_example_goes_through_sancrt_unharmed(path: str) -> None:
    parser = etree.XMLParser(remove_blank_text=True, remove_comments=True)
    document = etree.fromstring((SHIPPED / path).read_bytes(), parser)

    assert travelled(document) == canonical(document)


# ---- maps and schemas ------------------------------------------------------------------------------------


class Schema:
    """The element paths of a schema, in its order."""

    def __init__(self, *names: str) -> None:
        roots = [etree.parse(SHIPPED / name).getroot() for name in names]
        self.types = {each.get("name"): each for root in roots for each in root if each.get("name")}

    def below(self, type_name: str, path: str = "") -> Iterator[str]:
        kind = self.types.get(type_name.partition(":")[2] or type_name)
        if kind is not None:
            yield from self.inside(kind, path)

    def inside(self, kind: etree._Element, path: str) -> Iterator[str]:
        met = set()
        for found in kind.iter(f"{XS}element", f"{XS}attribute", f"{XS}extension"):
            if found.tag == f"{XS}extension":
                yield from self.below(found.get("base", ""), path)
                continue
            mark = "@" if found.tag == f"{XS}attribute" else ""
            below = "/".join(filter(None, (path, mark + found.get("name", ""))))
            if found is kind or below in met:
                continue
            met.add(below)
            yield below
            yield from self.below(found.get("type", ""), below)

    def values(self, type_name: str) -> list[str]:
        return [each.get("value", "") for each in self.types[type_name].iter(f"{XS}enumeration")]


def paths_of(node: Node) -> Iterator[str]:
    for child in node.children.values():
        if child.name != "#text":
            yield child.path
        yield from paths_of(child)


EXCHANGED = ("common", "findings", "acknowledgement", "customs-response", "cancellation")
CERTIFICATES = Schema("schemas/common/certificate.xsd")
DOCUMENTS = Schema(*(f"schemas/exchange/1.0/{name}.xsd" for name in EXCHANGED))


def test_every_element_of_a_certificate_has_its_place_in_the_order_of_the_schema() -> None:
    assert list(paths_of(data().maps["certificate"].root)) == list(CERTIFICATES.below("Certificate"))


@pytest.mark.parametrize(
    ("name", "root"),
    [
        pytest.param("acknowledgement", "Acknowledgement", id="acknowledgement"),
        pytest.param("customs-response", "CustomsResponse", id="customs-response"),
        pytest.param("cancellation", "Cancellation", id="cancellation"),
    ],
)
def test_every_element_of_an_answer_has_its_place(name: str, root: str) -> None:
    told = list(paths_of(data().maps[name].root))

    assert len(told) == len(set(told))
    assert set(told) == set(DOCUMENTS.inside(DOCUMENTS.types[root], ""))


@pytest.mark.parametrize(
    ("codes", "schema", "type_name"),
    [
        pytest.param("marks", CERTIFICATES, "Mark", id="marks"),
        pytest.param("producer-statements", CERTIFICATES, "ProducerStatement", id="producer-statements"),
        pytest.param("transport-modes", CERTIFICATES, "TransportMode", id="transport-modes"),
        pytest.param("tariff-differentials", CERTIFICATES, "TariffDifferential", id="tariff-differentials"),
        pytest.param("acknowledgement-outcomes", DOCUMENTS, "AcknowledgementOutcome", id="outcomes"),
        pytest.param("customs-outcomes", DOCUMENTS, "CustomsOutcome", id="customs-outcomes"),
    ],
)
def test_every_member_of_a_list_has_its_code(codes: str, schema: Schema, type_name: str) -> None:
    pairs = data().maps["certificate"].codes[codes]

    assert list(pairs.to_code) == schema.values(type_name)
    assert list(pairs.from_code.values()) == list(pairs.to_code)


# ---- the tables themselves -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(ROOM.rglob("*.[tc][os][mv]*")), ids=lambda path: path.name)
def test_a_file_of_facts_names_source_and_edition(path: Any) -> None:
    text = path.read_text("utf-8")

    assert (
        path.parent.name == "maps"
        or len(re.findall(r"^(?:# )?(?:source|edition)(?: =|:) ", text, re.MULTILINE)) == 2
    )


@pytest.mark.parametrize("path", sorted(ROOM.glob("directories/*.toml")), ids=lambda path: path.stem)
def test_nothing_is_described_that_no_segment_is_made_of(path: Any) -> None:
    file = tomllib.loads(path.read_text("utf-8"))
    used = set(re.findall(r"\w+", " ".join([*file["segments"].values(), *file["composites"].values()])))

    assert {*file["composites"], *file["elements"]} - used == set()


def tags(group: GroupDefinition) -> Iterator[str]:
    for item in group.items:
        if isinstance(item, SegmentItem):
            yield item.tag
        else:
            yield from tags(item)


def test_every_segment_that_is_described_is_part_of_a_message() -> None:
    used = {tag for message in data().tables.messages.values() for tag in tags(message.root)}

    described = {tag for directory in data().tables.directories.values() for tag in directory}

    assert described - used == {"UNB", "UNZ"}


def test_every_syntax_error_that_we_tell_has_a_name() -> None:
    assert set(SyntaxError0085) - set(data().error_names) == set()


# ---- the page --------------------------------------------------------------------------------------------


def place(told: dict[str, Any]) -> str:
    where = f"group {told['group']}" if "group" in told else told.get("at", "")
    says = ", ".join(f"{name} {value}" for name, value in told.get("where", {}).items())
    return f"`{where}`" + (f" where {says}" if says else "")


def manner(told: dict[str, Any]) -> str:
    words = [told["as"]] if "as" in told else []
    words += [word for word in ("many", "spread", "mixed") if told.get(word)]
    return ", ".join(words)


def rows(name: str) -> list[list[str]]:
    file = tomllib.loads((ROOM / f"maps/{name}.toml").read_text("utf-8"))
    made = []
    for path, told in file["elements"].items():
        places = told if isinstance(told, list) else [told]
        if any("at" in each or "group" in each for each in places):
            made.append([f"`{path}`", "; else ".join(map(place, places)), manner(places[0])])
    return made


@pytest.mark.parametrize("name", sorted(path.stem for path in ROOM.glob("maps/*.toml")))
def test_the_page_says_where_everything_stands(name: str) -> None:
    assert table(PAGE, f"### {name}") == rows(name)


def test_the_page_lists_every_list_of_codes() -> None:
    told = {row[0]: row[1] for row in table(PAGE, "## Codes of our own")}

    assert told == {
        f"`{path.stem}`": ", ".join(
            f"{ours.replace('*', chr(92) + '*')} {code}"
            for ours, code in data().maps["certificate"].codes[path.stem].to_code.items()
        )
        for path in ROOM.glob("codes/*.csv")
    }
