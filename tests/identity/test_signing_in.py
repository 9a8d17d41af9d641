"""People sign in by a provider that is not ours, over HTTP; sessions live and end as they should."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from gateway.domain.caller import Caller, Role
from gateway.identity.grants import Grants, Person
from gateway.identity.signing_in import SignInRefused, SignIns, digest_of, form_token, inside
from gateway.store.ledger import Ledger
from tests.identity.people import BACK, CAME, CLIENT, approve, door_to, provider_running

#: What the provider's own library says of itself while it runs in this process.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
OPERATOR = Person(caller=Caller(subject="op", roles=frozenset({Role.OPERATOR})), name="Op")


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with provider_running() as url:
        yield url


@pytest.fixture
async def door(issuer: str, ledger: Ledger) -> AsyncIterator[SignIns]:
    async with door_to(issuer, ledger) as (sign_ins, _):
        yield sign_ins


async def test_who_the_provider_vouches_for_is_let_in_and_it_is_told(door: SignIns, ledger: Ledger) -> None:
    begun = await door.begin("/console/messages?status=rejected")
    back = await approve(begun.url, "operator-03")

    opened = await door.finish(state=back["state"], code=back["code"], browser=begun.browser, came=CAME)

    assert opened.return_to == "/console/messages?status=rejected"
    session = await door.session(opened.session_id)
    assert session is not None
    assert (session.caller.subject, session.name, session.caller.roles) == (
        "operator-03",
        "Operator 03",
        frozenset({Role.OPERATOR}),
    )
    told = (await ledger.history())[0]
    assert (told.what, told.who) == ("session:begun", "operator-03")


async def test_the_provider_is_asked_with_state_nonce_and_pkce(door: SignIns, issuer: str) -> None:
    first, second = await door.begin(None), await door.begin(None)

    assert first.url.startswith(f"{issuer}/oauth2/authorize?")
    for part in (f"client_id={CLIENT}", "code_challenge_method=S256", "code_challenge=", "nonce=", "state="):
        assert part in first.url
    assert BACK.replace(":", "%3A").replace("/", "%2F") in first.url
    assert first.browser != second.browser


async def test_a_sign_in_comes_back_once_and_to_the_browser_that_began_it(door: SignIns) -> None:
    begun, other = await door.begin(None), await door.begin(None)
    back = await approve(begun.url, "operator-03")

    with pytest.raises(SignInRefused, match="not begun in this browser"):
        await door.finish(state=back["state"], code=back["code"], browser=other.browser, came=CAME)
    await door.finish(state=back["state"], code=back["code"], browser=begun.browser, came=CAME)
    with pytest.raises(SignInRefused, match="not begun in this browser"):
        await door.finish(state=back["state"], code=back["code"], browser=begun.browser, came=CAME)


async def test_a_code_of_another_sign_in_is_refused_and_told(door: SignIns, ledger: Ledger) -> None:
    mine, theirs = await door.begin(None), await door.begin(None)
    foreign = await approve(theirs.url, "operator-03")
    own = await approve(mine.url, "operator-03")

    with pytest.raises(SignInRefused, match="does not hold"):
        await door.finish(state=own["state"], code=foreign["code"], browser=mine.browser, came=CAME)

    told = (await ledger.history())[0]
    assert (told.what, (told.detail or {})["reason"]) == ("session:refused", "its nonce is another's")


async def test_whom_the_provider_sends_back_without_a_code_is_told_of_and_so_is_a_stranger(
    door: SignIns, ledger: Ledger
) -> None:
    begun = await door.begin(None)
    back = await approve(begun.url, "operator-03")
    for words in ("sent you back: access_denied", "not begun in this browser"):
        with pytest.raises(SignInRefused, match=words):
            await door.finish(
                state=back["state"], code="", browser=begun.browser, came=CAME, instead="access_denied"
            )

    reasons = [(told.detail or {})["reason"] for told in await ledger.history()]
    assert reasons == [
        "not begun in this browser, or too long ago",
        "the provider sent no code: access_denied",
    ]


async def test_somebody_without_a_role_here_is_not_let_in(door: SignIns, ledger: Ledger) -> None:
    begun = await door.begin(None)
    back = await approve(begun.url, "nobody")

    with pytest.raises(SignInRefused, match="no role"):
        await door.finish(state=back["state"], code=back["code"], browser=begun.browser, came=CAME)

    assert (await ledger.history())[0].who == "nobody"


async def test_a_provider_that_is_away_is_told_to_the_person(ledger: Ledger) -> None:
    async with door_to("http://127.0.0.1:1", ledger) as (door, _):
        with pytest.raises(SignInRefused, match="cannot be reached"):
            await door.begin(None)


class ClockByHand:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> ClockByHand:
    return ClockByHand()


@pytest.fixture
def sessions(ledger: Ledger, clock: ClockByHand) -> SignIns:
    return SignIns(ledger, clock, Grants())


async def test_a_session_ends_when_its_holder_is_idle_and_not_before(
    sessions: SignIns, clock: ClockByHand
) -> None:
    session_id = await sessions.admit(OPERATOR, "test", CAME)

    for _ in range(3):
        clock.now += timedelta(minutes=29)
        assert await sessions.session(session_id) is not None
    clock.now += timedelta(minutes=31)
    assert await sessions.session(session_id) is None


async def test_watching_does_not_prolong_a_session(sessions: SignIns, clock: ClockByHand) -> None:
    session_id = await sessions.admit(OPERATOR, "test", CAME)

    for _ in range(3):
        clock.now += timedelta(minutes=10)
        await sessions.session(session_id, prolong=False)
    clock.now += timedelta(seconds=1)
    assert await sessions.session(session_id, prolong=False) is None


async def test_no_session_lives_longer_than_ten_hours(sessions: SignIns, clock: ClockByHand) -> None:
    session_id = await sessions.admit(OPERATOR, "test", CAME)

    for _ in range(30):
        clock.now += timedelta(minutes=20)
        assert await sessions.session(session_id) is not None
    clock.now += timedelta(minutes=1)
    assert await sessions.session(session_id) is None


async def test_a_session_can_be_ended_by_its_holder_or_an_administrator_alone(
    sessions: SignIns, ledger: Ledger
) -> None:
    session_id = await sessions.admit(OPERATOR, "test", CAME)
    session = await sessions.session(session_id)
    assert session is not None
    number = session.session_no

    assert not await ledger.end_session(number, who="other", subject="other", at=NOW)
    assert await ledger.end_session(number, who="admin", subject=None, at=NOW)

    assert await sessions.session(session_id) is None
    assert not await ledger.end_session(number, who="admin", subject=None, at=NOW)
    assert [event.what for event in await ledger.history(people=True)] == ["session:ended", "session:begun"]


async def test_the_database_knows_no_cookie(sessions: SignIns, pool: asyncpg.Pool) -> None:
    session_id = await sessions.admit(OPERATOR, "test", CAME)

    kept = await pool.fetchrow("SELECT session.*, session::text AS whole FROM session")
    assert kept is not None
    assert kept["session_digest"] == digest_of(session_id)
    assert session_id not in kept["whole"]


def test_each_session_has_a_form_token_of_its_own() -> None:
    assert form_token("a") != form_token("b")
    assert "a" * 20 not in form_token("a" * 20)


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/console/",
        "//evil.example/console/",
        "/console/\\evil",
        "/consoleevil",
        "/console/\nSet-Cookie: x",
        "/api/v1/events",
        "",
        None,
        "/console/" + "x" * 400,
    ],
)
def test_nobody_is_sent_out_of_the_console(path: str | None) -> None:
    assert inside(path) == "/console/"


@pytest.mark.parametrize("path", ["/console/", "/console/messages/a%2Fb?party=TH.CUSTOMS&only=all"])
def test_everybody_comes_back_to_their_page(path: str) -> None:
    assert inside(path) == path
