"""``eco-gateway specimens``: who may sign certificates, by country; imported from a file and shown."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.cli.client import Answer, Node
from gateway.cli.failures import CommandFailed, Status, WrongUse
from gateway.cli.files import read_file, write_file
from gateway.cli.node import AsJson, To, on_node
from gateway.cli.screen import print_json, remark, say

Json = dict[str, Any]

specimens = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
_PICTURES = ("seal", "specimen")


@specimens.callback()
def _specimens() -> None:
    """Specimen lists: issuing bodies and officials of a country. Asked of a running node."""


@specimens.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="LIST.toml", help="The list; its pictures lie beside it.")],
    to: To = None,
) -> int:
    """Import a country's list. It counts from its day on, until the next one."""
    told = _read(file)
    pictures = {name: read_file(file.parent / name) for name in _named(told)}

    async def hand_in(node: Node) -> Json:
        names = {}
        for name, content in pictures.items():
            kept = await node.keep_picture(content, _type_of(name))
            names[name] = _good(kept, name)["sha256"]
        return _good(await node.import_specimens(_with_names(told, names)), str(file))

    taken = on_node(to, hand_in)
    bodies = taken["body"]
    officials = sum(len(body["official"]) for body in bodies)
    say(f"{taken['country']}: {len(bodies)} issuing bodies, {officials} officials, from {taken['from']}")
    remark("Every node judges by it within seconds, where the corridor asks for specimens.")
    return Status.DONE


@specimens.command("list")
def list_(
    on: Annotated[str | None, typer.Option("--on", metavar="DAY", help="In force then; else today.")] = None,
    as_json: AsJson = False,
    to: To = None,
) -> int:
    """The lists in force, and whom they name."""
    found = _in_force(on_node(to, Node.specimens), _day(on))
    if as_json:
        print_json(found)
        return Status.DONE
    for one in found:
        for_ = ", ".join(one["agreements"]) or "all agreements"
        say(f"{one['country']}  {for_}, from {one['from']}: {one['source']}")
        for body in one["body"]:
            say(f"  {body['name']}{_days(body)}")
            for official in body["official"]:
                say(f"    {official['name']}{_days(official)}")
    return Status.DONE


@specimens.command("export")
def export(
    country: Annotated[str, typer.Argument(metavar="COUNTRY", help="Such as VN.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where the files go.")],
    on: Annotated[str | None, typer.Option("--on", metavar="DAY", help="In force then; else today.")] = None,
    to: To = None,
) -> int:
    """Write the lists of a country that are in force, with their pictures, as 'import' reads them."""
    day = _day(on)

    async def fetch(node: Node) -> tuple[list[Json], dict[str, bytes]]:
        lists = [one for one in _in_force(await node.specimens(), day) if one["country"] == country]
        names = {name for one in lists for name in _named(one)}
        return lists, {name: await node.picture(name) for name in sorted(names)}

    lists, pictures = on_node(to, fetch)
    if not lists:
        raise CommandFailed(f"no specimen list of {country} is in force on {day}")
    output.mkdir(parents=True, exist_ok=True)
    files = {name: f"{name[:16]}{_ending(content)}" for name, content in pictures.items()}
    for name, content in pictures.items():
        write_file(output / files[name], content)
    for one in lists:
        path = output / f"{'-'.join([country.lower(), *one['agreements']])}.toml"
        write_file(path, written(_with_names(one, files)).encode())
        say(f"wrote {path}")
    return Status.DONE


def written(told: Json) -> str:
    """A list as a TOML file."""
    lines = list(_pairs(told, ("country", "agreements", "from", "source")))
    for body in told["body"]:
        lines += ["", "[[body]]", *_pairs(body, ("name", "id", "address", "from", "to", "seal"))]
        for official in body["official"]:
            keys = ("name", "id", "position", "from", "to", "specimen")
            lines += ["", "[[body.official]]", *_pairs(official, keys)]
    return "\n".join(lines) + "\n"


def _pairs(told: Json, keys: Iterable[str]) -> Iterator[str]:
    for key in keys:
        if (value := told[key]) is not None and value != []:
            yield f"{key} = {value if key in ('from', 'to') else json.dumps(value, ensure_ascii=False)}"


def _read(path: Path) -> Json:
    try:
        return tomllib.loads(read_file(path).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WrongUse(f"{path}: not readable as TOML: {error}") from None


def _named(told: Any) -> Iterator[str]:
    """The pictures that a list names, each once."""
    yield from dict.fromkeys(_pictures(told))


def _pictures(told: Any) -> Iterator[str]:
    match told:
        case dict():
            for key, value in told.items():
                if key in _PICTURES and isinstance(value, str):
                    yield value
                else:
                    yield from _pictures(value)
        case list():
            for each in told:
                yield from _pictures(each)
        case _:
            return


def _with_names(told: Any, names: dict[str, str]) -> Any:
    """The same list with its pictures called otherwise, and its days as text."""
    match told:
        case dict():
            return {
                key: names[value] if key in _PICTURES and value in names else _with_names(value, names)
                for key, value in told.items()
            }
        case list():
            return [_with_names(each, names) for each in told]
        case date():
            return told.isoformat()
        case _:
            return told


def _in_force(lists: list[Json], day: date) -> list[Json]:
    """For each country and its agreements the newest list that has begun."""
    found: dict[tuple[str, ...], Json] = {}
    for one in sorted(lists, key=lambda one: (one["from"], one["number"])):
        if date.fromisoformat(one["from"]) <= day:
            found[one["country"], *sorted(one["agreements"])] = one
    return [found[key] for key in sorted(found)]


def _good(answer: Answer, what: str) -> Json:
    if not answer.is_good:
        told = "; ".join(finding["text"] for finding in answer.findings) or answer.words
        raise CommandFailed(f"{what}: {told}")
    return answer.body


def _type_of(name: str) -> str:
    ending = Path(name).suffix.lower()
    if ending not in _TYPES:
        raise WrongUse(f"{name}: a picture's name ends in {', '.join(_TYPES)}")
    return _TYPES[ending]


def _ending(content: bytes) -> str:
    return ".png" if content.startswith(b"\x89PNG") else ".jpg"


def _days(listed: Json) -> str:
    if listed["from"] is None and listed["to"] is None:
        return ""
    return f", {listed['from'] or 'always'} to {listed['to'] or 'on'}"


def _day(text: str | None) -> date:
    try:
        return datetime.now(UTC).date() if text is None else date.fromisoformat(text)
    except ValueError:
        raise WrongUse("--on: must be a day, such as 2026-11-21") from None
