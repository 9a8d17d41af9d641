"""Rules are data; what is wrong with the data itself is told when they are compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import pytest

from gateway.domain.errors import Fault, Misconfigured, Severity
from gateway.domain.form import Form
from gateway.domain.ids import FormId
from gateway.validate.rules import Rules, rule_book
from tests.data.shipped import ON, RCEP, a_record, forms, written


def _with_rules(find: str, put: str) -> Form:
    """Form RCEP with its own rules changed."""
    form = forms()[RCEP]
    assert form.rules is not None
    text = form.sources[form.rules].decode()
    assert find in text
    sources = {**form.sources, form.rules: text.replace(find, put, 1).encode()}
    return replace(form, sources=MappingProxyType(sources))


def _with_test(form: Form, test: str) -> Mapping[str, bytes]:
    assert form.rules is not None
    changed = form.sources[form.rules].replace(b'test="f:Origin"', f'test="{test}"'.encode(), 1)
    return MappingProxyType({**form.sources, form.rules: changed})


@pytest.mark.parametrize(
    ("find", "put", "complaint"),
    [
        pytest.param('flag="C08"', 'flag="C99"', "is no code of the catalogue", id="unknown-code"),
        pytest.param('role="error"', 'role="fatal"', "neither error nor warning", id="unknown-severity"),
        pytest.param('id="origin-missing" ', "", "needs an id", id="no-id"),
        pytest.param('id="origin-missing"', 'id="fob-missing"', "needs an id of its own", id="id-twice"),
        pytest.param('id="origin-missing"', 'id="unheard-of"', "have no words for it", id="no-words"),
        pytest.param('e:name="item"', 'e:name="no"', "want a value {item}", id="no-value"),
        pytest.param('e:source="RCEP Form note 8"', "", "no source", id="no-source"),
        pytest.param('test="f:Origin"', 'test="f:Origin["', "does not compile", id="broken-xpath"),
        pytest.param('test="f:Origin"', 'test="$nowhere"', "does not run", id="unknown-variable"),
        pytest.param(
            'test="f:Origin"', "test=\"document('/etc/hostname')\"", "does not run", id="reads-a-file"
        ),
        pytest.param('test="f:Origin"', 'test="false()" e:needs="f:["', "is no XPath", id="broken-needs"),
        pytest.param(
            "</sch:rule>", '<sch:report test="1"/></sch:rule>', "sch:report: is not understood", id="report"
        ),
        pytest.param("form-rcep:1.0", "form-rcep:2.0", "no prefix is bound", id="other-namespace"),
    ],
)
def test_a_fault_in_the_rules_is_named(find: str, put: str, complaint: str) -> None:
    with pytest.raises(Misconfigured, match=complaint) as caught:
        rule_book(_with_rules(find, put))

    assert caught.value.faults[0].file == "schemas/rcep/form-rcep/1.0/rules.sch"


def test_a_value_that_the_rules_do_not_know_is_named() -> None:
    form = forms()[RCEP]

    with pytest.raises(Misconfigured, match="colour: the rules have no sch:let"):
        rule_book(replace(form, values=MappingProxyType({**form.values, "colour": "red"})))


@pytest.mark.parametrize("form", sorted(forms()))
def test_every_assertion_names_code_severity_and_source(form: FormId) -> None:
    book = rule_book(forms()[form])

    for assertion in book.assertions.values():
        assert assertion.code in {fault.value for fault in Fault}
        assert assertion.severity in Severity
        assert assertion.source


def test_a_form_without_rules_breaks_none() -> None:
    form = replace(forms()[RCEP], rules=None)

    assert Rules(rule_book(form)).flaws(written(a_record()), ON) == []


def test_a_value_with_an_apostrophe_is_taken() -> None:
    form = forms()[RCEP]
    titled = replace(
        form, values=MappingProxyType({**form.values, "title": "Form d'origine", "max-items": "1"})
    )

    (flaw,) = Rules(rule_book(titled)).flaws(written(a_record(items=2)), ON)

    assert flaw.rule == "too-many-items"


def test_a_subject_that_is_not_there_is_looked_for_step_by_step() -> None:
    """A condition of a step may hold slashes of its own."""
    subject = "f:Origin/f:Country[. = ancestor::f:CertificateOfOrigin/f:Nowhere]"
    form = _with_rules('subject="f:Origin"', f'subject="{subject}"')
    put = replace(form, sources=_with_test(form, "f:Nowhere"))

    flaw, *_ = Rules(rule_book(put)).flaws(written(a_record(items=1)), ON)

    assert flaw.place.below == "Country"
