-- Lists of revoked certificates.

-- name: list_rows()
-- Every source that was ever tried, without what it gave.
SELECT party, url, tried_at, fault, fetched_at FROM revocation_list ORDER BY party, url;

-- name: list_body(party, url)$
-- What the source gave last. Nothing: it never gave anything.
SELECT body FROM revocation_list WHERE party = :party AND url = :url;

-- name: claim_list(party, url, at, tried_before)^
-- Take it upon us to try the source. No row: somebody has tried since :tried_before.
INSERT INTO revocation_list AS l (party, url, tried_at)
VALUES (:party, :url, :at::timestamptz)
ON CONFLICT (party, url) DO UPDATE SET tried_at = excluded.tried_at
 WHERE l.tried_at <= :tried_before::timestamptz OR l.tried_at > :at::timestamptz
RETURNING party;

-- name: keep_list(party, url, body, at)!
-- Keep what the source gave, in place of what it gave before.
UPDATE revocation_list SET body = :body, fetched_at = :at, fault = NULL WHERE party = :party AND url = :url;

-- name: list_failed(party, url, fault)!
-- The source gave nothing that counts.
UPDATE revocation_list SET fault = :fault WHERE party = :party AND url = :url;
