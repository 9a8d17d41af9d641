-- Configuration.

-- name: configured(node, files, sha256, who, at)$
-- Keep what a node has read, and tell what is not as it was: new and changed files by their hash, gone ones as null.
-- Nothing: it is the first time, or all is as it was.
WITH former AS (
    SELECT files, sha256 FROM configuration WHERE node = :node FOR UPDATE
), kept AS (
    INSERT INTO configuration AS c (node, files, sha256, read_at)
    VALUES (:node, :files::jsonb, :sha256, :at::timestamptz)
    ON CONFLICT (node) DO UPDATE
       SET files = excluded.files, sha256 = excluded.sha256, read_at = excluded.read_at
     WHERE c.sha256 <> excluded.sha256
)
INSERT INTO event (at, what, who, detail)
SELECT :at::timestamptz, 'operator:configured', :who,
       jsonb_build_object('node', :node::text, 'was', f.sha256, 'is', :sha256::text, 'files',
           (SELECT jsonb_object_agg(coalesce(n.key, o.key), n.value)
              FROM jsonb_each(:files::jsonb) AS n
              FULL JOIN jsonb_each(f.files) AS o ON o.key = n.key
             WHERE n.value IS DISTINCT FROM o.value))
  FROM former f
 WHERE f.sha256 <> :sha256::text
RETURNING event_no;
