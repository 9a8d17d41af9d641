"""Answers in EDIFACT: where they go, and that no letter keeps one back."""

from __future__ import annotations

from lxml import etree

from gateway.translate.edifact.characters import CharacterSet
from gateway.translate.edifact.envelope import UNKNOWN
from gateway.translate.edifact.values import collapsed


def domain_of(message_id: str) -> str:
    """The party that coined a message id, as far as it shows."""
    return message_id.rpartition("@")[2].upper() or UNKNOWN


def fit(root: etree._Element, repertoire: CharacterSet) -> None:
    """Write as escapes what *repertoire* does not hold: no answer is left out for its letters."""
    for element in root.iter("*"):
        if element.text:
            element.text = repertoire.fitting(collapsed(element.text))
        for name, value in element.items():
            element.set(name, repertoire.fitting(collapsed(value)))
