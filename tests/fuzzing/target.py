"""
What a byte string from abroad meets: parsed, its seal checked, judged. Anything but a refusal is a find.

The first byte chooses one of the ways in; the rest is the document.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from lxml import etree

from gateway.domain.errors import Refused
from gateway.domain.form import Form
from gateway.domain.ids import PartyId
from gateway.domain.message import Arrived
from gateway.domain.seals import ANY_PROFILE
from gateway.domain.xml import read_xml
from gateway.registry.folder import Folder
from gateway.registry.load import load_registry
from gateway.trust.check import check_opened, check_seal, open_message
from gateway.trust.seal import seal
from gateway.validate.judge import Judge
from gateway.validate.records import record_of
from tests.conformance.sealed import VN
from tests.messages import NOW, TH, a_message
from tests.unit.trust.test_check import REPLAY_WINDOW, SKEW

MOST_CPU_S = 1.0
MOST_BYTES = 65_536
DAY = date(2026, 11, 21)

_REGISTRY = load_registry(Folder())
_FORMS = {form.namespace: form for form in _REGISTRY.forms.values()}
_JUDGE = Judge(_REGISTRY.forms, _REGISTRY.codes)
_PARTIES = {PartyId("VN.MOIT"): VN.party()}


class TooSlow(Exception):
    """One document took more than a second of CPU."""


def look_at(raw: bytes) -> float:
    """
    Take *raw* the way that its first byte says; seconds of CPU that it took.

    Raises:
        TooSlow, or whatever a crash raises; a refusal is what should happen and raises nothing.
    """
    if not raw:
        return 0.0
    took = _took(raw)
    # Schemas and rules are compiled when they are first needed, so what was slow gets a second look.
    if took > MOST_CPU_S and (took := _took(raw)) > MOST_CPU_S:
        raise TooSlow(f"{took:.1f} s of CPU for {len(raw)} bytes")
    return took


def _took(raw: bytes) -> float:
    began = time.thread_time()
    with contextlib.suppress(Refused):
        _WAYS[raw[0] % len(_WAYS)](raw[1:])
    return time.thread_time() - began


def _arrives(raw: bytes) -> None:
    """A message at the exchange endpoint."""
    digest = hashlib.sha256(raw).digest()
    arrived = Arrived(client=PartyId("VN.MOIT"), body=raw, digest=digest, at=NOW)
    opened = open_message(arrived, parties=_PARTIES, home=TH, limit=MOST_BYTES)
    check_opened(opened, skew=SKEW, replay_window=REPLAY_WINDOW, limit=MOST_BYTES)


def _is_sealed(raw: bytes) -> None:
    """Anything sealed, in whichever profile."""
    check_seal(
        raw,
        registered=[VN.registered_sign],
        anchor=VN.anchor.certificate,
        at=NOW,
        profiles=ANY_PROFILE,
        limit=MOST_BYTES,
    )


def _is_sealed_by_us(raw: bytes) -> None:
    """Whatever can be sealed reads as it was sealed; this leads behind the check of the value."""
    profile = ANY_PROFILE[raw[0] % len(ANY_PROFILE)] if raw else ANY_PROFILE[0]
    root = read_xml(raw[1:], limit=MOST_BYTES)
    sealed = seal(root, VN.own, profile, at=NOW, limit=MOST_BYTES)
    content = check_seal(
        sealed,
        registered=[VN.registered_sign],
        anchor=VN.anchor.certificate,
        at=NOW,
        profiles=(profile,),
        limit=len(sealed),
    )
    assert etree.tostring(content.root, method="c14n", exclusive=True, with_comments=False) == _without_pis(
        content.octets
    )


def _without_pis(octets: bytes) -> bytes:
    parser = etree.XMLParser(resolve_entities=False, remove_pis=True)
    return etree.tostring(etree.fromstring(octets, parser), method="c14n", exclusive=True)


def _is_judged(raw: bytes) -> None:
    """A business document by its form's schema and rules; read as a record, too, as bad ones are shown."""
    root = read_xml(raw, limit=MOST_BYTES)
    form = _FORMS.get(etree.QName(root).namespace or "")
    if form is not None:
        _JUDGE.judge(root, form, DAY)
        record_of(root, form)


_WAYS: tuple[Callable[[bytes], None], ...] = (_arrives, _is_sealed, _is_sealed_by_us, _is_judged)


def _examples(form: Form) -> list[Path]:
    found = _REGISTRY.folder.glob(f"schemas/{form.id}/examples/*/*.xml")
    return [path for _, path in found]


def seeds() -> Iterator[bytes]:
    """Where fuzzing begins: good documents for each way; made anew, for keys are made anew."""
    for number, profile in enumerate(ANY_PROFILE):
        sealed = seal(a_message(), VN.own, profile, at=NOW)
        yield bytes([0]) + sealed
        yield bytes([1]) + sealed
        yield bytes([2, number]) + etree.tostring(a_message())
    for form in _REGISTRY.forms.values():
        for path in _examples(form)[::6]:
            yield bytes([3]) + path.read_bytes()
