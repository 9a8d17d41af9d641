-- Specimen lists.

-- name: specimen_lists(after)
-- The lists that were imported after this number.
SELECT list_no, content, imported_at, imported_by FROM specimen_list WHERE list_no > :after ORDER BY list_no;

-- name: import_specimens(country, content, who, sha256, begins, at)$
-- Keep a list and tell of it; its number.
WITH kept AS (
    INSERT INTO specimen_list (country, content, imported_at, imported_by)
    VALUES (:country::text, :content::jsonb, :at::timestamptz, :who::text)
    RETURNING list_no
), told AS (
    INSERT INTO event (at, what, who, detail)
    SELECT :at, 'specimens:imported', :who,
           jsonb_build_object('list', list_no, 'country', :country::text, 'from', :begins::text,
                              'sha256', :sha256::text)
      FROM kept
)
SELECT list_no FROM kept;

-- name: keep_picture(sha256, media_type, body)!
-- Keep a specimen of a signature or a seal.
INSERT INTO specimen_picture (sha256, media_type, body) VALUES (:sha256, :media_type, :body)
ON CONFLICT (sha256) DO NOTHING;

-- name: picture(sha256)^
-- One of them. No row: it was never handed in.
SELECT media_type, body FROM specimen_picture WHERE sha256 = :sha256;

-- name: missing_pictures(wanted)
-- Which of these were never handed in.
SELECT w.sha256
  FROM unnest(:wanted::bytea[]) AS w (sha256)
 WHERE NOT EXISTS (SELECT FROM specimen_picture p WHERE p.sha256 = w.sha256);
