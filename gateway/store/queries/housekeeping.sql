-- Housekeeping.

-- name: begin_housekeeping()$
-- Let this transaction remove documents, if no other node is at it; whether it may.
SELECT set_config('gateway.housekeeping', 'on', true) = 'on' AND pg_try_advisory_xact_lock(1702060905);

-- name: purge(party, direction, family, cutoff, batch, at)^
-- Remove the documents of up to :batch more certificates of one corridor, all of whose messages are older than
-- :cutoff and none of which is still owed; those that are not ready are looked at again. Their rows, digests,
-- receipts, answers and events stay.
WITH begun AS (
    SELECT p.submitted_at, p.certificate_no
      FROM purge_position p
     WHERE p.party = :party AND p.direction = :direction AND p.family = :family
), passed AS MATERIALIZED (
    SELECT c.certificate_no, c.submitted_at
      FROM certificate c
     WHERE c.party = :party
       AND c.submitted_at < :cutoff::timestamptz
       AND (c.submitted_at, c.certificate_no) > (coalesce((SELECT submitted_at FROM begun), '-infinity'),
                                                 coalesce((SELECT certificate_no FROM begun), 0))
       AND c.direction = :direction
       AND c.family = :family
     ORDER BY c.submitted_at, c.certificate_no
     LIMIT :batch
), again AS MATERIALIZED (
    SELECT l.certificate_no
      FROM purge_later l
     WHERE l.party = :party AND l.direction = :direction AND l.family = :family AND l.not_before <= :at
     ORDER BY l.not_before
     LIMIT :batch
), judged AS MATERIALIZED (
    SELECT seen.certificate_no, story.last_at, story.is_owed,
           story.last_at < :cutoff AND NOT story.is_owed AS is_ready
      FROM (SELECT certificate_no FROM passed UNION SELECT certificate_no FROM again) AS seen
     CROSS JOIN LATERAL (
           SELECT max(m.recorded_at) AS last_at, bool_or(coalesce(d.open, false)) AS is_owed
             FROM message m
             LEFT JOIN delivery d ON d.message_no = m.message_no
            WHERE m.certificate_no = seen.certificate_no) AS story
), gone AS (
    DELETE FROM document
     WHERE message_no = ANY (ARRAY (
            SELECT m.message_no
              FROM judged j
              JOIN message m ON m.certificate_no = j.certificate_no
             WHERE j.is_ready))
    RETURNING message_no
), told AS (
    INSERT INTO event (at, what, certificate_no, party, side, organisation, who, detail)
    SELECT :at::timestamptz, 'operator:purge', c.certificate_no, c.party, c.direction, c.organisation, 'gateway',
           jsonb_build_object('documents', removed.documents, 'before', :cutoff::timestamptz)
      FROM (SELECT m.certificate_no, count(*) AS documents
              FROM gone
              JOIN message m ON m.message_no = gone.message_no
             GROUP BY m.certificate_no) AS removed
      JOIN certificate c ON c.certificate_no = removed.certificate_no
    RETURNING certificate_no
), later AS (
    INSERT INTO purge_later (certificate_no, party, direction, family, not_before)
    SELECT certificate_no, :party, :direction, :family,
           greatest(last_at + (:at - :cutoff), CASE WHEN is_owed THEN :at + interval '1 day' END)
      FROM judged
     WHERE NOT is_ready
    ON CONFLICT (certificate_no) DO UPDATE SET not_before = excluded.not_before
), looked_at AS (
    DELETE FROM purge_later l USING judged j WHERE l.certificate_no = j.certificate_no AND j.is_ready
), gone_to AS (
    INSERT INTO purge_position (party, direction, family, submitted_at, certificate_no)
    SELECT :party, :direction, :family, submitted_at, certificate_no
      FROM passed
     ORDER BY submitted_at DESC, certificate_no DESC
     LIMIT 1
    ON CONFLICT (party, direction, family) DO UPDATE
       SET submitted_at = excluded.submitted_at, certificate_no = excluded.certificate_no
)
SELECT (SELECT count(*) FROM judged) AS seen, (SELECT count(*) FROM told) AS certificates,
       (SELECT count(*) FROM gone) AS documents;

-- name: purgeable(party, direction, family, cutoff, most)$
-- How many certificates a purge would look at now, counted up to :most.
SELECT count(*)
  FROM (SELECT
          FROM certificate c
         WHERE c.party = :party
           AND c.submitted_at < :cutoff::timestamptz
           AND (c.submitted_at, c.certificate_no) > (
               SELECT coalesce(max(p.submitted_at), '-infinity'), coalesce(max(p.certificate_no), 0)
                 FROM purge_position p
                WHERE p.party = :party AND p.direction = :direction AND p.family = :family)
           AND c.direction = :direction
           AND c.family = :family
         LIMIT :most) AS found;

-- name: drop_plans(before, batch)$
-- Forget acts on many messages that were planned before a time and never started; how many.
WITH dropped AS (
    DELETE FROM action
     WHERE action_no = ANY (ARRAY (
            SELECT action_no
              FROM action
             WHERE state = 'planned' AND planned_at < :before
             ORDER BY action_no
             LIMIT :batch))
    RETURNING action_no
)
SELECT count(*) FROM dropped;
