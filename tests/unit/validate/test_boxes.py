"""Keys of box records, read from an XSD as it may be written."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from gateway.domain.form import Form
from gateway.registry.folder import Folder
from gateway.registry.forms import load_record_schema
from gateway.validate.boxes import (
    Field,
    Group,
    Listed,
    Marks,
    Measured,
    Number,
    Repeated,
    Stated,
    Text,
    boxes_of,
)
from gateway.validate.drawn import schema_of, with_boxes
from gateway.validate.sources import declared, element_paths
from tests.data.shipped import FORM_D, RCEP, forms

FORM = forms()[FORM_D]


def a_form(types: str) -> Form:
    """A form whose root is of the type ``Whole``, which *types* declare."""
    xsd = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:f="urn:x"
        xmlns:r="urn:eco-gateway:record:1.0" targetNamespace="urn:x" elementFormDefault="qualified">
      <xs:element name="{FORM.root}" type="f:Whole"/>{types}</xs:schema>"""
    return replace(FORM, namespace="urn:x", sources=MappingProxyType({FORM.entry: xsd.encode()}))


def whole(content: str, more: str = "") -> Form:
    return a_form(f'<xs:complexType name="Whole">{content}</xs:complexType>{more}')


def sequence(*elements: str) -> str:
    return f"<xs:sequence>{''.join(elements)}</xs:sequence>"


def element(name: str, kind: str, more: str = "") -> str:
    return f'<xs:element name="{name}" type="{kind}" {more}/>'


BASE = f'<xs:complexType name="Base">{sequence(element("First", "xs:string"))}</xs:complexType>'
EXTENDING = whole(
    f'<xs:complexContent><xs:extension base="f:Base">{sequence(element("SecondOne", "xs:decimal"))}'
    '<xs:attribute name="mark" type="xs:string"/></xs:extension></xs:complexContent>',
    BASE,
)


def test_an_extended_type_has_what_it_extends_and_its_own() -> None:
    assert boxes_of(EXTENDING) == Group(
        (Field("first", "First", Text()), Field("second_one", "SecondOne", Number()))
    )
    assert element_paths(EXTENDING) == {FORM.root, f"{FORM.root}/First", f"{FORM.root}/SecondOne"}
    assert f"{FORM.root}/@mark" in {one.path for one in declared(EXTENDING)}


def test_a_type_that_extends_itself_ends_somewhere() -> None:
    circle = whole('<xs:complexContent><xs:extension base="f:Whole"/></xs:complexContent>')

    assert boxes_of(circle) == Group(())


def test_a_key_of_its_own_stands_in_the_xsd() -> None:
    form = whole(sequence(element("HarmonizedSystemCode", "xs:string", 'r:key="hs"')))

    assert [field.key for field in boxes_of(form).fields] == ["hs"]


MONEY = """<xs:complexType name="Money" r:key="amount"><xs:simpleContent><xs:extension base="xs:decimal">
    <xs:attribute name="currency" type="xs:string"/></xs:extension></xs:simpleContent></xs:complexType>"""
COUNT = """<xs:simpleType name="Count"><xs:restriction base="f:Whole1"/></xs:simpleType>
    <xs:simpleType name="Whole1"><xs:restriction base="xs:nonNegativeInteger"/></xs:simpleType>"""
FIVE = element("Line", "xs:string", 'maxOccurs="5"')
LINES = f'<xs:complexType name="Lines">{sequence(FIVE)}</xs:complexType>'


@pytest.mark.parametrize(
    ("kind", "more", "occurs", "shape"),
    [
        pytest.param("f:Money", MONEY, "", Measured("amount", "currency"), id="money"),
        pytest.param("f:Count", COUNT, "", Number(whole=True), id="whole-number"),
        pytest.param("f:Lines", LINES, "", Listed("Line", Text()), id="list"),
        pytest.param("xs:string", "", 'maxOccurs="9"', Repeated(Text()), id="repeated"),
        pytest.param("xs:date", "", "", Text(), id="text"),
    ],
)
def test_the_kind_of_value_follows_from_the_type(kind: str, more: str, occurs: str, shape: object) -> None:
    form = whole(sequence(element("Some", kind, occurs)), more)

    assert boxes_of(form) == Group((Field("some", "Some", shape),))  # type: ignore[arg-type]


