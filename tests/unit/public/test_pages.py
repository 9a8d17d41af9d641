"""The pages by themselves: alone on their port, slowed down, in three languages that say the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, cast

import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.public.app import MINUTELY_BY_NUMBER, Parts, alone, create_check
from gateway.public.codes import Codes
from gateway.registry.folder import Folder
from gateway.registry.load import Registry, load_registry
from gateway.store.public import IssuedRow
from tests.unit.intake.doors import th_customs

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


class LedgerThatIssuedNothing:
    """And remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def issued(self, certificate_no: int) -> IssuedRow | None:
        return None

    async def issued_as(self, form: str, number: str, issue_date: date) -> IssuedRow | None:
        return None

    async def asked_in_vain(self, form: str, number: str, at: datetime) -> None:
        self.asked.append((form, number))


class LedgerThatIsAway(LedgerThatIssuedNothing):
    async def issued(self, certificate_no: int) -> IssuedRow | None:
        raise ConnectionRefusedError("nobody there")


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry(Folder())


def client(registry: Registry, ledger: LedgerThatIssuedNothing) -> TestClient[Any, Any]:
    parts = Parts(
        home=th_customs(),
        registry=registry,
        ledger=cast("Any", ledger),
        clock=lambda: NOW,
        codes=Codes(bytes(32)),
        demonstration=True,
        counted=lambda standing: None,
        compute=cast("Any", None),
    )
    return TestClient(TestServer(alone(create_check(parts, away=(ConnectionRefusedError,)))))


async def test_alone_on_its_port_it_shows_the_check_and_nothing_else(registry: Registry) -> None:
    async with client(registry, LedgerThatIssuedNothing()) as stranger:
        statuses = {
            path: (await stranger.get(path, allow_redirects=False)).status
            for path in (
                "/",
                "/verify",
                "/verify/",
                "/health/live",
                "/console/",
                "/api/v1/certificates",
                "/metrics",
            )
        }

    assert statuses == {
        "/": 303,
        "/verify": 200,
        "/verify/": 200,
        "/health/live": 200,
        "/console/": 404,
        "/api/v1/certificates": 404,
        "/metrics": 404,
    }


@pytest.mark.parametrize(
    ("query", "header", "language"),
    [
        ("", "", "en"),
        ("", "th-TH,th;q=0.9,en;q=0.8", "th"),
        ("", "fr, vi;q=0.5", "vi"),
        ("?lang=vi", "th", "vi"),
        ("?lang=xx", "th", "th"),
    ],
)
async def test_it_speaks_the_language_its_reader_likes_best(
    registry: Registry, query: str, header: str, language: str
) -> None:
    async with client(registry, LedgerThatIssuedNothing()) as stranger:
        text = await (await stranger.get(f"/verify{query}", headers={"Accept-Language": header})).text()

    assert f'<html lang="{language}">' in text
    assert registry.labels[cast("Any", language)]["intro"] in text


def test_every_language_says_everything(registry: Registry) -> None:
    files = {path.stem: path for _, path in registry.folder.glob("mappings/labels/*.toml")}

    assert set(files) == {"en", "th", "vi"} == set(registry.labels)
    for language, labels in registry.labels.items():
        english = registry.labels[cast("Any", "en")]
        assert language == "en" or [key for key in labels if labels[key] == english[key]] == []


async def test_who_asks_by_number_too_often_is_slowed_and_remembers_nothing(registry: Registry) -> None:
    ledger = LedgerThatIssuedNothing()
    path = "/verify?form=form-d&number=VN-{}&issued=2026-09-14"

    async with client(registry, ledger) as stranger:
        answers = [await stranger.get(path.format(n)) for n in range(MINUTELY_BY_NUMBER + 5)]
        form = await stranger.get("/verify")

    assert [one.status for one in answers[:MINUTELY_BY_NUMBER]] == [404] * MINUTELY_BY_NUMBER
    assert answers[-1].status == 429
    assert answers[-1].headers["Retry-After"] == "60"
    assert form.status == 200
    assert len(ledger.asked) < MINUTELY_BY_NUMBER + 5


@pytest.mark.parametrize(
    ("typed", "remembered"),
    [
        ("  VN-1\t 2 ", "VN-1 2"),
        ("ＶＮ-1", "VN-1"),
        ("VN\u202e-1\x00", "VN-1"),
        ("9" * 200, "9" * 60),
    ],
)
async def test_a_number_is_read_as_it_was_meant(registry: Registry, typed: str, remembered: str) -> None:
    ledger = LedgerThatIssuedNothing()

    async with client(registry, ledger) as stranger:
        await stranger.get("/verify", params={"form": "form-d", "number": typed, "issued": "2026-09-14"})

    assert ledger.asked == [("form-d", remembered)]


async def test_a_form_or_day_that_does_not_exist_is_an_unknown_certificate(registry: Registry) -> None:
    ledger = LedgerThatIssuedNothing()

    async with client(registry, ledger) as stranger:
        answer = await stranger.get("/verify", params={"form": "<x>", "number": "1", "issued": "yesterday"})

    assert answer.status == 404
    assert ledger.asked == [("?", "1")]


async def test_a_ledger_that_is_away_says_nothing_about_the_certificate(registry: Registry) -> None:
    async with client(registry, LedgerThatIsAway()) as stranger:
        answer = await stranger.get("/verify/ABC")
        text = await answer.text()

    assert answer.status == 503
    assert registry.labels[cast("Any", "en")]["away"] in text
    assert registry.labels[cast("Any", "en")]["unknown"] not in text
