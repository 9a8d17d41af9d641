-- Counting.

-- name: fold_tally(batch)$
-- Fold up to :batch more events into the tally; how many were folded.
WITH begun AS MATERIALIZED (
    SELECT place, event_no FROM tally_position FOR UPDATE
), fresh AS MATERIALIZED (
    SELECT e.place, e.event_no, e.party, e.what, e.detail
      FROM event e
     WHERE (e.place, e.event_no) > ((SELECT place FROM begun), (SELECT event_no FROM begun))
       AND e.place < feed_end()
     ORDER BY e.place, e.event_no
     LIMIT :batch
), counted AS (
    INSERT INTO delivery_tally AS t (party, status, n)
    SELECT step.party, step.status, sum(step.n)
      FROM (SELECT party, split_part(what, ':', 2) AS status, 1 AS n FROM fresh WHERE what LIKE 'delivery:%'
             UNION ALL
            SELECT party, detail ->> 'from', -1 FROM fresh WHERE what LIKE 'delivery:%' AND detail ? 'from') AS step
     GROUP BY step.party, step.status
     ORDER BY step.party, step.status
    ON CONFLICT (party, status) DO UPDATE SET n = t.n + excluded.n
), gone_to AS (
    UPDATE tally_position p
       SET place = last.place, event_no = last.event_no
      FROM (SELECT place, event_no FROM fresh ORDER BY place DESC, event_no DESC LIMIT 1) AS last
)
SELECT count(*) FROM fresh;

-- name: tally()
-- Deliveries by party and status, as of the last fold.
SELECT party, status, n FROM delivery_tally WHERE n <> 0 ORDER BY party, status;
