"""``eco-gateway lanes``: each lane's backlog by age on one screen, after Postfix's qshape."""

from __future__ import annotations

from types import MappingProxyType

from gateway.cli.client import Json, Node
from gateway.cli.failures import Status
from gateway.cli.node import AsJson, To, on_node
from gateway.cli.screen import print_json, say, span, table, when

_AGES = ("5min", "20min", "1h", "4h", "1d", "older")
_STOPPED = MappingProxyType({"on_hold": "on hold", "expired": "expired"})  # nobody sends these by itself


def lanes(to: To = None, as_json: AsJson = False) -> int:
    """What waits for each party, how long already, and why."""
    found = on_node(to, Node.lanes)
    if as_json:
        print_json(found)
        return Status.DONE
    headings = ("Party", "Waiting", *_AGES, "Oldest", "Next")
    table(headings, [_backlog(lane) for lane in found], right=range(1, len(headings)))
    say()
    columns = ("Party", "Window", "Seals until", "TLS until", "State")
    table(columns, [_state(lane) for lane in found], right=(1,))
    say()
    table(("Node", "Runs the lanes of"), _holders(found))
    return Status.DONE


def suspension(thing: Json) -> str:
    """Who stopped exchanging with a party, in one corridor or at all, since when and why; else empty."""
    corridors = [f"{one['form']} {_stopped('suspended', one)}" for one in thing.get("corridors") or ()]
    if not thing.get("suspended_by"):
        return "; ".join(corridors)
    kind = "outage declared" if thing.get("notice") else "suspended"
    notice = f", senders are told: {thing['notice']}" if thing.get("notice") else ""
    until = f", until {when(thing['until'])}" if thing.get("until") else ""
    return "; ".join([_stopped(kind, thing) + until + notice, *corridors])


def _stopped(kind: str, thing: Json) -> str:
    reason = f": {thing['reason']}" if thing.get("reason") else ""
    only = ", outgoing only" if thing.get("outgoing_only") else ""
    return f"{kind} by {thing['suspended_by']} {when(thing.get('suspended_at'))}{only}{reason}"


def _backlog(lane: Json) -> tuple[object, ...]:
    ages = [lane["by_age"].get(age) or "" for age in _AGES]
    return lane["party"], lane["waiting"], *ages, span(lane["oldest_s"]), span(lane["next_due_s"])


def _state(lane: Json) -> tuple[object, ...]:
    ends = lane["certificates_expire"]
    stopped = [f"{lane['by_status'].get(status) or 0} {words}" for status, words in _STOPPED.items()]
    why = [suspension(lane), lane["cause"] or _failing(lane), _resting(lane)]
    why += [some for some in stopped if not some.startswith("0 ")]
    state = "; ".join(part for part in why if part)
    return lane["party"], lane["window"] or "", _day(ends["sign"]), _day(ends["tls"]), state


def _failing(lane: Json) -> str:
    """What the last attempt met, of a lane in which nothing waits."""
    return (lane["back_off"] or {}).get("cause") or ""


def _resting(lane: Json) -> str:
    back_off = lane["back_off"]
    if not back_off:
        return ""
    times = f"failed {back_off['failures']} times" if back_off["failures"] > 1 else "failed once"
    return f"{times}, rests {span(back_off['rest_s'])}" if back_off["rest_s"] else times


def _holders(lanes: list[Json]) -> list[tuple[str, str]]:
    """Each node with its lanes; the last row tells those that nobody runs."""
    nodes = sorted({lane["holder"] for lane in lanes if lane["holder"]})
    rows = [(node, ", ".join(lane["party"] for lane in lanes if lane["holder"] == node)) for node in nodes]
    idle = ", ".join(lane["party"] for lane in lanes if not lane["holder"])
    return [*rows, ("nobody", idle)] if idle else rows


def _day(instant: str | None) -> str:
    return when(instant)[:10] or "none now"
