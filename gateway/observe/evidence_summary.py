"""What the evidence says, told to people who have nothing but a text viewer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from gateway.domain.clock import rfc3339
from gateway.domain.status import Direction
from gateway.store.event_log import Inclusion, TreeHead
from gateway.store.records import Story

_CHECKING = """\
HOW TO CHECK IT

eco-gateway evidence verify THIS-FILE.zip --trust ANCHOR.pem (several may be given) needs no network and no
database. It judges every seal by the certificates of its own time. Without --trust it shows that nothing was
changed since the bundle was made, but not by whom it was made: compare the fingerprints it prints.

manifest.xml      every other file with its SHA-256, sealed by the gateway that made the bundle
messages/         the exact bytes sent and received, what was handed in, and the receipts
log/              the events, each with the proof that it is in the log under log/head.xml (RFC 6962)
certificates/     anchors and signing certificates; certificates.json has their windows
rules.json        SHA-256 of the schemas and rules in force when the bundle was made
story.json        the same story as programs read it
"""


def summary(
    *,
    about: str,
    by: str,
    at: datetime,
    listed: Sequence[Mapping[str, Any]],
    story: Story,
    head: TreeHead | None,
    proved: Sequence[Inclusion],
) -> str:
    """The whole text, lines at most as long as what they tell."""
    blocks = [
        [f"EVIDENCE ABOUT {about}", f"made by {by} at {rfc3339(at)}", *_certificate(story)],
        ["MESSAGES", *(line for n, entry in enumerate(listed, 1) for line in _message(n, entry, story))],
        ["WHAT HAPPENED (UTC)", *(_event(each) for each in proved)],
        ["THE LOG", _log(head, proved)],
        [_CHECKING],
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def _certificate(story: Story) -> list[str]:
    known = story.certificate
    if known is None:
        return []
    return [
        f"{known.form}, {known.exporting_country} to {known.importing_country}, issued {known.issue_date}",
        f"life: {known.life}; acknowledgement: {known.acknowledgement or 'none'};"
        f" customs response: {known.customs_response or 'none'}",
        *(
            f"item {row.entry.item}: {row.entry.outcome}"
            + (f" {row.entry.quantity} {row.entry.unit}" if row.entry.quantity is not None else "")
            + f", {rfc3339(row.at)}"
            for row in story.customs
        ),
    ]


def _message(number: int, entry: Mapping[str, Any], story: Story) -> list[str]:
    out = entry["direction"] == Direction.OUT
    way = "to" if out else "from"
    lines = [
        f"{number}. {entry['type']} {way} {entry['party']}, {entry['created_at']}",
        f"   {entry['message_id']}",
        f"   SHA-256 of its bytes: {entry['digest']}",
    ]
    if "receipt" in entry["files"]:
        lines.append(f"   {'their' if out else 'our'} receipt: {entry['files']['receipt']}")
    (row,) = [each for each in story.messages if each.message_id == entry["message_id"]][:1]
    for said in story.acknowledgements.get(row.message_no, ()):
        lines.append(f"   acknowledged: {said.outcome} by the {said.by}, {rfc3339(said.at)}")
    return lines


def _event(proved: Inclusion) -> str:
    entry = json.loads(proved.entry)
    who = f"  {entry['who']}" if entry["who"] else ""
    return f"{entry['at']}  {entry['what']}{who}  (leaf {proved.leaf})"


def _log(head: TreeHead | None, proved: Sequence[Inclusion]) -> str:
    if head is None:
        return "No event is in the log yet."
    return (
        f"{len(proved)} events proved under the head of {head.size} events, sealed {rfc3339(head.at)}, root"
        f" {head.root.hex()}"
    )