def test_choices_are_those_the_xsd_enumerates() -> None:
    shapes = {field.key: field.shape for field in boxes_of(forms()[RCEP]).fields}

    producer, ticks = shapes["producer"], shapes["ticks"]
    assert isinstance(producer, Stated)
    assert producer.sentence == Text(("SEE BOX 8", "CONFIDENTIAL", "NOT AVAILABLE"))
    assert isinstance(ticks, Marks)
    assert "de_minimis" in ticks.choices


ALL_SHAPES = Group(
    (
        Field("text", "Text", Text()),
        Field("mode", "Mode", Text(("sea", "air"))),
        Field("count", "Count", Number(whole=True)),
        Field("share", "Share", Number()),
        Field("weight", "Weight", Measured("value", "unit")),
        Field("ticks", "Ticks", Marks(("a", "b"))),
        Field("lines", "Lines", Listed("Line", Text())),
        Field("codes", "Codes", Repeated(Text())),
        Field("maker", "Maker", Stated("Said", Group((Field("name", "Name", Text()),)), Text(("SECRET",)))),
    )
)


def test_a_key_that_the_record_schema_lacks_is_drawn_in_with_its_shape() -> None:
    drawn = with_boxes({"type": "object", "properties": {}}, [ALL_SHAPES])["properties"]

    assert drawn == schema_of(ALL_SHAPES)["properties"]
    assert drawn["text"] == {"type": "string"}
    assert drawn["mode"] == {"enum": ["sea", "air"]}
    assert (drawn["count"], drawn["share"]) == ({"type": "integer"}, {"type": "number"})
    assert drawn["ticks"]["items"] == {"enum": ["a", "b"]}
    assert drawn["codes"] == {"type": "array", "items": {"type": "string"}}
    assert drawn["maker"]["oneOf"][1] == {"enum": ["SECRET"]}


def test_what_the_record_schema_says_is_widened_and_never_narrowed() -> None:
    """Choices and keys come on top, also behind references and in lists; the given schema is as it was."""
    schema = schema_of(ALL_SHAPES) | {"$defs": {"maker": schema_of(ALL_SHAPES)["properties"]["maker"]}}
    schema["properties"]["maker"] = {"$ref": "#/$defs/maker"}
    given = {"text": {"type": "string"}, **schema["properties"]}
    maker = Stated("Said", Group((Field("nick", "Nick", Text()),)), Text(("SECRET", "UNKNOWN")))
    more = Group(
        (
            Field("text", "Text", Text(("one",))),
            Field("mode", "Mode", Text(("rail",))),
            Field("ticks", "Ticks", Marks(("c",))),
            Field("lines", "Lines", Listed("Line", Text())),
            Field("maker", "Maker", maker),
        )
    )

    drawn = with_boxes({**schema, "properties": given}, [more])

    assert drawn["properties"]["text"] == {"type": "string"}
    assert drawn["properties"]["mode"] == {"enum": ["sea", "air", "rail"]}
    assert drawn["properties"]["ticks"]["items"] == {"enum": ["a", "b", "c"]}
    named, said = drawn["$defs"]["maker"]["oneOf"]
    assert (set(named["properties"]), said["enum"]) == ({"name", "nick"}, ["SECRET", "UNKNOWN"])
    assert given["mode"] == {"enum": ["sea", "air"]}


def test_the_shipped_forms_add_nothing_to_the_published_schema() -> None:
    published = dict(load_record_schema(Folder()).schema)

    assert with_boxes(published, map(boxes_of, forms().values())) == published
