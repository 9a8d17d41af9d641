"""A certificate's story for people: where it stands, its messages, what customs said, what happened when."""

from __future__ import annotations

from gateway.cli.client import Json
from gateway.cli.findings import finding_line
from gateway.cli.screen import say, style_of, table, when


def show_story(story: Json) -> None:
    """Write the story as text of 80 columns; only ids and causes may be longer than a line."""
    _show_standing(story)
    for message in story["messages"]:
        _show_message(message)
    if story["customs_responses"]:
        say()
        say("Customs responses", style="bold")
        table(
            ("Item", "Outcome", "Quantity", "Declaration", "Day", "Reason"),
            [_customs_row(response) for response in story["customs_responses"]],
            right=(0, 2),
        )
    if story["events"]:
        say()
        say("Events", style="bold")
        table(
            ("When", "What", "Who"),
            [(when(event["at"]), event["what"], event.get("who")) for event in story["events"]],
        )


def _show_standing(story: Json) -> None:
    ends = story["exporting_country"], story["importing_country"]
    way = " -> ".join(ends) if all(ends) else ""
    say(f"{story['certificate_number'] or 'No certificate'}  {story['form']}  {way}".rstrip(), style="bold")
    facts = (
        ("life", story["life"]),
        ("cause", story["cause"]),
        ("whose move", story["owner"]),
        ("next", story["next_action"]),
        ("until", when(story["until"])),
    )
    for name, fact in facts:
        if fact:
            say(f"  {name:11} {fact}", style=style_of(fact))
    for link in story.get("chain") or ():
        relation, life = link["relation"].replace("_", " "), link["life"] or "unknown here"
        say(f"  {relation:11} {link['certificate_number']} ({life})")


def _show_message(message: Json) -> None:
    arrow = "to" if message["direction"] == "out" else "from"
    say()
    say(f"{message['type']} {arrow} {message['party']}: {message['delivery'] or 'received'}", style="bold")
    dialect = f"  in {message['dialect']}" if message.get("dialect") else ""
    say(f"  {message['message_id']}{dialect}")
    for attempt in message.get("attempts") or ():
        say(f"  {_attempt(attempt)}", style=style_of(attempt["outcome"]))
    if receipt := message.get("receipt"):
        say(f"  {when(receipt['at'])}  receipt, sealed by {receipt['signer']}")
    if acknowledgement := message.get("acknowledgement"):
        _show_acknowledgement(acknowledgement)


def _attempt(attempt: Json) -> str:
    cause = f": {attempt['cause']}" if attempt["cause"] else ""
    again = f" (next {when(attempt['next_at'])})" if attempt["next_at"] else ""
    return f"{when(attempt['at'])}  {attempt['outcome']}{cause}{again}"


def _show_acknowledgement(acknowledgement: Json) -> None:
    outcome = acknowledgement["outcome"]
    by = str(acknowledgement["by"]).replace("-", " ")
    say(f"  {when(acknowledgement['at'])}  {outcome} by the {by}", style=style_of(outcome))
    for finding in acknowledgement.get("findings") or ():
        say(f"    {finding_line('', finding).removeprefix(': ')}")


def _customs_row(response: Json) -> tuple[object, ...]:
    quantity = response.get("quantity")
    used = f"{quantity['value']} {quantity.get('unit') or ''}" if quantity else ""
    return (
        response["item"],
        response["outcome"],
        used,
        response.get("declaration"),
        response.get("date") or when(response.get("at")),
        response.get("reason"),
    )
