"""
``eco-gateway send``: hand certificates in to a running node and tell each one's fate.

What is more than one goes in batches; handed in again, each certificate gets its first answer again.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.cli.client import Answer, Node
from gateway.cli.failures import CommandFailed, Status
from gateway.cli.findings import finding_line
from gateway.cli.node import AsJson, To, on_node
from gateway.cli.parcels import Parcel, batches, count_parcels, find_files, packed, read_parcels
from gateway.cli.screen import err, print_json, remark, say

AT_ONCE = 8
BATCHES_AT_ONCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What the node answered for one parcel."""

    name: str
    answer: Answer

    @property
    def is_good(self) -> bool:
        """Taken, taken before, or judged without an error."""
        return self.answer.is_good and bool(self.answer.body.get("valid", True))

    @property
    def word(self) -> str:
        """One word for it: ``taken``, ``again``, ``valid`` or ``refused``."""
        if not self.is_good:
            return "refused"
        if "valid" in self.answer.body:
            return "valid"
        return "again" if self.answer.status == 200 else "taken"

    @property
    def lines(self) -> list[str]:
        """The line of the file, and one for each finding."""
        body = self.answer.body
        facts = [str(body[key]) for key in ("certificate_number", "receiver", "message_id") if body.get(key)]
        if not self.answer.is_good:
            count = len(self.answer.findings)
            facts = [f"{count} finding{'' if count == 1 else 's'}"] if count else [self.answer.words]
            if kept := body.get("submission_id"):
                facts.append(f"(kept as submission {kept})")
        told = [f"  {finding_line(self.name, finding)}" for finding in self.answer.findings]
        return [" ".join((f"{self.word:8}", self.name, *facts)), *told]

    @property
    def as_object(self) -> dict[str, Any]:
        """The same for programs."""
        return {"file": self.name, "status": self.answer.status, **self.answer.body}


def send(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="FILE|DIR", help="XML or EDIFACT files, box records, folders of them."),
    ],
    to: To = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Have them judged only; the node stores nothing.")
    ] = False,
    as_json: AsJson = False,
) -> int:
    """Hand certificates in to a running node. A line a file; exit status 1 if any was refused."""
    files = find_files(paths)
    total = count_parcels(files)
    told = _Told(as_json=as_json)
    trouble: CommandFailed | None
    with _progress() as progress:
        task = progress.add_task("judging" if dry_run else "sending", total=total)

        def tell(fate: Fate) -> None:
            progress.advance(task)
            told.tell(fate)

        loads = ([one] for one in read_parcels(files)) if dry_run else batches(read_parcels(files))
        trouble = on_node(to, lambda node: hand_in(node, loads, tell, dry_run=dry_run), at_once=AT_ONCE)
    told.finish(total)
    if trouble is not None:
        raise trouble
    return Status.REFUSED if told.words["refused"] else Status.DONE


class _Told:
    """What was told so far: lines as they come, or one document at the end."""

    def __init__(self, *, as_json: bool) -> None:
        self.words: Counter[str] = Counter()
        self._as_json = as_json
        self._objects: list[dict[str, Any]] = []
        self._notices: dict[str, str] = {}

    def tell(self, fate: Fate) -> None:
        """Tell the fate of one parcel."""
        self.words[fate.word] += 1
        if notice := fate.answer.body.get("notice"):
            self._notices[fate.answer.body["receiver"]] = notice["text"]
        if self._as_json:
            self._objects.append(fate.as_object)
        else:
            for line in fate.lines:
                say(line)

    def finish(self, total: int) -> None:
        """Tell what there is to say of all together."""
        if self._as_json:
            print_json(self._objects)
        for receiver, text in sorted(self._notices.items()):
            remark(f"{receiver} is out: {text}")
        remark(_summary(self.words, total))


async def hand_in(
    node: Node, loads: Iterable[Sequence[Parcel]], tell: Callable[[Fate], None], *, dry_run: bool
) -> CommandFailed | None:
    """
    Hand in *loads*, some at a time, and *tell* the fate of each parcel in their order.

    Returns:
        what ended the run early, such as a node that went away; None when every parcel was answered.
    """

    async def one(load: Sequence[Parcel]) -> list[Fate] | CommandFailed:
        try:
            return await _answered(node, load, dry_run=dry_run)
        except CommandFailed as trouble:
            return trouble

    trouble: CommandFailed | None = None
    at_once = AT_ONCE if dry_run else BATCHES_AT_ONCE
    window: deque[asyncio.Task[list[Fate] | CommandFailed]] = deque()
    async with asyncio.TaskGroup() as tasks:
        try:
            for load in loads:
                window.append(tasks.create_task(one(load)))
                if len(window) == at_once and (trouble := _tell_first(await window.popleft(), tell)):
                    break
        except CommandFailed as unreadable:
            trouble = unreadable
        # Whatever is under way may have been taken: its fate is told even when the run ends early.
        while window:
            trouble = _tell_first(await window.popleft(), tell) or trouble
    return trouble


async def _answered(node: Node, load: Sequence[Parcel], *, dry_run: bool) -> list[Fate]:
    if len(load) == 1:
        (parcel,) = load
        give = node.judge if dry_run else node.submit
        return [Fate(name=parcel.name, answer=await give(parcel.content, parcel.content_type))]
    answer = await node.submit_batch(*packed(load))
    if not answer.is_good:
        return [Fate(name=parcel.name, answer=answer) for parcel in load]
    items = answer.body["items"]
    return [Fate(name=parcel.name, answer=_of_item(item)) for parcel, item in zip(load, items, strict=True)]


def _of_item(item: Mapping[str, Any]) -> Answer:
    """A batch's result for one certificate, as if it had been handed in alone."""
    body = {name: value for name, value in item.items() if name not in ("index", "name", "status")}
    if item["status"] >= HTTPStatus.BAD_REQUEST:
        told = [finding["text"] for finding in item["findings"]]
        body = {"detail": next(iter(told), "it broke there"), "findings": item["findings"]}
    return Answer(status=item["status"], body=body)


def _tell_first(done: list[Fate] | CommandFailed, tell: Callable[[Fate], None]) -> CommandFailed | None:
    if isinstance(done, CommandFailed):
        return done
    for fate in done:
        tell(fate)
    return None


def _summary(words: Counter[str], total: int) -> str:
    told = ", ".join(f"{count} {word}" for word, count in sorted(words.items()))
    return f"{words.total()} of {total}: {told}" if told else f"0 of {total}"


def _progress() -> Progress:
    # Redirecting would send the result's lines to the progress bar's stream.
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=err(),
        transient=True,
        disable=not sys.stderr.isatty(),
        redirect_stdout=sys.stdout.isatty(),
    )
