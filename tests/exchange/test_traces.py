"""Two whole gateways tell a collector of one exchange, each its half, in one trace."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.exchange.contract import two_gateways
from tests.servers import Servers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]


class Collector:
    """What nodes told: by trace, who did what."""

    def __init__(self) -> None:
        self.told: dict[bytes, set[tuple[str, str]]] = {}

    async def take(self, request: web.Request) -> web.Response:
        taken = ExportTraceServiceRequest.FromString(await request.read())
        for resource in taken.resource_spans:
            named = {one.key: one.value.string_value for one in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.told.setdefault(span.trace_id, set()).add((named["service.instance.id"], span.name))
        return web.Response()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def collector() -> AsyncIterator[tuple[Collector, str]]:
    kept = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", kept.take)
    async with TestServer(app) as server:
        yield kept, str(server.make_url("/v1/traces"))


async def test_an_exchange_is_one_trace_over_both_countries(
    servers: Servers, tmp_path: Path, collector: tuple[Collector, str]
) -> None:
    kept, endpoint = collector
    async with two_gateways(servers, tmp_path) as pair:
        for side in (pair.vn, pair.th):
            await side.restart(otlp_endpoint=endpoint)
        await pair.exchange()
        await pair.vn.stop()
        await pair.th.stop()  # what is left is handed over

    halves = {("VN.MOIT", "submit"), ("VN.MOIT", "deliver"), ("TH.CUSTOMS", "admit")}
    assert [trace for trace in kept.told.values() if halves <= trace]
