"""A year of certificates: every clock tells when it must, reports agree, and nothing open is nobody's."""

from __future__ import annotations

import pytest

from gateway.store.connect import connect
from tests.servers import Servers, default_kind
from tests.year.run import Year, the_law

CERTIFICATES = 2_000


@pytest.mark.timeout(900)
async def test_in_a_year_every_clock_tells_once_at_its_instant_and_reports_agree_with_the_ledger(
    servers: Servers,
) -> None:
    async with servers.database(default_kind()) as url:
        pool = await connect(url, connections=5, at_least=1)
        try:
            lived = await Year(pool, CERTIFICATES, seed=1).live()
        finally:
            pool.terminate()

    assert lived.faults == []
    assert (lived.certificates, lived.corridors) == (CERTIFICATES, 6)
    assert {told.split()[1] for told in lived.told} == {clock.name for clock in the_law().clocks}
