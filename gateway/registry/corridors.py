"""Corridors as files: ``mappings/corridors/*.toml``; each joins two parties for one form."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pydantic import field_validator

from gateway.domain.corridor import Corridor, Party
from gateway.domain.errors import Misconfigured, RegistryFault, Unreadable
from gateway.domain.form import Form
from gateway.domain.ids import FormId, PartyId, form_id
from gateway.registry.folder import Folder
from gateway.registry.read import Strict, read_toml

CorridorKey = tuple[PartyId, PartyId, FormId]


class CorridorFile(Strict):
    """The shape of a corridor's file."""

    sender: str
    receiver: str
    accepts: str
    delivers: str

    @field_validator("accepts", "delivers")
    @classmethod
    def _is_a_form(cls, value: str) -> str:
        try:
            return form_id(value)
        except Unreadable as error:
            raise ValueError(str(error)) from None


def load_corridors(
    folder: Folder, parties: Mapping[PartyId, Party], forms: Mapping[FormId, Form]
) -> Mapping[CorridorKey, Corridor]:
    """
    Read every corridor's file and join it to the parties and forms it names.

    Raises:
        Misconfigured: with every fault of every file.
    """
    corridors: dict[CorridorKey, Corridor] = {}
    file_of: dict[tuple[PartyId, FormId, str], str] = {}
    faults: list[RegistryFault] = []
    for relative, path in folder.glob("mappings/corridors/*.toml"):
        try:
            file = read_toml(path, relative, CorridorFile)
        except Misconfigured as error:
            faults += error.faults
            continue
        if found := _unknown_names(relative, file, folder, parties, forms):
            faults += found
            continue
        corridor = Corridor(
            sender=parties[PartyId(file.sender)],
            receiver=parties[PartyId(file.receiver)],
            accepts=FormId(file.accepts),
            delivers=FormId(file.delivers),
        )
        # Who submits names a country, not a party: two receivers there would leave the choice to chance.
        key = (corridor.sender.id, corridor.accepts, corridor.receiver.country)
        if key in file_of:
            faults.append(
                RegistryFault(
                    relative,
                    "receiver",
                    f"{file_of[key]} already takes {corridor.accepts} from {corridor.sender.id}"
                    f" to {corridor.receiver.country}",
                )
            )
        file_of[key] = relative
        corridors[corridor.sender.id, corridor.receiver.id, corridor.accepts] = corridor
    if faults:
        raise Misconfigured(tuple(faults))
    return MappingProxyType(corridors)


def _unknown_names(
    relative: str,
    file: CorridorFile,
    folder: Folder,
    parties: Mapping[PartyId, Party],
    forms: Mapping[FormId, Form],
) -> list[RegistryFault]:
    faults = [
        RegistryFault(relative, key, f"no party {name} under mappings/parties/")
        for key, name in (("sender", file.sender), ("receiver", file.receiver))
        if PartyId(name) not in parties
    ]
    if file.sender == file.receiver:
        faults.append(RegistryFault(relative, "receiver", "sender and receiver are the same party"))
    faults += [
        RegistryFault(relative, key, f"no form {name} under schemas/")
        for key, name in (("accepts", file.accepts), ("delivers", file.delivers))
        if FormId(name) not in forms
    ]
    mapping = mapping_file(FormId(file.accepts), FormId(file.delivers))
    if file.accepts != file.delivers and folder.find(mapping) is None:
        faults.append(RegistryFault(relative, "delivers", f"no mapping {mapping}"))
    return faults


def mapping_file(accepts: FormId, delivers: FormId) -> str:
    """Where the XSLT that turns *accepts* into *delivers* stands in the registry."""
    return f"mappings/xslt/{accepts.replace('/', '-')}--{delivers.replace('/', '-')}.xsl"
