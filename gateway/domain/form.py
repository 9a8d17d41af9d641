"""A form: one document type of one agreement at one version, with everything that is data about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from gateway.domain.ids import FormId
from gateway.domain.words import ENGLISH, Language, Words


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionWindow:
    """
    The days of issue on which codes of one Harmonized System edition are taken.

    Where two windows overlap, the younger edition is the rule and the older one in transition.
    """

    edition: str
    valid_from: date
    valid_to: date | None = None  # last day; None: still taken

    def covers(self, day: date) -> bool:
        """Whether *day* lies in the window, both ends included."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Form:
    """
    A form as the registry read it from its folder; nothing here touches a file again.

    Two are the same form if they were read once: what is made of a form may be kept by it.

    Attributes:
        id: with version, ``rcep/form-rcep/1.0``.
        family: without it.
        root: local name of the root element, which stands in *namespace*.
        entry: the XSD to start from, a key of *sources*.
        rules: the Schematron file, a key of *sources*; None for a form that has structure only.
        sources: every XSD and Schematron file it is made of, by path relative to the registry's layers.
        sha256: over the XSD set, as form.toml states it.
        reference: XPath of the certificate number, with the prefix ``f`` for *namespace*.
        parties: the agreement's Parties; empty where there is no agreement behind the form.
        valid_from: first day of issue for which this version may be used.
        valid_to: last such day; None while it is in force.
        values: what the rules are told, by the name of their ``sch:let``.
        boxes: element path below the root -> number of the box on the paper form.
        ticks: marks for which the form has a box to tick; others are printed among the endorsements.
        editions: Harmonized System editions, oldest first.
        examples_on: the day on which the form's examples are judged.
        words: what findings say, by language; English is always there.
    """

    id: FormId
    family: FormId
    agreement: str
    title: str
    namespace: str
    root: str
    folder: str
    entry: str
    rules: str | None
    sources: Mapping[str, bytes]
    sha256: str
    reference: str
    valid_from: date
    valid_to: date | None
    parties: frozenset[str]
    values: Mapping[str, str]
    boxes: Mapping[str, str]
    ticks: frozenset[str]
    editions: tuple[EditionWindow, ...]
    examples_on: date
    words: Mapping[Language, Words]

    @property
    def version(self) -> str:
        """The last part of the id, as it stands in a header's TypeVersion."""
        return self.id.rsplit("/", 1)[1]

    def covers(self, day: date) -> bool:
        """Whether this version may be used for a certificate issued on *day*."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def words_in(self, language: Language) -> Words:
        """What findings say in *language*; English where nobody has written it down."""
        return self.words.get(language) or self.words[ENGLISH]

    def box_of(self, path: str) -> str | None:
        """
        The box of the paper form in which the element at *path* is printed.

        Args:
            path: readable, from the root on: ``/CertificateOfOrigin/Items/Item[2]/FobValue``.
        """
        names = [name.partition("[")[0] for name in path.strip("/").split("/")]
        for end in range(len(names), 1, -1):
            if (box := self.boxes.get("/".join(names[1:end]))) is not None:
                return box
        return self.boxes.get(names[0])


def in_force(forms: Iterable[Form], family: FormId, on: date) -> Form | None:
    """
    The version of *family* to be used for a certificate issued on *on*.

    Of several versions in a transition the youngest; None if no version covers the day.
    """
    known = [form for form in forms if form.family == family and form.covers(on)]
    return max(known, key=lambda form: form.valid_from, default=None)


def latest(forms: Iterable[Form], family: FormId) -> Form | None:
    """The youngest version of *family*, in force or not; None for a form nobody knows."""
    return max(
        (form for form in forms if form.family == family), key=lambda form: form.valid_from, default=None
    )
