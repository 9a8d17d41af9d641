"""What operators and issuers can still do with a certificate that did not get through."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from tests.exchange.contract import FORM_D, RCEP, Pair, a_record, two_gateways
from tests.servers import Servers

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

AWAY, STOPPED = "MY.CUSTOMS", "SG.CUSTOMS"
ONE_LONG_WAIT = "waits_s = [3600]\nreceipt_within_s = 30\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    """TH has not agreed to take Form RCEP; nobody listens at AWAY; STOPPED is suspended."""
    work = tmp_path_factory.mktemp("control")
    async with two_gateways(servers, work, others=dict.fromkeys((AWAY, STOPPED), ONE_LONG_WAIT)) as running:
        registry = running.th.registry
        agreed = {
            key: corridor for key, corridor in registry.corridors.items() if RCEP not in corridor.accepts
        }
        await running.th.restart(registry=replace(registry, corridors=agreed))
        await running.vn.operator.post(f"/parties/{STOPPED}/suspend")
        yield running


async def test_a_number_refused_on_the_wire_comes_again_corrected_and_the_former_does_not(pair: Pair) -> None:
    refused = await pair.submitted(form=RCEP)
    await pair.vn.operator.until(refused.message, lambda one: one["delivery"] == "refused")
    corrected = refused.record | {"exporter": refused.record["exporter"] | {"name": "Corrected Ltd."}}

    again = await pair.vn.issuer.submit(corrected)
    former = await pair.vn.operator.post(f"{refused.message}/resend")

    assert again.status == 202, again.body
    assert again.body["message_id"] != refused.message_id
    assert former.status == 409
    assert "its number went out in another message" in former.body["detail"]
    repeated = await pair.vn.issuer.submit(refused.record)
    assert (repeated.status, repeated.body["message_id"]) == (200, refused.message_id)


@pytest.mark.parametrize("party", [AWAY, STOPPED])
async def test_a_withdrawn_certificate_that_never_arrived_is_not_cancelled_abroad(
    pair: Pair, party: str
) -> None:
    sent = await pair.submitted(importing_country=party[:2])
    if party == AWAY:
        await pair.vn.operator.until(sent.message, lambda one: one["delivery"] == "awaiting_retry")
    withdrawn = await pair.vn.operator.post(f"{sent.message}/withdraw")

    cancelled = await pair.vn.issuer.post(f"{sent.path}/cancellation", {"reason": "not wanted"})

    assert (withdrawn.status, cancelled.status, cancelled.codes) == (200, 409, ["B03"])
    assert "nothing to cancel" in cancelled.body["detail"]
    story = (await pair.vn.issuer.get(sent.path)).body
    assert ([one["type"] for one in story["messages"]], story["life"]) == (["certificate"], "in_force")


async def test_a_judgement_names_the_receiver_where_it_is_asked_for(pair: Pair) -> None:
    record = a_record(form=FORM_D)

    plain = await pair.vn.issuer.post("/certificates/validate", record)
    routed = await pair.vn.issuer.post("/certificates/validate", record, route="true")
    nobody = await pair.vn.issuer.post(
        "/certificates/validate", a_record(importing_country="LA"), route="true"
    )
    unclear = await pair.vn.issuer.post("/certificates/validate", record, route="yes")

    assert set(plain.body) == {"form", "valid", "findings"}
    assert routed.body == plain.body | {"receiver": "TH.CUSTOMS"}
    assert (nobody.body["valid"], nobody.body["receiver"]) == (False, None)
    assert unclear.status == 400
