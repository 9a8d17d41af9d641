"""A certificate that was lost or doubled makes a run fail, and the text names it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from bench.auditing import (
    Reader,
    RunFailed,
    faults_of_answers,
    faults_of_arrival,
    faults_of_delivery,
    newest_certificates,
)

TAKEN = {"VN 1": "a@vn", "VN 2": "b@vn"}


def arrived(number: str, message_id: str, *, valid: bool = True) -> dict[str, Any]:
    return {"type": "certificate", "certificate_number": number, "message_id": message_id, "valid": valid}


def sent(
    number: str, message_id: str, *, delivery: str = "delivered", acknowledgement: str | None = None
) -> Any:
    return arrived(number, message_id) | {"delivery": delivery, "acknowledgement": acknowledgement}


def answer(ref: str) -> dict[str, Any]:
    return {"type": "acknowledgement", "ref_to_message_id": ref}


INBOX = [arrived("VN 1", "a@vn"), arrived("VN 2", "b@vn")]


def test_what_arrived_once_each_is_faultless() -> None:
    assert faults_of_arrival(TAKEN, INBOX) == []


@pytest.mark.parametrize(
    ("inbox", "fault"),
    [
        pytest.param(INBOX[:1], "1 never arrived: VN 2 b@vn", id="lost"),
        pytest.param([*INBOX, INBOX[0]], "1 arrived more than once: VN 1 a@vn", id="doubled"),
        pytest.param(
            [*INBOX, arrived("VN 1", "c@vn")], "1 arrived though never sent: VN 1 c@vn", id="another-id"
        ),
        pytest.param(
            [INBOX[0], arrived("VN 2", "b@vn", valid=False)], "1 arrived as invalid: VN 2", id="invalid"
        ),
    ],
)
def test_a_fault_of_arrival_is_told(inbox: list[dict[str, Any]], fault: str) -> None:
    assert faults_of_arrival(TAKEN, inbox) == [fault]


def test_a_certificate_without_a_receipt_is_told() -> None:
    shown = [sent("VN 1", "a@vn"), sent("VN 2", "b@vn", delivery="awaiting_receipt")]

    assert faults_of_delivery(TAKEN, shown, answered=False) == ["1 without a receipt: VN 2"]


@pytest.mark.parametrize(
    ("answered", "acknowledgement", "faultless"),
    [
        pytest.param(False, None, True, id="none-wanted-none-there"),
        pytest.param(False, "accepted", False, id="none-wanted-one-there"),
        pytest.param(True, "accepted", True, id="wanted-and-there"),
        pytest.param(True, None, False, id="wanted-and-missing"),
        pytest.param(True, "rejected", False, id="rejected"),
    ],
)
def test_acknowledgements_are_there_only_where_wanted(
    answered: bool, acknowledgement: str | None, faultless: bool
) -> None:
    shown = [
        sent(number, message_id, acknowledgement=acknowledgement) for number, message_id in TAKEN.items()
    ]

    assert (faults_of_delivery(TAKEN, shown, answered=answered) == []) is faultless


def test_each_answer_comes_back_once() -> None:
    assert faults_of_answers(TAKEN, [answer("a@vn"), answer("b@vn")], answered=True) == []
    assert faults_of_answers(TAKEN, [answer("a@vn")] * 2, answered=True) == [
        "1 never came back: acknowledgement b@vn",
        "1 came back more than once: acknowledgement a@vn",
    ]


def test_nothing_comes_back_where_nothing_should() -> None:
    assert faults_of_answers(TAKEN, [], answered=False) == []
    assert faults_of_answers(TAKEN, [answer("a@vn")], answered=False) != []


class FeedOf:
    """An inbox of so many items, ten a page; its cursors are places."""

    def __init__(self, count: int) -> None:
        self.count = count

    async def get(self, path: str) -> tuple[int, Any]:
        after = int(parse_qs(urlsplit(path).query)["after"][0])
        items = [{"message_id": n} for n in range(after, min(after + 10, self.count))]
        return 200, {"items": items, "next": str(after + len(items))}


class SearchOf:
    """So many certificates, newest first."""

    def __init__(self, count: int) -> None:
        self.count = count

    async def get(self, path: str) -> tuple[int, Any]:
        query = parse_qs(urlsplit(path).query)
        begin, limit = int(query.get("after", ["0"])[0]), int(query["limit"][0])
        end = min(begin + limit, self.count)
        items = [{"message_id": n} for n in range(begin, end)]
        return 200, {"items": items, "next": str(end) if end < self.count else None}


class ThatRefuses:
    """Whoever asks may not."""

    async def get(self, path: str) -> tuple[int, Any]:
        return 403, {"title": f"{path} is not for you"}


async def test_a_feed_is_read_to_its_end_and_then_on_from_there() -> None:
    feed, reader = FeedOf(25), Reader()

    first = await reader.rest(feed)
    feed.count = 31
    then = await reader.at_least(feed, 6)

    assert [item["message_id"] for item in first + then] == list(range(31))


@pytest.mark.parametrize("known", [700, 1200])
async def test_as_many_of_the_newest_are_read_as_asked_for(known: int) -> None:
    found = await newest_certificates(SearchOf(known), 1100)

    assert [item["message_id"] for item in found] == list(range(min(known, 1100)))


async def test_a_refused_look_fails_the_run() -> None:
    with pytest.raises(RunFailed, match="403"):
        await Reader().rest(ThatRefuses())
    with pytest.raises(RunFailed, match="403"):
        await newest_certificates(ThatRefuses(), 1)
