"""Corridors as files: ``mappings/corridors/*.toml``; each joins two parties for one form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated

from pydantic import Field, field_validator

from gateway.domain.corridor import Corridor, Party
from gateway.domain.dialect import DialectName
from gateway.domain.errors import Misconfigured, RegistryFault, Unreadable
from gateway.domain.form import Form
from gateway.domain.ids import FormId, PartyId, form_id
from gateway.domain.specimen import Asked
from gateway.domain.status import MessageType
from gateway.registry.codes import CODES
from gateway.registry.folder import Folder
from gateway.registry.parties import names_of_forms, names_of_parties
from gateway.registry.read import Strict, nearest, read_toml
from gateway.registry.windows import EditionFile, edition_faults, edition_windows

CORRIDORS = "mappings/corridors"

CorridorKey = tuple[PartyId, PartyId, FormId]


class CorridorHsFile(Strict):
    """Which editions of the Harmonized System are taken in a corridor."""

    editions: list[EditionFile] = Field(min_length=1)


class CorridorFile(Strict):
    """
    The shape of a corridor's file.

    ``max_items`` is the most items that a certificate may have here, ``hs`` when which edition is taken; left
    out, what the form says stands.
    ``certificates_in`` and ``answers_in`` name dialects; left out, documents travel in canonical form.
    ``specimens`` says what is done with a certificate whose signatory was not on the specimen list on the day
    of issue: ``warn`` or ``refuse``; left out, lists are not asked.
    ``keep_documents_days`` is how long exact bytes are kept after the last message about a certificate; left
    out, for good. Agreements ask for three years from issuance at least (ATIGA Annex 8, keeping of records).
    """

    sender: str
    receiver: str
    accepts: str
    delivers: str
    max_items: int | None = Field(default=None, gt=0)
    hs: CorridorHsFile | None = None
    certificates_in: Annotated[DialectName | None, Field(strict=False)] = None
    answers_in: Annotated[DialectName | None, Field(strict=False)] = None
    specimens: Annotated[Asked | None, Field(strict=False)] = None
    keep_documents_days: int | None = Field(default=None, gt=0)

    @field_validator("accepts", "delivers")
    @classmethod
    def _is_a_form(cls, value: str) -> str:
        try:
            return form_id(value)
        except Unreadable as error:
            raise ValueError(f"{error}; a form is written like atiga/form-d/1.0") from None


def load_corridors(
    folder: Folder, parties: Mapping[PartyId, Party] | None, forms: Mapping[FormId, Form] | None
) -> Mapping[CorridorKey, Corridor]:
    """
    Read every corridor's file and join it to the parties and forms it names.

    Args:
        parties: None where their files have faults. Then, as where *forms* are None, corridors are judged as
            far as that is possible, so that no fault hides another, and none is made.

    Raises:
        Misconfigured: with every fault of every file.
    """
    names = _Names(folder)
    corridors: dict[CorridorKey, Corridor] = {}
    file_of: dict[tuple[PartyId, FormId, str], str] = {}
    faults: list[RegistryFault] = []
    for relative, path in folder.glob(f"{CORRIDORS}/*.toml"):
        try:
            file = read_toml(path, relative, CorridorFile)
        except Misconfigured as error:
            faults += error.faults
            continue
        found = names.faults(relative, file)
        faults += found
        if found or parties is None or forms is None:
            continue
        corridor = _joined(file, parties)
        faults += _beyond(relative, corridor, forms)
        # Who submits names a country, not a party: two receivers there would leave the choice to chance.
        key = (corridor.sender.id, corridor.accepts, corridor.receiver.country)
        if key in file_of:
            text = (
                f"already takes {corridor.accepts} from {corridor.sender.id} to {corridor.receiver.country}"
            )
            faults.append(RegistryFault(relative, "receiver", f"{file_of[key]} {text}"))
        file_of[key] = relative
        corridors[corridor.sender.id, corridor.receiver.id, corridor.accepts] = corridor
    if faults:
        raise Misconfigured(tuple(faults))
    return MappingProxyType(corridors)


class _Names:
    """Which parties, forms and mappings there are files for."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._parties = names_of_parties(folder)
        self._forms = names_of_forms(folder)

    def faults(self, relative: str, file: CorridorFile) -> list[RegistryFault]:
        """What *file* names and is not there."""
        faults = [
            RegistryFault(
                relative, key, f"no party {name} under mappings/parties/{nearest(name, self._parties)}"
            )
            for key, name in (("sender", file.sender), ("receiver", file.receiver))
            if name not in self._parties
        ]
        if file.sender == file.receiver:
            faults.append(RegistryFault(relative, "receiver", "sender and receiver are the same party"))
        unknown = [
            RegistryFault(relative, key, f"no form {name} under schemas/{nearest(name, self._forms)}")
            for key, name in (("accepts", file.accepts), ("delivers", file.delivers))
            if name not in self._forms
        ]
        mapping = mapping_file(FormId(file.accepts), FormId(file.delivers))
        if not unknown and file.accepts != file.delivers and self._folder.find(mapping) is None:
            faults.append(RegistryFault(relative, "delivers", f"no mapping {mapping}"))
        return [*faults, *unknown, *self._of_editions(relative, file)]

    def _of_editions(self, relative: str, file: CorridorFile) -> Iterator[RegistryFault]:
        editions = [] if file.hs is None else file.hs.editions
        for fault in edition_faults(editions):
            yield RegistryFault(relative, "hs.editions", fault)
        for one in editions:
            if self._folder.find(f"{CODES}/hs-{one.edition}.csv") is None:
                yield RegistryFault(relative, "hs.editions", f"no code list hs-{one.edition}.csv")


def _joined(file: CorridorFile, parties: Mapping[PartyId, Party]) -> Corridor:
    return Corridor(
        sender=parties[PartyId(file.sender)],
        receiver=parties[PartyId(file.receiver)],
        accepts=FormId(file.accepts),
        delivers=FormId(file.delivers),
        max_items=file.max_items,
        editions=edition_windows(file.hs.editions) if file.hs is not None else (),
        certificates_in=file.certificates_in,
        answers_in=file.answers_in,
        specimens=file.specimens,
        keep_documents=None if file.keep_documents_days is None else timedelta(days=file.keep_documents_days),
    )


def _beyond(relative: str, corridor: Corridor, forms: Mapping[FormId, Form]) -> list[RegistryFault]:
    """Where the corridor goes beyond what its receiver or its form can do."""
    faults = []
    receiver, delivers = corridor.receiver, corridor.delivers
    if not receiver.implements(delivers):
        can = ", ".join(sorted(receiver.forms or ())) or "none"
        text = f"{receiver.id} implements no {delivers}, only: {can} ([capabilities] forms in its file)"
        faults.append(RegistryFault(relative, "delivers", text))
    if MessageType.CERTIFICATE not in receiver.messages:
        text = f"{receiver.id} takes no certificates ([capabilities] messages in its file)"
        faults.append(RegistryFault(relative, "receiver", text))
    most = int(forms[corridor.accepts].values["max-items"])
    if corridor.max_items is not None and corridor.max_items > most:
        text = f"{corridor.max_items} is more than the {most} that {corridor.accepts} takes"
        faults.append(RegistryFault(relative, "max_items", text))
    return faults


def mapping_file(accepts: FormId, delivers: FormId) -> str:
    """Where the XSLT that turns *accepts* into *delivers* stands in the registry."""
    return f"mappings/xslt/{accepts.replace('/', '-')}--{delivers.replace('/', '-')}.xsl"
