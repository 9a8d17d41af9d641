"""How units of measure convert: the factors of UNECE Recommendation 20, as the list writes them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from types import MappingProxyType

from gateway.domain.errors import Misconfigured, RegistryFault
from gateway.registry.folder import Folder

FILE = "mappings/codes/unit-conversions.csv"


def load_conversions(folder: Folder) -> Mapping[str, str]:
    """
    The factor of each unit by its common code, such as ``10⁻³ kg``; the readers of quantities parse it.

    Raises:
        Misconfigured: no such file, or a line without two columns.
    """
    path = folder.find(FILE)
    if path is None:
        raise Misconfigured((RegistryFault(FILE, "-", "no such file"),))
    lines = [line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    rows = list(csv.reader(lines))[1:]
    if wrong := [row for row in rows if len(row) != 2]:
        raise Misconfigured((RegistryFault(FILE, wrong[0][0], "must be code,factor"),))
    return MappingProxyType(dict(rows))
