-- A feed waits for what is still being written to its own database, and no longer for every transaction of the
-- server: a long one next door held back the readers of all databases beside it.

-- Everything before this place of a feed stands for good. A transaction that is open counts as ours unless the
-- server says that it works for another database; a role without pg_read_all_stats sees its own sessions alone.
CREATE OR REPLACE FUNCTION feed_end() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT (max(epoch)::bigint << 48) + coalesce(
               (SELECT min(open.xact::text::bigint)
                  FROM pg_snapshot_xip(pg_current_snapshot()) AS open (xact)
                 WHERE NOT EXISTS (SELECT FROM pg_stat_get_activity(NULL) AS session
                                    WHERE session.backend_xid = open.xact::xid
                                      AND session.datid <> (SELECT oid FROM pg_database
                                                             WHERE datname = current_database()))),
               pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
      FROM feed_epoch
$$;

-- Nothing that is committed by now has a place in a feed at or after this one.
CREATE FUNCTION feed_front() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT (max(epoch)::bigint << 48) + pg_snapshot_xmax(pg_current_snapshot())::text::bigint FROM feed_epoch
$$;
