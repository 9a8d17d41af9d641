"""``eco-gateway validate``: every finding about every file, offline."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.desk import Desk
from gateway.cli.failures import Status, WrongUse
from gateway.cli.files import read_file
from gateway.cli.findings import finding_line, verdict_object
from gateway.cli.moments import judged_on
from gateway.cli.node import AsJson
from gateway.cli.screen import print_json, remark, say, style_of
from gateway.domain.form import Form, latest
from gateway.domain.ids import FormId, name_of
from gateway.domain.words import ENGLISH, Language
from gateway.registry.folder import over_shipped
from gateway.registry.words import load_words
from gateway.settings import read_settings

OwnRegistry = Annotated[
    Path | None, typer.Option("--registry", metavar="DIR", help="Laid over the shipped registry.")
]


def validate(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Business documents, whole messages, files of EDIFACT."),
    ],
    form: Annotated[
        str | None, typer.Option("--form", metavar="FORM", help="The form they must be; else what each says.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="DATE", help="Judge by this day; else by today.")
    ] = None,
    lang: Annotated[
        str, typer.Option("--lang", metavar="LANG", help="What findings are told in: en, th, vi.")
    ] = ENGLISH,
    registry: OwnRegistry = None,
    as_json: AsJson = False,
) -> int:
    """Judge certificates and messages. Exit status 1 if any has an error."""
    folder = over_shipped(read_settings({"registry": registry}).registry)
    on = judged_on(at)
    for file in files:
        if not file.is_file():
            raise WrongUse(f"{file}: no such file")
    if lang not in (known := load_words(folder)):
        raise WrongUse(f"--lang: '{lang}' is not known; known are {', '.join(sorted(known))}")
    desk = Desk(folder, Language(lang))
    wanted = None if form is None else find_form(form, desk.forms)
    verdicts = []
    for file in files:
        judgements = desk.judge_file(read_file(file), on, wanted)
        for index, judgement in enumerate(judgements):
            name = str(file) if len(judgements) == 1 else f"{file}[{index}]"
            verdicts.append(verdict_object(name, judgement.form, judgement.findings))
            if not as_json:
                _tell(verdicts[-1])
    if as_json:
        print_json(verdicts)
    bad = sum(not verdict["valid"] for verdict in verdicts)
    remark(f"{len(verdicts)} judged by {on:%Y-%m-%d}: {len(verdicts) - bad} valid, {bad} not")
    return Status.REFUSED if bad else Status.DONE


def find_form(name: str, forms: Mapping[FormId, Form]) -> Form:
    """
    The form that *name* means: with its version, or the youngest version without, or the middle part alone.

    Raises:
        WrongUse: no form, or several, are called so.
    """
    if (found := forms.get(FormId(name)) or latest(forms.values(), FormId(name))) is not None:
        return found
    families = {form.family for form in forms.values() if name_of(form.id) == name}
    if len(families) == 1 and (found := latest(forms.values(), families.pop())) is not None:
        return found
    raise WrongUse(f"--form: '{name}' is not known; known are {', '.join(sorted(forms))}")


def _tell(verdict: Mapping[str, Any]) -> None:
    if verdict["valid"]:
        say(f"{verdict['file']}: valid ({verdict['form'] or 'exchange'})", style="green")
    for finding in verdict["findings"]:
        say(finding_line(verdict["file"], finding), style=style_of(finding["severity"]))
