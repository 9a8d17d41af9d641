-- Four eyes.

-- name: trust_in_force()$
-- The content that came into force last. Nothing: none ever did.
SELECT sha256 FROM trust_change WHERE in_force_at IS NOT NULL ORDER BY in_force_at DESC LIMIT 1;

-- name: trust_files(sha256)$
-- One content.
SELECT files FROM trust_change WHERE sha256 = :sha256;

-- name: propose_trust(sha256, files, words, who, at)!
-- Propose a content and tell of it; in force at once where none is. One that was in force before must be approved
-- anew; one that waits, was rejected or is in force is left alone.
WITH now_in_force AS (
    SELECT sha256 FROM trust_change WHERE in_force_at IS NOT NULL ORDER BY in_force_at DESC LIMIT 1
), forgotten AS (
    DELETE FROM trust_approval a
     USING trust_change c
     WHERE a.sha256 = :sha256 AND c.sha256 = a.sha256 AND c.in_force_at IS NOT NULL
       AND a.sha256 <> (SELECT sha256 FROM now_in_force)
), proposed AS (
    INSERT INTO trust_change AS c (sha256, files, words, proposed_at, in_force_at)
    VALUES (:sha256, :files::jsonb, :words::jsonb, :at::timestamptz,
            CASE WHEN NOT EXISTS (SELECT FROM trust_change WHERE in_force_at IS NOT NULL)
                 THEN :at::timestamptz END)
    ON CONFLICT (sha256) DO UPDATE
       SET words = excluded.words, proposed_at = excluded.proposed_at, in_force_at = NULL
     WHERE c.in_force_at IS NOT NULL AND c.rejected_by IS NULL
       AND c.sha256 <> (SELECT sha256 FROM now_in_force)
    RETURNING in_force_at
)
INSERT INTO event (at, what, who, detail)
SELECT :at::timestamptz, 'operator:trust-proposed', :who::text,
       jsonb_build_object('sha256', :sha256, 'words', :words::jsonb, 'in_force', in_force_at IS NOT NULL)
  FROM proposed;

-- name: trust_changes()
-- What waits, and who has approved it.
SELECT c.sha256, c.words, c.proposed_at,
       coalesce((SELECT array_agg(a.who ORDER BY a.approved_at)
                   FROM trust_approval a WHERE a.sha256 = c.sha256), '{}') AS approved_by
  FROM trust_change c
 WHERE c.in_force_at IS NULL AND c.rejected_by IS NULL
 ORDER BY c.proposed_at;

-- name: approve_trust(sha256, who, reason, at, eyes)^
-- One person approves what waits; with as many as :eyes it is in force. No row: it does not wait.
WITH waiting AS (
    SELECT sha256 FROM trust_change
     WHERE sha256 = :sha256 AND in_force_at IS NULL AND rejected_by IS NULL
       FOR UPDATE
), approved AS (
    INSERT INTO trust_approval (sha256, who, approved_at)
    SELECT sha256, :who::text, :at::timestamptz FROM waiting
    ON CONFLICT DO NOTHING
    RETURNING who
), counted AS (
    SELECT w.sha256, EXISTS (SELECT FROM approved) AS is_new,
           (SELECT count(*) FROM trust_approval a WHERE a.sha256 = w.sha256 AND a.who <> :who)
           + 1 >= :eyes::integer AND EXISTS (SELECT FROM approved) AS is_in_force
      FROM waiting w
), moved AS (
    UPDATE trust_change c SET in_force_at = :at::timestamptz FROM counted
     WHERE c.sha256 = counted.sha256 AND counted.is_in_force
), told AS (
    INSERT INTO event (at, what, who, detail)
    SELECT :at::timestamptz, 'operator:trust-approved', :who,
           jsonb_build_object('sha256', sha256, 'reason', :reason::text, 'in_force', is_in_force)
      FROM counted WHERE is_new
)
SELECT is_new, is_in_force FROM counted;

-- name: reject_trust(sha256, who, reason, at)$
-- One person rejects what waits. Nothing: it does not wait.
WITH rejected AS (
    UPDATE trust_change SET rejected_by = :who::text
     WHERE sha256 = :sha256 AND in_force_at IS NULL AND rejected_by IS NULL
    RETURNING sha256
), told AS (
    INSERT INTO event (at, what, who, detail)
    SELECT :at::timestamptz, 'operator:trust-rejected', :who,
           jsonb_build_object('sha256', sha256, 'reason', :reason::text)
      FROM rejected
)
SELECT sha256 FROM rejected;
