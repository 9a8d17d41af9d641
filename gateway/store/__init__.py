"""
The ledger in PostgreSQL: messages, exact bytes, deliveries, answers, events. The only room that speaks SQL.

``ledger`` is what the other rooms call, ``page`` its one transaction, ``records`` what both take and give.
``queries/*.sql`` hold the fixed statements, ``search`` and ``feeds`` compose those whose conditions vary.
``connect`` opens the pool, ``migrate`` brings the schema, ``embedded`` starts a PostgreSQL of our own.
"""
