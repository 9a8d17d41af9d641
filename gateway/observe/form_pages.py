"""
The page of each form, written from its data: boxes, rules, code lists, examples.

``eco-gateway pages`` writes them; a test holds those in ``docs/forms`` to what would be written now.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from gateway.domain.form import Form
from gateway.domain.ids import FormId
from gateway.domain.words import ENGLISH
from gateway.domain.xml import read_xml
from gateway.registry.codes import CodeLists, load_codes
from gateway.registry.folder import Folder
from gateway.registry.forms import load_forms
from gateway.validate.check import expected_of
from gateway.validate.rules import RuleBook, Rules, rule_book
from gateway.validate.sources import compiled_schema, declared

PAGES = "docs/forms"

_OF_BOXES = (
    "Elements and attributes in the order of the XSD. What must be there must be there once the element "
    "above it is; what else a form wants, its rules say."
)
_OF_RULES = "*Words in italics* stand for what the certificate says."
_IDLE = "Of the rules of all forms, these have nothing to ask of this one, and no example breaks them:"
_WRITTEN = "Written by `eco-gateway pages` from the files it names."


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """
    One example of a form: what is said of it, and which rules it breaks.

    Attributes:
        link: its name, leading to it.
    """

    link: str
    is_valid: bool
    findings: tuple[str, ...]
    broken: frozenset[str]


def form_pages(folder: Folder, target: Path) -> Mapping[str, str]:
    """
    The page of every form by its file name, and a list of them, ``README.md``.

    Args:
        target: where they will lie; links lead from there to the examples.

    Raises:
        Misconfigured: forms or code lists are faulty.
    """
    forms, codes = load_forms(folder), load_codes(folder)
    families: dict[FormId, list[Form]] = {}
    for form in forms.values():
        families.setdefault(form.family, []).append(form)
    pages = {
        _file(versions[0]): _lines(_page(versions, codes, folder, target)) for versions in families.values()
    }
    return MappingProxyType({"README.md": _lines(_index(families.values())), **pages})


def write_pages(folder: Folder, target: Path) -> None:
    """
    Write the pages of all forms in *folder* to *target*.

    Raises:
        Misconfigured: forms or code lists are faulty.
        OSError: *target* cannot be written.
    """
    pages = form_pages(folder, target)
    target.mkdir(parents=True, exist_ok=True)
    for name, text in pages.items():
        (target / name).write_text(text, "utf-8")


def _lines(parts: Iterable[str]) -> str:
    return "\n\n".join(parts) + "\n"


def _index(families: Iterable[Sequence[Form]]) -> Iterator[str]:
    yield "# The forms"
    yield _WRITTEN
    rows = [
        (f"[{form.title}]({_file(form)})", f"`{form.id}`", form.agreement, _window(form))
        for versions in families
        for form in versions
    ]
    yield _table(("form", "id", "agreement", "for certificates issued"), rows)


def _file(form: Form) -> str:
    return f"{form.family.rpartition('/')[2]}.md"


def _page(versions: Sequence[Form], codes: CodeLists, folder: Folder, target: Path) -> Iterator[str]:
    yield f"# {versions[-1].title}"
    yield _WRITTEN
    for form in versions:
        yield f"## Version {form.version}"
        yield from _version(form, codes, list(_examples(form, folder, target)))


def _version(form: Form, codes: CodeLists, examples: Sequence[Example]) -> Iterator[str]:
    yield _table(("", ""), list(_about(form)))
    yield "### Boxes"
    yield _OF_BOXES
    yield _table(("box", "element", "must", "more than one", "content"), list(_boxes(form)))
    yield "### Rules"
    yield _OF_RULES
    heads = ("rule", "code", "what is said, and what to do", "source", "broken by")
    broken = frozenset[str]().union(*(one.broken for one in examples))
    book = rule_book(form)
    yield _table(heads, list(_rules(form, book, examples, broken)))
    if idle := [f"`{rule}`" for rule in book.assertions if rule not in broken]:
        yield f"{_IDLE} {', '.join(idle)}."
    yield "### Code lists"
    yield _table(("codes of", "source", "edition"), list(_lists(form, codes)))
    for title, wanted in (("### Valid examples", True), ("### Invalid examples", False)):
        yield title
        yield _table(("example", "findings"), [_told(one) for one in examples if one.is_valid is wanted])


def _about(form: Form) -> Iterator[tuple[str, str]]:
    values = form.values
    yield "id", f"`{form.id}`, namespace `{form.namespace}`"
    yield "agreement", form.agreement
    yield "issued", _window(form)
    yield "Parties", ", ".join(sorted(form.parties)) or "any country"
    yield "items", f"at most {values['max-items']}"
    yield "boxes to tick", ", ".join(f"`{tick}`" for tick in values["ticks"].split()) or "none"
    for place, line in enumerate(("criteria-1", "criteria-2", "criteria-3"), start=1):
        admitted = ", ".join(values[line].split())
        yield f"criterion {place}", admitted or ("none" if values["criteria-1"] else "any, or none")
    countries = ", ".join(values["fob-countries"].split())
    fob = {"always": "always", "rvc": "with a criterion of value content", "never": "never"}[values["fob"]]
    yield "FOB value", f"{fob}, in trade with {countries}" if countries else fob
    digits = (values["hs-digits-at-least"], values["hs-digits-at-most"])
    yield "HS code", f"{digits[0]} digits" if digits[0] == digits[1] else f"{digits[0]} to {digits[1]} digits"
    for window in form.editions:
        end = f" to {window.valid_to}" if window.valid_to else ""
        yield "HS edition", f"{window.edition}, for certificates issued from {window.valid_from}{end}"


def _window(form: Form) -> str:
    return f"{form.valid_from} to {form.valid_to}" if form.valid_to else f"from {form.valid_from}"


def _boxes(form: Form) -> Iterator[tuple[str, ...]]:
    must: Mapping[bool | None, str] = {True: "yes", False: "", None: "one of these"}
    for one in declared(form):
        if one.path != form.root:
            path = one.path.partition("/")[2]
            repeats = "yes" if one.repeats else ""
            box = form.box_of(one.path) or ""
            yield box, f"`{path}`", must[one.needed], repeats, one.expected


def _rules(
    form: Form, book: RuleBook, examples: Sequence[Example], broken: frozenset[str]
) -> Iterator[tuple[str, ...]]:
    words = form.words_in(ENGLISH)
    nothing = words.phrase("nothing")
    places = _Places({name: value or nothing for name, value in book.values.items()})
    for rule in (one for one in book.assertions.values() if one.id in broken):
        text, action = words.rules[rule.id].filled(places)
        broken_by = " ".join(one.link for one in examples if rule.id in one.broken)
        yield rule.id, f"{rule.code} {rule.severity}", f"{text} {action}", rule.source, broken_by


class _Places(dict[str, str]):
    """The form's own values; what only a certificate can say stands there as its name."""

    def __missing__(self, name: str) -> str:
        return f"*{name}*"


def _lists(form: Form, codes: CodeLists) -> Iterator[tuple[str, ...]]:
    lists = (codes.countries, codes.currencies, codes.units, codes.packages, codes.modes)
    for known in lists:
        yield known.title, known.source, known.edition
    for window in form.editions:
        yield "goods", "Harmonized System, six digits", window.edition


def _examples(form: Form, folder: Folder, target: Path) -> Iterator[Example]:
    rules, schema = Rules(rule_book(form)), compiled_schema(form)
    for relative, path in folder.glob(f"{form.folder}/examples/*/*.xml"):
        said = folder.find(relative.removesuffix(".xml") + ".findings")
        document = read_xml(path.read_bytes())
        flaws = rules.flaws(document, form.examples_on) if schema.validate(document) else []
        yield Example(
            link=f"[{path.stem}]({os.path.relpath(path, target)})",
            is_valid=path.parent.name == "valid",
            findings=tuple(map(str, expected_of(said.read_text("utf-8")))) if said is not None else (),
            broken=frozenset(flaw.rule for flaw in flaws),
        )


def _told(example: Example) -> tuple[str, str]:
    return example.link, "<br>".join(f"`{finding}`" for finding in example.findings) or "none"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(_cell(text) for text in line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
