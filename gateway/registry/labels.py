"""What holders of a certificate read: ``mappings/labels/<language>.toml``, one file a language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from pydantic import Field

from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.domain.words import ENGLISH, Language
from gateway.registry.folder import Folder
from gateway.registry.read import Strict, read_toml

LABELS = "mappings/labels"
Labels: TypeAlias = Mapping[str, str]

_FILE = re.compile(rf"{LABELS}/(?P<language>[a-z]{{2,3}})\.toml")


class LabelsFile(Strict):
    """The shape of a file of labels: the words of the public check."""

    check: dict[str, str] = Field(min_length=1)


def load_labels(folder: Folder) -> Mapping[Language, Labels]:
    """
    Read every language, English first; what one does not say is said in English.

    Raises:
        Misconfigured: with every fault of every file: no English, another name for a file, words that English
            does not have.
    """
    faults: list[RegistryFault] = []
    files: dict[Language, tuple[str, Labels]] = {}
    for relative, path in folder.glob(f"{LABELS}/*.toml"):
        if (named := _FILE.fullmatch(relative)) is None:
            faults.append(RegistryFault(relative, "-", "is named by its language, such as vi.toml"))
            continue
        try:
            files[Language(named["language"])] = relative, read_toml(path, relative, LabelsFile).check
        except Misconfigured as error:
            faults += error.faults
    if ENGLISH not in files:
        raise Misconfigured((*faults, RegistryFault(f"{LABELS}/en.toml", "-", "no such file")))
    _, english = files.pop(ENGLISH)
    for relative, labels in files.values():
        strange = sorted(labels.keys() - english.keys())
        faults += [RegistryFault(relative, f"check.{key}", "is not in en.toml") for key in strange]
    if faults:
        raise Misconfigured(tuple(faults))
    others = {language: MappingProxyType({**english, **labels}) for language, (_, labels) in files.items()}
    return MappingProxyType({ENGLISH: MappingProxyType(english), **others})
