"""
Prove the Dockerfile where no container engine runs: do its steps in a folder, and start what comes out of it.

    python docker/prove.py            # a real virtual environment, filled from docker/requirements.lock
    python docker/prove.py --linked   # links to exactly what that lock pins, from this environment; seconds

The image's tree is what the Dockerfile copies, its packages are what the lock pins, and nothing else can be
imported. Then the entry point serves a node of a made-up country on its own database, the health check is
asked until it agrees, and SIGTERM must end it with status 0. Afterwards the tree is as it was: the root file
system may be read-only.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

from packaging.markers import Marker
from packaging.version import Version

TOP = Path(__file__).resolve().parents[1]
WITHIN_S = 90


@dataclass(frozen=True)
class Image:
    """What the Dockerfile says."""

    copied: tuple[tuple[str, str], ...]
    ran: tuple[str, ...]
    environment: Mapping[str, str]
    health: tuple[str, ...]
    entry: tuple[str, ...]
    user: str


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """Each instruction and its arguments; comments and continued lines are gone."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            yield name, rest.strip()


def read_image(text: str) -> Image:
    """Both stages in one; what the second takes from the first is the tree itself."""
    said = list(instructions(text))
    environment = {
        name: value
        for kind, rest in said
        if kind == "ENV"
        for name, _, value in (pair.partition("=") for pair in shlex.split(rest))
    }
    copies = [rest.split() for kind, rest in said if kind == "COPY" and not rest.startswith("--from")]
    (health,) = (re.search(r"CMD (\[.*\])", rest) for kind, rest in said if kind == "HEALTHCHECK")
    assert health is not None
    (entry,) = (json.loads(rest) for kind, rest in said if kind == "ENTRYPOINT")
    return Image(
        copied=tuple((source, target) for source, target in copies),
        ran=tuple(rest for kind, rest in said if kind == "RUN"),
        environment=environment,
        health=tuple(json.loads(health[1])),
        entry=tuple(entry),
        user=[rest for kind, rest in said if kind == "USER"][-1],
    )


