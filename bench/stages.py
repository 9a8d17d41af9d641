"""
Where the CPU time of a certificate goes, stage by stage.

What is pure is timed in this process, one certificate after the other, warm, by the clock of its thread. What
is left of a gateway's time goes to HTTP and TLS, the database's driver and the event loop; PostgreSQL's own
stands apart.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from bench.certificates import EXPORTING, FORM_ID, IMPORTING, Certificates, Submission, make_room
from bench.figures import Cpu, Json
from bench.gateways import RECEIVER, SENDER
from gateway.acknowledge.reading import read_answer
from gateway.acknowledge.signals import receipt
from gateway.demo.country import Neighbours, free_addresses, write_registry
from gateway.domain.answer import Answer
from gateway.domain.clock import real_clock
from gateway.domain.corridor import Party
from gateway.domain.ids import FormId, PartyId, new_conversation_id, new_message_id, version_of
from gateway.domain.message import Arrived, Header, Sealed
from gateway.domain.status import MessageType
from gateway.domain.xml import read_xml
from gateway.intake.content import XML, content_digest
from gateway.registry.folder import over_shipped
from gateway.registry.load import Registry, load_registry
from gateway.store.records import Claim
from gateway.trust.check import check_message, check_seal
from gateway.trust.keys import load_keys
from gateway.trust.make import Kind
from gateway.trust.sealer import SealedSignal, Sealer
from gateway.validate.facts import facts_of
from gateway.validate.judge import Judge

TIMES = 150
WARM_UP = 30
REST = "http, tls, driver, loop"

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Stages:
    """CPU time of each pure stage, milliseconds a certificate, in the order of its way."""

    sender: Mapping[str, float]
    receiver: Mapping[str, float]

    def table(self, cpu: Cpu) -> Json:
        """Where *cpu* goes."""
        return {
            "sender": _with_rest(self.sender, cpu.sender),
            "receiver": _with_rest(self.receiver, cpu.receiver),
            "postgresql": round(cpu.postgresql, 3),
        }


def _with_rest(stages: Mapping[str, float], whole: float) -> Json:
    told = {name: round(ms, 3) for name, ms in stages.items()}
    return told | {REST: round(whole - sum(stages.values()), 3)}


@dataclass(slots=True)
class _Clock:
    """Times what is done under a name; the first rounds do not count."""

    took: dict[str, list[float]] = field(default_factory=dict)

    def __call__(self, name: str, work: Callable[..., Result], *arguments: Any, **more: Any) -> Result:
        began = time.thread_time_ns()
        result = work(*arguments, **more)
        self.took.setdefault(name, []).append((time.thread_time_ns() - began) / 1e6)
        return result

    def medians(self) -> dict[str, float]:
        """Of every name, without the warm-up."""
        return {name: median(took[WARM_UP:]) for name, took in self.took.items()}


@dataclass(frozen=True, slots=True)
class _End:
    """One party with what it needs to judge and seal."""

    home: Party
    registry: Registry
    judge: Judge
    sealer: Sealer

    @classmethod
    def of(cls, folder: Path, home: str) -> _End:
        registry = load_registry(over_shipped(folder / "registry"))
        party = registry.parties[PartyId(home)]
        keys = load_keys(folder / "keys" / home, party, real_clock())
        return cls(party, registry, Judge(registry.forms, registry.codes), Sealer(keys, real_clock))


def stages(items: int, signing: Kind, times: int = TIMES) -> Stages:
    """Carry *times* certificates of *items* through every pure stage in this thread, after a warm-up."""
    with tempfile.TemporaryDirectory(prefix="eco-gateway-stages-") as name:
        folder = Path(name)
        neighbours = Neighbours(
            countries={SENDER: EXPORTING, RECEIVER: IMPORTING},
            forms={FORM_ID: {EXPORTING, IMPORTING}},
            signing=signing,
        )
        write_registry(folder / "registry", folder / "keys", neighbours, free_addresses(neighbours.countries))
        make_room(folder / "registry")
        ours, theirs = _End.of(folder, SENDER), _End.of(folder, RECEIVER)
    sender, receiver = _Clock(), _Clock()
    for submission in Certificates(items, datetime.now(UTC).date()).take(WARM_UP + times):
        sealed = _send(sender, ours, submission)
        answer = _receive(receiver, theirs, sealed)
        _believe(sender, ours, theirs.home, sealed, answer)
    return Stages(sender.medians(), receiver.medians())


def _send(clock: _Clock, end: _End, submission: Submission) -> Sealed:
    form = end.registry.forms[FormId(FORM_ID)]
    clock("digest", content_digest, submission.content, XML)
    document = clock("read", read_xml, submission.content)
    clock("judge", end.judge.judge, document, form, real_clock().date())
    facts = clock("facts", facts_of, document, form)
    header = Header(
        sender=end.home.id,
        receiver=PartyId(RECEIVER),
        standard=form.namespace,
        type_version=version_of(form.id),
        message_id=new_message_id(end.home.id),
        type=MessageType.CERTIFICATE,
        created_at=real_clock(),
        conversation_id=new_conversation_id(end.home.id),
        form=form.id,
        certificate_number=facts.number,
    )
    return clock("wrap and seal", end.sealer.message, header, document)


def _receive(clock: _Clock, end: _End, sealed: Sealed) -> SealedSignal:
    arrived = Arrived(client=PartyId(SENDER), body=sealed.body, digest=sealed.digest, at=real_clock())
    checked = clock(
        "check seal",
        check_message,
        arrived,
        parties=end.registry.parties,
        home=end.home.id,
        skew=timedelta(minutes=5),
        replay_window=timedelta(days=1),
    )
    form = end.registry.forms[checked.header.form]
    clock("judge", end.judge.judge, checked.document, form, real_clock().date())
    clock("facts", facts_of, checked.document, form)
    root = receipt(checked.header, arrived.digest, home=end.home.id, at=real_clock())
    return clock("seal receipt", end.sealer.signal, root)


def _believe(clock: _Clock, end: _End, party: Party, sealed: Sealed, signal: SealedSignal) -> None:
    now = real_clock()
    header = sealed.header
    claim = Claim(
        message_no=1,
        message_id=header.message_id,
        conversation_id=header.conversation_id,
        type=header.type,
        party=party.id,
        body=sealed.body,
        digest=sealed.digest,
        created_at=header.created_at,
        attempts=0,
        waits_used=0,
        fence=1,
    )
    clock(
        "check receipt",
        read_answer,
        claim,
        Answer(status=200, headers={}, body=signal.body),
        party=party,
        home=end.home.id,
        open_seal=lambda raw: check_seal(raw, registered=party.sign, anchor=party.anchor, at=now),
        at=now,
    )
