"""A national system of the demonstration: it knows nothing but the national API of its own gateway."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import aiohttp

from gateway.demo.plan import Fate


class Api:
    """Calls to one gateway's national API as one caller."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session = session
        self._url = f"{url}/api/v1"
        self._headers = {"Authorization": f"Bearer {token}"}

    async def get(self, path: str, **parameters: str) -> Any:
        """
        The JSON under *path*.

        Raises:
            aiohttp.ClientResponseError: the gateway answered with an error.
        """
        async with self._session.get(
            f"{self._url}{path}", params=parameters, headers=self._headers
        ) as answer:
            answer.raise_for_status()
            return await answer.json()

    async def post(self, path: str, body: Any) -> tuple[int, Any]:
        """Status and JSON of the answer to *body*."""
        async with self._session.post(f"{self._url}{path}", json=body, headers=self._headers) as answer:
            return answer.status, await answer.json(content_type=None)


class Robot:
    """
    Reads the inbox by cursor and answers each certificate as its fate demands.

    Attributes:
        seen: how often each certificate number stood in the inbox.
    """

    def __init__(self, api: Api, fates: Mapping[str, Fate]) -> None:
        self.seen: Counter[str] = Counter()
        self._api = api
        self._fates = fates

    async def run(self) -> None:
        """Work until cancelled."""
        cursor = "0"
        while True:
            page = await self._api.get("/inbox", after=cursor, limit="100")
            for item in page["items"]:
                if item["type"] == "certificate":
                    await self._answer(item)
            cursor = page["next"]
            if not page["items"]:
                await asyncio.sleep(0.2)

    async def _answer(self, item: Mapping[str, Any]) -> None:
        self.seen[item["certificate_number"]] += 1
        fate = self._fates.get(item["certificate_number"], Fate.UTILISED)
        path = f"/inbox/{quote(item['message_id'], safe='')}"
        if fate is Fate.REJECTED:
            text = "Box 8: the goods presented do not answer the description"
            finding = {"code": "B01", "severity": "error", "box": "8", "text": text}
            await self._post(f"{path}/acknowledgement", {"outcome": "rejected", "findings": [finding]})
            return
        await self._post(f"{path}/acknowledgement", {"outcome": "accepted", "findings": []})
        goods = (await self._api.get(path))["content"]["items"]
        shares = (0.25, 0.5) if fate is Fate.IN_PARTS else (1.0,)
        for number, share in enumerate(shares, start=1):
            declaration = f"{item['certificate_number'][-5:]}/{number}"
            outcomes = [_outcome(one, share, declaration, item["received_at"][:10]) for one in goods]
            await self._post(f"{path}/customs-response", {"items": outcomes})

    async def _post(self, path: str, body: Any) -> None:
        status, answer = await self._api.post(path, body)
        if status != 202:
            raise RuntimeError(f"POST {path}: {status}: {answer}")


def _outcome(goods: Mapping[str, Any], share: float, declaration: str, day: str) -> dict[str, Any]:
    whole = share == 1.0
    return {
        "no": goods["no"],
        "outcome": "utilised" if whole else "partially_utilised",
        "quantity": {"value": goods["quantity"]["value"] * share, "unit": goods["quantity"]["unit"]},
        "declaration": declaration,
        "date": day,
    }
