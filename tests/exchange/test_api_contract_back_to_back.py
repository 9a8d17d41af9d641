"""Back-to-back certificates over the national API: never more than the originals, two at once included."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.exchange.contract import RCEP, Exchanged, Pair, Reply, a_record, two_gateways
from tests.servers import Servers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

ITEM: dict[str, Any] = a_record(form=RCEP)["items"][0]
_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    async with two_gateways(servers, tmp_path_factory.mktemp("back-to-back")) as running:
        yield running


async def original(pair: Pair, value: float = 1000) -> Exchanged:
    """A certificate of VN over one item of so many kilograms, arrived at TH."""
    items = [ITEM | {"no": 1, "quantity": {"value": value, "unit": "KGM"}}]
    return await pair.exchange(form=RCEP, items=items)


def re_export(value: float, *originals: str, **more: Any) -> dict[str, Any]:
    """A certificate of TH for MY that takes so many kilograms from these originals."""
    record: dict[str, Any] = a_record(form=RCEP)
    day = record["issue_date"]
    return {
        **record,
        "certificate_number": f"TH-B2B-{next(_numbers):04}",
        "exporting_country": "TH",
        "importing_country": "MY",
        "exporter": record["exporter"] | {"country": "TH"},
        "consignee": record["consignee"] | {"country": "MY"},
        "transport": record["transport"] | {"port_of_loading": "THLCH", "port_of_discharge": "MYPKG"},
        "ticks": ["back_to_back"],
        "items": [ITEM | {"no": 1, "quantity": {"value": value, "unit": "KGM"}}],
        "back_to_back": [
            {"number": number, "issue_date": day, "issuing_country": "VN", "origin": "VN"}
            for number in originals
        ],
        **more,
    }


async def submit(pair: Pair, record: dict[str, Any]) -> Reply:
    return await pair.th.issuer.submit(record)


def errors(reply: Reply) -> list[str]:
    return [finding["code"] for finding in reply.body["findings"] if finding["severity"] == "error"]


async def test_re_exports_never_exceed_the_original(pair: Pair) -> None:
    number = (await original(pair)).number
    first = re_export(600, number)

    taken, again = await submit(pair, first), await submit(pair, first)
    refused = await submit(pair, re_export(401, number))
    rest = await submit(pair, re_export(400, number))
    nothing_left = await submit(pair, re_export(1, number))

    assert (taken.status, again.status, rest.status) == (202, 200, 202)
    assert (refused.status, errors(refused)) == (422, ["C07"])
    assert "more than its originals have left" in refused.body["findings"][0]["text"]
    assert (nothing_left.status, errors(nothing_left)) == (422, ["C07"])


async def test_of_many_at_once_as_many_are_taken_as_there_is(pair: Pair) -> None:
    number = (await original(pair)).number

    replies = await asyncio.gather(*(submit(pair, re_export(300, number)) for _ in range(8)))

    assert sorted(reply.status for reply in replies) == [202] * 3 + [422] * 5


async def test_what_was_withdrawn_may_be_taken_again(pair: Pair) -> None:
    number = (await original(pair)).number
    taken = await submit(pair, re_export(1000, number))
    path = f"/messages/{taken.body['message_id'].replace('@', '%40')}"
    await pair.th.operator.post(f"{path}/hold")
    assert (await pair.th.operator.post(f"{path}/withdraw")).status == 200

    assert (await submit(pair, re_export(1000, number))).status == 202


async def test_a_replacement_takes_the_place_of_what_it_replaces(pair: Pair) -> None:
    number = (await original(pair)).number
    first = re_export(1000, number)
    await submit(pair, first)
    replaces = {"number": first["certificate_number"], "issue_date": first["issue_date"]}

    assert (await submit(pair, re_export(900, number, replaces=replaces))).status == 202


async def test_an_original_that_is_not_known_is_a_warning(pair: Pair) -> None:
    taken = await submit(pair, re_export(5, "VN26/UNKNOWN"))

    assert taken.status == 202