def build(image: Image, tree: Path, *, linked: bool) -> None:
    """Copy and run what the build stage copies and runs."""
    for source, target in image.copied:
        place = tree / (source if target in (".", "./") else target)
        place.parent.mkdir(parents=True, exist_ok=True)
        if (TOP / source).is_dir():
            shutil.copytree(TOP / source, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(TOP / source, place)
    for step in image.ran:
        if step.startswith("useradd"):
            continue  # the one step that changes more than the tree
        if linked and (step.startswith("python -m venv") or "pip install" in step):
            if "pip install" in step:
                link(tree)
            continue
        subprocess.run(
            shlex.split(step.replace("python -m venv", f"{sys.executable} -m venv", 1)), cwd=tree, check=True
        )


def link(tree: Path) -> None:
    """Make ``.venv`` of this environment: a Python without packages, and links to what the lock pins."""
    site = tree / ".venv/site"
    site.mkdir(parents=True)
    for line in (tree / "docker/requirements.lock").read_text("utf-8").splitlines():
        if (pinned := re.match(r"([\w.-]+)==(\S+)(?: ; (.*?))? \\?$", line)) is None or _elsewhere(pinned[3]):
            continue
        found = distribution(pinned[1])
        same = Version(found.version) == Version(pinned[2])
        assert same, f"{pinned[1]}: {found.version} is here, {pinned[2]} is pinned"
        for name in {Path(str(file)).parts[0] for file in found.files or ()} - {"..", "__pycache__"}:
            _link(Path(str(found.locate_file(name))), site / name)
    program = tree / ".venv/bin/python"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{site}:$PYTHONPATH" exec {sys.executable} -S "$@"\n', "utf-8")
    program.chmod(0o755)


def _elsewhere(marker: str | None) -> bool:
    """Whether a pin is for another system or Python."""
    return marker is not None and not Marker(marker).evaluate()


def _link(source: Path, target: Path) -> None:
    """Link *source*; folders that several packages share are made of links."""
    if target.is_dir() and source.is_dir():
        if target.is_symlink():
            shared = target.resolve()
            target.unlink()
            target.mkdir()
            for entry in shared.iterdir():
                (target / entry.name).symlink_to(entry)
        for entry in source.iterdir():
            if not (target / entry.name).exists():
                (target / entry.name).symlink_to(entry)
    elif source.exists() and not target.exists():
        target.symlink_to(source)


def run(image: Image, tree: Path, work: Path) -> None:
    """Serve until the health check agrees, then stop; ``serve`` judges the registry first."""
    python = str(tree / ".venv/bin/python")
    surroundings = _surroundings(image, tree, work)
    subprocess.run([python, "-c", _MADE_UP], env=surroundings, cwd=work, check=True)
    serving = surroundings | {"ECO_GATEWAY_REGISTRY": str(work / "registry"), "ECO_GATEWAY_HOME": "VN.MOIT"}
    listen = json.loads((work / "addresses.json").read_text("utf-8"))
    serving |= {"ECO_GATEWAY_LISTEN": listen[0], "ECO_GATEWAY_EXCHANGE_LISTEN": listen[1]}
    serving |= {"ECO_GATEWAY_KEYS": str(work / "keys/VN.MOIT")}
    assert image.entry[0] == "python"
    node = subprocess.Popen([python, *image.entry[1:], "serve"], env=serving, cwd=work)
    try:
        health = [python, *image.health[1:]]
        health[-1] = health[-1].replace("127.0.0.1:8080", listen[0])
        _until_healthy(node, health, serving)
        node.send_signal(signal.SIGTERM)
        assert node.wait(timeout=WITHIN_S) == 0, "SIGTERM did not end it in order"
    finally:
        node.kill()
        node.wait()


_MADE_UP = """
import json
from pathlib import Path
from gateway.demo.country import Neighbours, free_addresses, write_registry
from gateway.trust.make import Kind
countries = {"VN.MOIT": "VN", "TH.CUSTOMS": "TH"}
forms = {"atiga/form-d/1.0": countries.values()}
neighbours = Neighbours(countries=countries, forms=forms, signing=Kind.ECDSA)
addresses = free_addresses(countries)
write_registry(Path("registry"), Path("keys"), neighbours, addresses)
own = addresses["VN.MOIT"]
Path("addresses.json").write_text(json.dumps([f"127.0.0.1:{own.api}", f"127.0.0.1:{own.exchange}"]))
"""


def _surroundings(image: Image, tree: Path, work: Path) -> dict[str, str]:
    """The image's environment, with its paths turned into the tree's; nothing of ours beside it."""
    said = {name: value.replace("/opt/eco-gateway", str(tree)) for name, value in image.environment.items()}
    said["PATH"] = said["PATH"].replace("$PATH", os.environ["PATH"])
    said["ECO_GATEWAY_DATA"] = str(work / "data")
    return {"HOME": str(work), "PYTHONDONTWRITEBYTECODE": "1"} | said


def _until_healthy(node: subprocess.Popen[bytes], health: list[str], surroundings: dict[str, str]) -> None:
    ends = time.monotonic() + WITHIN_S
    while subprocess.run(health, env=surroundings, capture_output=True, check=False).returncode != 0:
        assert node.poll() is None, f"the node ended with {node.returncode}"
        assert time.monotonic() < ends, "the health check never agreed"
        time.sleep(0.5)


def prove(*, linked: bool) -> None:
    """
    Build, run, and see that the tree is as it was.

    Raises:
        AssertionError, subprocess.CalledProcessError: a step did not do what the image needs.
    """
    image = read_image((TOP / "docker/Dockerfile").read_text("utf-8"))
    assert image.user not in ("root", "0"), "the image runs as root"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)  # the embedded PostgreSQL runs as somebody else where we are root
        tree, work = Path(folder) / "opt", Path(folder) / "work"
        tree.mkdir()
        work.mkdir()
        build(image, tree, linked=linked)
        before = {path for path in tree.rglob("*") if not path.is_symlink()}
        run(image, tree, work)
        written = {path for path in tree.rglob("*") if not path.is_symlink()} - before
        assert not written, f"written into the image's tree: {sorted(map(str, written))[:5]}"


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description="Prove the Dockerfile without a container engine.")
    asked.add_argument("--linked", action="store_true", help="link this environment's packages")
    prove(linked=asked.parse_args().linked)
    print("The image's steps lead to a node that serves.")
