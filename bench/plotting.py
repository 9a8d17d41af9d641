"""One picture of a report, as SVG: CPU time a certificate beside the reference's, checks and their lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lxml import etree

SVG = "http://www.w3.org/2000/svg"
COLOURS = {"sender": "#2f6f9f", "receiver": "#6aa84f", "postgresql": "#b9770e", "reference": "#9a9a9a"}
WIDTH, LEFT, BAR, GAP = 900, 190, 16, 10
_ROOM = WIDTH - LEFT - 170  # for bars; the rest is for words behind them


def picture(report: dict[str, Any]) -> bytes:
    """The report as a picture."""
    runs, checks = report.get("runs", []), report.get("checks", [])
    height = 70 + len(runs) * (2 * BAR + GAP) + (50 + len(checks) * (BAR + GAP) if checks else 0)
    root = etree.Element(
        f"{{{SVG}}}svg",
        nsmap={None: SVG},
        width=str(WIDTH),
        height=str(height),
        viewBox=f"0 0 {WIDTH} {height}",
    )
    _add(root, "rect", width=WIDTH, height=height, fill="#ffffff")
    below = _runs(root, runs, 24)
    _checks(root, checks, below + 30)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _runs(root: etree._Element, runs: Sequence[dict[str, Any]], top: int) -> int:
    _text(root, 10, top, "CPU time, milliseconds a certificate", bold=True)
    most = max((max(_total(run), _reference(run)) for run in runs), default=1.0)
    for place, (name, colour) in enumerate(COLOURS.items()):
        _add(root, "rect", x=LEFT + 130 * place, y=top + 12, width=12, height=12, fill=colour)
        _text(root, LEFT + 130 * place + 18, top + 22, name)
    top += 36
    for run in runs:
        _text(root, 10, top + BAR, run["name"])
        at = float(LEFT)
        for name, ms in run["cpu_ms_per_certificate"].items():
            wide = _ROOM * ms / most
            _add(root, "rect", x=f"{at:.1f}", y=top, width=f"{wide:.1f}", height=BAR, fill=COLOURS[name])
            at += wide
        ratios = f"{_total(run):.1f}; rate {run['ratio']:.2f}, CPU {run['cpu_ratio']:.2f} times"
        _text(root, at + 6, top + BAR - 4, ratios)
        wide = _ROOM * _reference(run) / most
        _add(
            root, "rect", x=LEFT, y=top + BAR, width=f"{wide:.1f}", height=BAR // 2, fill=COLOURS["reference"]
        )
        top += 2 * BAR + GAP
    return top


def _checks(root: etree._Element, checks: Sequence[dict[str, Any]], top: int) -> None:
    if not checks:
        return
    _text(root, 10, top, "Checks: the figure, and the line it is held against", bold=True)
    most = max(max(check["value"], _line(check)) for check in checks) * 1.1
    for place, check in enumerate(checks):
        y = top + 12 + place * (BAR + GAP)
        colour = COLOURS["receiver"] if check["holds"] else "#b03a2e"
        wide = _ROOM * check["value"] / most
        at = LEFT + _ROOM * _line(check) / most
        _text(root, 10, y + BAR - 4, check["name"])
        _add(root, "rect", x=LEFT, y=y, width=f"{wide:.1f}", height=BAR, fill=colour)
        _add(root, "line", x1=f"{at:.1f}", x2=f"{at:.1f}", y1=y - 3, y2=y + BAR + 3, stroke="#000000")
        bound = "at most" if "at_most" in check else "at least"
        _text(root, max(LEFT + wide, at) + 6, y + BAR - 4, f"{check['value']:.2f}, {bound} {_line(check)}")


def _total(run: dict[str, Any]) -> float:
    return float(sum(run["cpu_ms_per_certificate"].values()))


def _reference(run: dict[str, Any]) -> float:
    return float(run["reference"]["cpu_ms_per_certificate"])


def _line(check: dict[str, Any]) -> float:
    return float(check["at_most"] if "at_most" in check else check["at_least"])


def _text(root: etree._Element, x: float, y: float, words: str, *, bold: bool = False) -> None:
    element = _add(root, "text", x=f"{x:.1f}", y=f"{y:.1f}")
    element.set("font-family", "sans-serif")
    element.set("font-size", "13" if bold else "12")
    if bold:
        element.set("font-weight", "bold")
    element.text = words


def _add(root: etree._Element, name: str, **attributes: float | str) -> etree._Element:
    return etree.SubElement(root, f"{{{SVG}}}{name}", {key: str(value) for key, value in attributes.items()})
