"""Check the forms of a registry as a whole: all compiles, all names exist, all examples hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from gateway.domain.errors import Finding, Misconfigured, Refused, RegistryFault, Severity
from gateway.domain.form import Form
from gateway.domain.ids import FormId
from gateway.domain.xml import read_xml
from gateway.registry.codes import CodeLists
from gateway.registry.folder import Folder
from gateway.validate.judge import Judge, form_of
from gateway.validate.sources import element_paths


@dataclass(frozen=True, slots=True, order=True)
class Expected:
    """One line of a ``.findings`` file: ``C04 error /CertificateOfOrigin/Items/Item[2]/FobValue``."""

    code: str
    severity: str
    path: str

    def __str__(self) -> str:
        return f"{self.code} {self.severity} {self.path}"


def check_forms(forms: Mapping[FormId, Form], codes: CodeLists, folder: Folder) -> tuple[RegistryFault, ...]:
    """
    Every fault of *forms* that reading them did not already tell.

    The XSD and the rules of each form compile without network; what form.toml names (countries, boxes, marks,
    editions) exists; each valid example has no error, each invalid one exactly its findings, on the day that
    form.toml names; the reference finds the certificate number of each valid example.
    """
    faults: list[RegistryFault] = []
    for form in forms.values():
        try:
            judge = Judge({form.id: form}, codes)
        except Misconfigured as error:
            faults += error.faults
            continue
        faults += _names(form, codes)
        faults += _examples(form, judge, folder)
    return tuple(faults)


def expected_of(text: str) -> list[Expected]:
    """
    What a ``.findings`` file says, line by line; empty lines and what follows ``#`` do not count.

    Raises:
        ValueError: a line is not of the form ``code severity path``.
    """
    lines = (line.partition("#")[0].split() for line in text.splitlines())
    return sorted(Expected(code, severity, path) for code, severity, path in filter(None, lines))


def found_in(findings: tuple[Finding, ...]) -> list[Expected]:
    """*findings* as a ``.findings`` file would list them."""
    return sorted(Expected(found.code, found.severity.value, found.path or "/") for found in findings)


def _names(form: Form, codes: CodeLists) -> Iterator[RegistryFault]:
    file = f"{form.folder}/form.toml"
    for country in sorted(form.parties - set(codes.countries.names)):
        yield RegistryFault(file, "parties", f"{country} is no country of ISO 3166-1")
    for country in form.values["fob-countries"].split():
        if country not in form.parties:
            yield RegistryFault(file, "fob.countries", f"{country} is not among the parties")
    for window in form.editions:
        if window.edition not in codes.hs:
            yield RegistryFault(file, "hs.editions", f"no code list hs-{window.edition}.csv")
    paths = element_paths(form)
    for path in form.boxes:
        if path != form.root and f"{form.root}/{path}" not in paths:
            yield RegistryFault(file, f"boxes.{path}", "no such element in the XSD")
    for path in sorted(paths):
        if form.box_of(path) is None:
            yield RegistryFault(file, "boxes", f"no box for {path}")


def _examples(form: Form, judge: Judge, folder: Folder) -> Iterator[RegistryFault]:
    for relative, path in folder.glob(f"{form.folder}/examples/*/*.xml"):
        try:
            yield from _example(form, judge, folder, relative, path)
        except Refused as refused:
            yield RegistryFault(relative, "-", str(refused))


def _example(form: Form, judge: Judge, folder: Folder, relative: str, path: Path) -> Iterator[RegistryFault]:
    document = read_xml(path.read_bytes())
    form_of(document, {form.id: form})
    findings = judge.judge(document, form, form.examples_on)
    said = folder.find(relative.removesuffix(".xml") + ".findings")
    valid = relative.split("/")[-2] == "valid"
    if said is None and not valid:
        yield RegistryFault(relative, "-", "an invalid example needs a .findings file beside it")
        return
    try:
        expected = expected_of(said.read_text("utf-8")) if said is not None else []
    except ValueError:
        yield RegistryFault(relative, ".findings", "a line is not: code severity path")
        return
    found = found_in(findings)
    for one in sorted(set(expected) - set(found)):
        yield RegistryFault(relative, ".findings", f"not found: {one}")
    for one in sorted(set(found) - set(expected)):
        yield RegistryFault(relative, ".findings", f"found as well: {one}")
    if valid:
        yield from _valid(form, relative, document, findings)


def _valid(
    form: Form, relative: str, document: etree._Element, findings: tuple[Finding, ...]
) -> Iterator[RegistryFault]:
    if any(finding.severity is Severity.ERROR for finding in findings):
        yield RegistryFault(relative, "-", "a valid example must not have an error")
    hits = document.xpath(form.reference, namespaces={"f": form.namespace})
    if not isinstance(hits, list) or len(hits) != 1:
        yield RegistryFault(
            f"{form.folder}/form.toml", "reference", f"does not hit one element in {relative}"
        )
