"""The contrast of every pair of colours, from the style sheets themselves (WCAG 2.2), for who sees badly."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gateway.console
import gateway.public

CONSOLE = Path(gateway.console.__path__[0]) / "static/console.css"
CHECK = Path(gateway.public.__path__[0]) / "static/check.css"
TEXT, CONTROL = 4.5, 3.0  # success criteria 1.4.3 and 1.4.11
FAMILIES = ("good", "warn", "bad", "wait", "held", "quiet")


def schemes(sheet: Path) -> dict[str, dict[str, str]]:
    """The tokens of a sheet, by colour scheme; the dark one has what it does not say from the light one."""
    css = sheet.read_text("utf-8")
    blocks = [
        dict(re.findall(r"--([\w-]+):\s*(#[0-9a-fA-F]{3,6})\b", block))
        for block in re.findall(r":root[^{]*\{([^}]*)\}", css)
    ]
    light, dark = blocks[0], blocks[1]
    return {"light": light, "dark": light | dark}


def luminance(colour: str) -> float:
    digits = colour.lstrip("#")
    digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def pairs(sheet: Path) -> list[tuple[str, str, float]]:
    """Foreground, background and the least contrast they need, as far as the sheet has them."""
    grounds = ("bg", "surface", "sunken")
    found = [(text, ground, TEXT) for text in ("text", "text-2", "link") for ground in grounds]
    found += [(family, f"{family}-bg", TEXT) for family in FAMILIES]
    found += [("age-text", f"age-{n}", TEXT) for n in range(1, 6)]
    found += [("on-accent", "link", TEXT), ("on", "link", TEXT)]
    found += [(edge, ground, CONTROL) for edge in ("edge", "focus") for ground in ("bg", "surface")]
    known = schemes(sheet)["light"]
    return [pair for pair in found if pair[0] in known and pair[1] in known]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("sheet", [CONSOLE, CHECK], ids=["console", "check"])
def test_every_pair_of_colours_can_be_told_apart(sheet: Path, scheme: str) -> None:
    tokens = schemes(sheet)[scheme]

    assert len(pairs(sheet)) >= 10
    faint = [
        (text, ground, round(contrast(tokens[text], tokens[ground]), 2))
        for text, ground, least in pairs(sheet)
        if contrast(tokens[text], tokens[ground]) < least
    ]
    assert faint == []


def test_the_measure_is_that_of_the_guidelines() -> None:
    assert contrast("#000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.01)
