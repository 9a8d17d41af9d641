"""Schematron becomes XSLT that writes what fails, and asks no rule whom it does not concern."""

from __future__ import annotations

import pytest
from lxml import etree

from gateway.validate.stylesheet import EXTRA, SCH, not_understood, stylesheet_of

DOCUMENT = etree.fromstring(
    """<a:List xmlns:a="urn:a">
         <a:Head/>
         <a:Entry n="1"><a:Part/></a:Entry>
         <a:Entry n="2"><a:Part/><a:Part/></a:Entry>
         <a:Entry n="3"/>
       </a:List>"""
)


def _schematron(content: str) -> etree._Element:
    return etree.fromstring(
        f"""<sch:schema xmlns:sch="{SCH[1:-1]}" xmlns:e="{EXTRA[1:-1]}">
              <sch:ns prefix="a" uri="urn:a"/><sch:let name="on" value="''"/><sch:let name="most" value="1"/>
              {content}
            </sch:schema>"""
    )


def _assert(name: str, test: str) -> str:
    value = '<sch:value-of e:name="entry" select="@n"/>'
    return f'<sch:assert id="{name}" test="{test}">{value}</sch:assert>'


def _failed(*patterns: str, on: str = "2026-11-21") -> list[tuple[str, str]]:
    """Which assert failed, and where."""
    rules = _schematron("".join(f"<sch:pattern>{rules}</sch:pattern>" for rules in patterns))
    transform = etree.XSLT(etree.fromstring(stylesheet_of(rules)))
    output = transform(DOCUMENT, on=etree.XSLT.strparam(on)).getroot()
    return sorted((one.get("id", ""), one.get("at", "")) for one in output)


def _rule(context: str, *content: str) -> str:
    return f'<sch:rule context="{context}">{"".join(content)}</sch:rule>'


def test_nothing_is_written_of_what_holds() -> None:
    assert _failed(_rule("a:Entry", _assert("numbered", "@n"))) == []


def test_what_fails_is_written_with_the_way_to_it() -> None:
    rule = _rule("a:Entry", _assert("parts", "a:Part"), _assert("few", "not(a:Part[$most + 1])"))

    assert _failed(rule) == [("few", "/*[3]"), ("parts", "/*[4]")]


def test_the_root_is_at_no_way_at_all() -> None:
    assert _failed(_rule("a:List", _assert("today", "$on = '2020-01-01'"))) == [("today", "")]


def test_values_are_those_where_the_rule_stands() -> None:
    rules = _schematron(f"<sch:pattern>{_rule('a:Entry', _assert('parts', 'a:Part'))}</sch:pattern>")

    (failure,) = etree.XSLT(etree.fromstring(stylesheet_of(rules)))(DOCUMENT).getroot()

    assert [(value.get("name"), value.text) for value in failure] == [("entry", "3")]


def test_a_variable_of_a_rule_is_its_own() -> None:
    let = '<sch:let name="parts" value="count(a:Part)"/>'

    assert _failed(_rule("a:Entry", let, _assert("few", "$parts &lt;= $most"))) == [("few", "/*[3]")]


@pytest.mark.parametrize(
    ("test", "where"),
    [
        pytest.param("position() != 2", "/*[3]", id="position"),
        pytest.param("position() != last()", "/*[4]", id="last"),
        pytest.param("not(../a:Entry[@n &lt; current()/@n][2])", "/*[4]", id="current"),
    ],
)
def test_a_test_that_counts_elements_of_its_context_means_those(test: str, where: str) -> None:
    assert _failed(_rule("a:Entry", _assert("place", test))) == [("place", where)]


def test_of_the_rules_of_a_pattern_the_first_that_fits_is_asked() -> None:
    narrow = _rule("a:Entry[a:Part]", _assert("narrow", "a:Part[2]"))
    wide = _rule("a:Entry", _assert("wide", "false()"))

    assert _failed(narrow + wide) == [("narrow", "/*[2]"), ("wide", "/*[4]")]
    assert _failed(narrow, wide) == [
        ("narrow", "/*[2]"),
        ("wide", "/*[2]"),
        ("wide", "/*[3]"),
        ("wide", "/*[4]"),
    ]


def test_a_context_may_be_a_path() -> None:
    assert _failed(_rule("a:Entry/a:Part", _assert("none", "false()"))) == [
        ("none", "/*[2]/*[1]"),
        ("none", "/*[3]/*[1]"),
        ("none", "/*[3]/*[2]"),
    ]


@pytest.mark.parametrize("context", ["/a:List/a:Entry", "a:Entry | a:Head", "a:Entry[2]", "*", ""])
def test_a_context_that_is_no_path_of_names_is_a_fault(context: str) -> None:
    (fault,) = not_understood(_schematron(f"<sch:pattern>{_rule(context)}</sch:pattern>"))

    assert fault == ("sch:rule", f"the context {context!r} is no path of names with prefixes")


def test_a_value_without_a_name_is_a_fault() -> None:
    nameless = '<sch:assert id="a" test="a:Part"><sch:value-of select="@n"/></sch:assert>'

    (fault,) = not_understood(_schematron(f"<sch:pattern>{_rule('a:Entry', nameless)}</sch:pattern>"))

    assert fault == ("sch:value-of", "has no e:name, by which words could ask for it")


@pytest.mark.parametrize("element", ["phase", "report", "include", "name", "diagnostics"])
def test_what_is_not_understood_is_a_fault(element: str) -> None:
    assert list(not_understood(_schematron(f"<sch:{element}/>"))) == [
        (f"sch:{element}", "is not understood here")
    ]
