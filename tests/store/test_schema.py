"""What the database itself guards, and that every statement fits it and uses the indexes made for it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import date
from itertools import product
from pathlib import Path

import asyncpg
import pytest

import gateway.store
from gateway.domain.caller import EVERYTHING, Sight
from gateway.domain.status import (
    LIVES,
    TRANSITIONS,
    CertificateLife,
    DeliveryStatus,
    Direction,
    MessageType,
)
from gateway.store.connect import connect
from gateway.store.feeds import Statement, events_after, inbox_after
from gateway.store.ledger import Ledger
from gateway.store.search import Wanted, certificates_wanted
from gateway.store.statements import queries
from tests.servers import Servers
from tests.store.crowd import CROWD, scanned_whole
from tests.store.making import AT, TH, a_certificate, admit, an_arrival, certificate_of, claim_due, deliver

NAMES = sorted(name for name in queries.available_queries if not name.endswith("_cursor"))


# ---- lives -------------------------------------------------------------------------------------------------


async def test_the_table_of_delivery_moves_is_the_domains(pool: asyncpg.Pool) -> None:
    rows = await pool.fetch("SELECT from_status, to_status FROM delivery_transition")

    assert {tuple(row) for row in rows} == {
        (before.value, after.value) for before, afters in TRANSITIONS.items() for after in afters
    }


async def test_the_table_of_lives_is_the_domains(pool: asyncpg.Pool) -> None:
    rows = await pool.fetch("SELECT from_life, to_life FROM life_transition")

    assert {tuple(row) for row in rows} == {
        (before.value, after.value) for before, afters in LIVES.items() for after in afters
    }


async def test_the_database_knows_which_deliveries_are_open(ledger: Ledger, pool: asyncpg.Pool) -> None:
    await ledger.submit(a_certificate())
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("ALTER TABLE delivery DISABLE TRIGGER delivery_moves")
        seen = {}
        for status in DeliveryStatus:
            row = await connection.fetchrow(
                "UPDATE delivery SET status = $1 RETURNING open, troubled", status.value
            )
            assert row is not None
            seen[status] = (row["open"], row["troubled"])

    assert {status for status, (is_open, _) in seen.items() if not is_open} == {
        status for status in DeliveryStatus if status.is_final
    }
    assert {status for status, (_, troubled) in seen.items() if troubled} == {
        DeliveryStatus.REFUSED,
        DeliveryStatus.EXPIRED,
        DeliveryStatus.ON_HOLD,
        DeliveryStatus.WITHDRAWN,
    }


async def refusal_of(pool: asyncpg.Pool, statement: str, *arguments: object) -> str | None:
    """SQLSTATE with which *statement* is refused, undone either way."""
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await connection.execute(statement, *arguments)
        except asyncpg.PostgresError as error:
            return error.sqlstate
        finally:
            await transaction.rollback()
    return None


async def test_the_database_refuses_a_delivery_move_that_is_not_in_the_table(
    ledger: Ledger, pool: asyncpg.Pool
) -> None:
    await ledger.submit(a_certificate())
    refused = set()
    for before, after in product(DeliveryStatus, DeliveryStatus):
        async with pool.acquire() as connection:
            await connection.execute("ALTER TABLE delivery DISABLE TRIGGER delivery_moves")
            await connection.execute("UPDATE delivery SET status = $1", before.value)
            await connection.execute("ALTER TABLE delivery ENABLE TRIGGER delivery_moves")
        if await refusal_of(pool, "UPDATE delivery SET status = $1", after.value) == "EG001":
            refused.add((before, after))

    assert refused == {
        (before, after)
        for before, after in product(DeliveryStatus, DeliveryStatus)
        if after not in TRANSITIONS[before] and before is not after
    }


async def test_the_database_refuses_a_life_move_that_is_not_in_the_table(
    ledger: Ledger, pool: asyncpg.Pool
) -> None:
    await ledger.submit(a_certificate())
    refused = set()
    for before, after in product(CertificateLife, CertificateLife):
        async with pool.acquire() as connection:
            await connection.execute("ALTER TABLE certificate DISABLE TRIGGER life_moves")
            await connection.execute("UPDATE certificate SET life = $1", before.value)
            await connection.execute("ALTER TABLE certificate ENABLE TRIGGER life_moves")
        statement = "UPDATE certificate SET life = $1, life_moved_at = now()"
        if await refusal_of(pool, statement, after.value) == "EG002":
            refused.add((before, after))

    assert refused == {
        (before, after)
        for before, after in product(CertificateLife, CertificateLife)
        if after not in LIVES[before] and before is not after
    }


async def test_a_delivery_begins_ready_to_send(pool: asyncpg.Pool) -> None:
    statement = (
        "INSERT INTO delivery (message_no, party, conversation_id, side, recorded_at, moved_at, status)"
        " VALUES (1, 'X', 'c@x', 'out', now(), now(), $1)"
    )

    assert await refusal_of(pool, statement, "sending") == "EG001"
    assert await refusal_of(pool, statement, "ready_to_send") is None


# ---- history -----------------------------------------------------------------------------------------------

HISTORY = {
    "event": "who",
    "document": "body",
    "attempt": "cause",
    "receipt": "body",
    "issued_receipt": "body",
    "acknowledgement": "outcome",
}


@pytest.mark.parametrize("table", list(HISTORY))
async def test_history_is_written_once(ledger: Ledger, pool: asyncpg.Pool, table: str) -> None:
    await deliver(ledger)
    await admit(ledger, an_arrival())
    statements = [
        f"UPDATE {table} SET {HISTORY[table]} = {HISTORY[table]}",
        f"DELETE FROM {table}",
        f"TRUNCATE {table}",
    ]

    assert await pool.fetchval(f"SELECT count(*) FROM {table}") > 0
    assert [await refusal_of(pool, statement) for statement in statements] == ["EG003"] * 3
    housekeeping = "SET LOCAL gateway.housekeeping = 'on'; "
    assert [await refusal_of(pool, housekeeping + statement) for statement in statements] == [None] * 3


async def test_rarer_history_is_guarded_too(pool: asyncpg.Pool) -> None:
    for table in ("customs_response", "refused_submission", "refused_message"):
        assert await refusal_of(pool, f"TRUNCATE {table}") == "EG003"


# ---- statements --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
async def test_every_named_statement_fits_the_schema(pool: asyncpg.Pool, name: str) -> None:
    async with pool.acquire() as connection:
        statement = await connection.prepare(getattr(queries, name).sql)
        nulls = [None] * len(statement.get_parameters())

        assert await connection.fetch(f"EXPLAIN {getattr(queries, name).sql}", *nulls)


@pytest.mark.parametrize("name", NAMES)
def test_every_named_statement_is_used_and_says_what_it_does(name: str) -> None:
    modules = Path(gateway.store.__file__).parent.glob("*.py")

    assert any(f"queries.{name}(" in module.read_text("utf-8") for module in modules)
    assert len(getattr(queries, name).__doc__ or "") > 10


def test_no_statement_takes_more_than_it_names() -> None:
    for name in NAMES:
        assert not re.search(r"\bSELECT\s+\*|\.\*", getattr(queries, name).sql), name


@pytest.fixture
async def crowded(servers: Servers, server_kind: str) -> AsyncIterator[asyncpg.Pool]:
    """A ledger of 20,000 delivered certificates, a few of them in every other state."""
    async with servers.database(server_kind) as url:
        pool = await connect(url, connections=2, at_least=1)
        try:
            await pool.execute(CROWD)
            yield pool
        finally:
            pool.terminate()


HOT: dict[str, tuple[dict[str, object], set[str]]] = {
    "claim": (
        {"party": TH, "lane_fence": 1, "lease_s": 60.0, "batch": 20, "at": AT},
        {"delivery_due", "delivery_in_conversation", "delivery_pkey", "message_pkey", "document_pkey"},
    ),
    "next_due_s": ({"party": TH}, {"delivery_due", "delivery_in_conversation"}),
    "wake": ({"party": TH, "batch": 1000}, {"delivery_due", "delivery_worn", "delivery_pkey"}),
    "lanes": ({"at": AT}, set()),
    "message": ({"message_no": 19950}, {"delivery_pkey", "message_pkey"}),
    "issued_receipt": (
        {"party": TH, "message_id": "m5@x"},
        {"message_message_id_party_direction_key", "issued_receipt_pkey"},
    ),
    "find_submitted": (
        {"number": "VN-5", "family": "atiga/form-d", "issuing_country": "VN", "content_digest": b"x"},
        {"certificate_number_family_issuing_country_direction_key", "message_of_certificate"},
    ),
    "lock_conversation": ({"message_no": 19950}, {"delivery_pkey"}),
    "events_of_messages": ({"message_nos": [5, 6]}, {"event_of_message"}),
    "messages_of_certificate": ({"certificate_no": 5}, {"message_of_certificate"}),
    "chain": ({"certificate_no": 5}, {"certificate_replacing", "certificate_copying"}),
}


def plan_of(rows: list[asyncpg.Record]) -> str:
    return "\n".join(row[0] for row in rows)


async def explain(
    connection: asyncpg.Connection[asyncpg.Record], sql: str, arguments: list[object], mode: str
) -> str:
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(f"SET LOCAL plan_cache_mode = {mode}")
        return plan_of(await connection.fetch(f"EXPLAIN {sql}", *arguments))
    finally:
        await transaction.rollback()


async def hot_statements_use_the_indexes_made_for_them(crowded: asyncpg.Pool) -> None:
    for name, (given, indexes) in HOT.items():
        arguments = queries.driver_adapter.arguments(name, given)
        for mode in ("force_custom_plan", "force_generic_plan"):
            async with crowded.acquire() as connection:
                plan = await explain(connection, getattr(queries, name).sql, arguments, mode)  # type: ignore[arg-type]

            assert scanned_whole(plan) == [], (name, mode, plan)
            assert indexes <= set(re.findall(r"\b(\w+)\b", plan)), (name, mode, plan)


SEARCHES = {
    "number": (Wanted(number="VN-77"), "certificate_number_family_issuing_country_direction_key"),
    "nothing": (Wanted(), "certificate_newest"),
    "receiver": (Wanted(receiver="MY.CUSTOMS"), "certificate_of_party"),
    "form": (Wanted(form="form-e"), "certificate_of_form"),
    "long-form": (Wanted(form="acfta/form-e/1.0"), "certificate_of_form"),
    "organisation": (Wanted(sight=Sight(organisation="O7")), "certificate_of_organisation"),
    "received": (Wanted(sight=Sight(received=True)), "certificate_newest_received"),
    "in": (Wanted(direction=Direction.IN), "certificate_newest_received"),
    "days": (Wanted(first_day=date(2026, 1, 5), last_day=date(2026, 1, 5)), "certificate_newest"),
    "delivered": (Wanted(status="delivered"), "certificate_newest"),
    "expired": (Wanted(status="expired"), "delivery_troubled"),
    "awaiting_retry": (Wanted(status="awaiting_retry"), "certificate_by_message"),
    "rejected": (Wanted(status="rejected"), "certificate_notable"),
    "cancelled": (Wanted(status="cancelled"), "certificate_notable"),
    "preference_denied": (Wanted(status="preference_denied"), "certificate_answered"),
}


async def explained(connection: asyncpg.Connection[asyncpg.Record], statement: Statement) -> str:
    return plan_of(await connection.fetch(f"EXPLAIN {statement.sql}", *statement.arguments))


async def searches_are_driven_by_their_index(crowded: asyncpg.Pool) -> None:
    async with crowded.acquire() as connection:
        for name, (wanted, index) in SEARCHES.items():
            plan = await explained(connection, certificates_wanted(wanted, before=(AT, 15_000)))  # type: ignore[arg-type]

            assert index in plan, (name, plan)
            assert scanned_whole(plan) == [], (name, plan)


async def feeds_are_read_by_their_index(crowded: asyncpg.Pool) -> None:
    epoch = 1 << 48
    begin, end = (epoch + 1, 1), (epoch + 1990, 19_900)
    events = {
        "event_pkey": events_after(end, limit=50, sight=EVERYTHING),
        "event_of_organisation": events_after(begin, limit=50, sight=Sight(organisation="O7")),
        "event_inbound": events_after(begin, limit=50, sight=Sight(received=True)),
        "inbox_pkey": inbox_after(end, limit=50, sight=EVERYTHING),
        "inbox_of_type": inbox_after(begin, limit=50, sight=EVERYTHING, wanted=MessageType.CERTIFICATE),
        "inbox_of_organisation": inbox_after(begin, limit=50, sight=Sight(organisation="O7")),
    }
    async with crowded.acquire() as connection:
        for index, statement in events.items():
            plan = await explained(connection, statement)  # type: ignore[arg-type]

            assert index in plan, (index, plan)
            assert scanned_whole(plan) == [], (index, plan)


async def test_a_crowded_ledger_is_read_by_its_indexes(crowded: asyncpg.Pool) -> None:
    await hot_statements_use_the_indexes_made_for_them(crowded)
    await searches_are_driven_by_their_index(crowded)
    await feeds_are_read_by_their_index(crowded)


async def test_a_claim_leaves_its_row_where_it_is(ledger: Ledger, pool: asyncpg.Pool) -> None:
    """An update that no index must follow stays on its page."""
    await ledger.submit(a_certificate())
    before = await pool.fetchval("SELECT ctid::text FROM delivery")

    await claim_due(ledger, TH, lease_s=60, limit=1)

    after = await pool.fetchval("SELECT ctid::text FROM delivery")
    assert before.split(",")[0] == after.split(",")[0]
    found = await pool.fetchval(
        "SELECT count(*) FROM delivery WHERE message_no = $1", (await certificate_of(ledger)).message_no
    )
    assert found == 1
