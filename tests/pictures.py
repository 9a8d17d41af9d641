"""
Every page of the console as every role sees it, wide and narrow, with scripts and without: ``make pictures``.

What each page looks like is kept in var/pictures/, and what paper looks like beside it; exit status 1 when a
page is not sound. ``make soak`` walks the same way.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway.domain.caller import Role
from tests.console.visits import Scene, set_scene
from tests.console.walking import NARROW, WIDE, chromium, looking, walk
from tests.exchange.contract import two_gateways
from tests.exchange.crash import workplace
from tests.servers import Servers

KEPT = Path(__file__).parents[1] / "var" / "pictures"
BOUND = {Role.ISSUER: "HN", Role.EXPORTER: "HN"}  # to the organisation whose certificates are there


async def walk_as(roles: Sequence[Role], pictures: Path | None = None) -> tuple[int, list[str]]:
    """How many pages were opened in all, and what was wrong; pictures of those with scripts are kept."""
    servers = Servers()
    try:
        with workplace() as work:
            async with two_gateways(servers, work) as pair:
                return await _walk(await set_scene(pair), roles, pictures)
    finally:
        await asyncio.to_thread(servers.close)


async def _walk(scene: Scene, roles: Sequence[Role], pictures: Path | None) -> tuple[int, list[str]]:
    opened, faults = 0, []
    if pictures is not None:
        await _paper(scene, pictures)
    async with chromium() as browser:
        for role in roles:
            for width in (WIDE, NARROW):
                for scripts in (True, False):
                    folder = None if pictures is None or not scripts else pictures / f"{role}-{width}"
                    how: Any = {"viewport": {"width": width, "height": 900}, "java_script_enabled": scripts}
                    person = looking(browser, scene, role, BOUND.get(role), bypass_csp=True, **how)
                    told = f"{role}, {width} wide, {'with' if scripts else 'without'} scripts"
                    try:
                        async with person as looked:
                            found = len(await walk(looked, scripts=scripts, most=2, pictures=folder))
                            opened += found
                            sys.stderr.write(f"{told}: {found} pages\n")
                    except AssertionError as wrong:
                        faults.append(f"{told}: {wrong}")
                        sys.stderr.write(f"{faults[-1]}\n")
    return opened, faults


async def _paper(scene: Scene, pictures: Path) -> None:
    """One certificate on paper, in each language."""
    for language in ("en", "th", "vi"):
        reply = await scene.pair.vn.operator.get(f"{scene.through.path}/preview", lang=language)
        (pictures / f"paper-{language}.pdf").write_bytes(reply.raw)


def main() -> int:
    """Walk, keep the pictures, and tell."""
    asked = argparse.ArgumentParser(prog="python -m tests.pictures")
    asked.add_argument("roles", nargs="*", type=Role, help="those that walk; all of them when none is named")
    roles = asked.parse_args().roles or list(Role)
    for folder in [f"{role}-{width}" for role in roles for width in (WIDE, NARROW)]:
        (KEPT / folder).mkdir(parents=True, exist_ok=True)
    opened, faults = asyncio.run(walk_as(roles, KEPT))
    sys.stdout.write("\n".join([*faults, f"{opened} pages opened; pictures in var/pictures/"]) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
