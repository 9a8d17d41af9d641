"""The ledger in PostgreSQL: messages, exact bytes, deliveries, answers and events; the only room that speaks SQL."""
