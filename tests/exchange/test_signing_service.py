"""While the service that keeps our signing key is dead, nothing leaves unsigned, and everything waits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.demo.country import Address
from tests.exchange.pair import TH, VN, Papers, is_acknowledged, pair
from tests.servers import Servers
from tests.unit.signers.signing_server import CREDENTIAL, TOKEN, Answer, SigningService, signing_service


class PapersElsewhere(Papers):
    """The signing key is kept by a service."""

    def __init__(self, party: str, service: SigningService) -> None:
        super().__init__(party)
        self._service = service
        service.private = self.sign[0].issued.private

    def write(self, work: Path, address: Address) -> None:
        super().write(work, address)
        keys = work / "keys" / self.party
        (keys / "sign-1.key").unlink()
        (keys / "sign-service.toml").write_text(
            f'certificate = "{self.party.lower()}.sign-1.pem"\n[service]\nurl = "{self._service.base}"\n'
            f'credential = "{CREDENTIAL}"\ntoken_file = "token"\ntimeout_s = 20\n',
            "utf-8",
        )
        (keys / "token").touch(0o600)
        (keys / "token").write_text(TOKEN, "utf-8")


def out_of_order(_: SigningService, __: dict[str, Any]) -> Answer:
    return 503, b"{}"


def signs_something_else(service: SigningService, _: dict[str, Any]) -> Answer:
    return service.signed(bytes(32))


@pytest.fixture
def services() -> Any:
    papers = Papers(VN)
    with (
        signing_service(papers.sign[0].issued.private) as vn,
        signing_service(papers.sign[0].issued.private) as th,
    ):
        yield vn, th


async def test_a_dead_signing_service_holds_submissions_and_lanes_and_nothing_leaves_unsigned(
    tmp_path: Path, servers: Servers, services: tuple[SigningService, SigningService]
) -> None:
    vn, th = services
    papers = [PapersElsewhere(VN, vn), PapersElsewhere(TH, th)]
    async with pair(tmp_path, servers, papers) as both:
        await both.exchange("VN-SERVICE-1")

        th.behaves = out_of_order
        await both.vn.submit("VN-SERVICE-2")
        held = await both.vn.until("VN-SERVICE-2", _has_waited)
        vn.behaves = signs_something_else
        with pytest.raises(AssertionError, match="Our signing key does not answer, so nothing was taken"):
            await both.vn.submit("VN-SERVICE-3")
        assert held["messages"][0]["delivery"] != "delivered"
        listed = await both.vn.call("GET", "certificates?direction=out")
        assert "VN-SERVICE-3" not in str(listed)

        vn.behaves = th.behaves = None
        await both.vn.until("VN-SERVICE-2", is_acknowledged)


def _has_waited(story: dict[str, Any]) -> bool:
    """Whether an attempt was made and the other side asked to come back."""
    return bool(story["messages"][0]["attempts"])
