"""``eco-gateway send``: hand certificates in to a running node, eight at a time, and tell each one's fate."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.cli.client import Answer, Node
from gateway.cli.failures import CommandFailed, Status
from gateway.cli.findings import finding_line
from gateway.cli.node import AsJson, To, on_node
from gateway.cli.parcels import Parcel, count_parcels, find_files, read_parcels
from gateway.cli.screen import err, print_json, remark, say

AT_ONCE = 8


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
        list[Path], typer.Argument(metavar="FILE|DIR", help="XML files, box records, folders of them.")
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
    words: Counter[str] = Counter()
    objects: list[dict[str, Any]] = []
    trouble: CommandFailed | None
    with _progress() as progress:
        task = progress.add_task("judging" if dry_run else "sending", total=total)

        def tell(fate: Fate) -> None:
            words[fate.word] += 1
            progress.advance(task)
            if as_json:
                objects.append(fate.as_object)
            else:
                for line in fate.lines:
                    say(line)

        trouble = on_node(
            to, lambda node: hand_in(node, read_parcels(files), tell, dry_run=dry_run), at_once=AT_ONCE
        )
    if as_json:
        print_json(objects)
    remark(_summary(words, total))
    if trouble is not None:
        raise trouble
    return Status.REFUSED if words["refused"] else Status.DONE


async def hand_in(
    node: Node, parcels: Iterable[Parcel], tell: Callable[[Fate], None], *, dry_run: bool
) -> CommandFailed | None:
    """
    Hand in *parcels*, eight at a time, and *tell* the fate of each in their order.

    Returns:
        what ended the run early, such as a node that went away; None when every parcel was answered.
    """
    give = node.judge if dry_run else node.submit

    async def one(parcel: Parcel) -> Fate | CommandFailed:
        try:
            answer = await give(parcel.content, parcel.content_type)
        except CommandFailed as trouble:
            return trouble
        return Fate(name=parcel.name, answer=answer)

    trouble: CommandFailed | None = None
    window: deque[asyncio.Task[Fate | CommandFailed]] = deque()
    async with asyncio.TaskGroup() as tasks:
        try:
            for parcel in parcels:
                window.append(tasks.create_task(one(parcel)))
                if len(window) == AT_ONCE and (trouble := _tell_first(await window.popleft(), tell)):
                    break
        except CommandFailed as unreadable:
            trouble = unreadable
        # Whatever is under way may have been taken: its fate is told even when the run ends early.
        while window:
            trouble = _tell_first(await window.popleft(), tell) or trouble
    return trouble


def _tell_first(done: Fate | CommandFailed, tell: Callable[[Fate], None]) -> CommandFailed | None:
    if isinstance(done, CommandFailed):
        return done
    tell(done)
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
