-- Back-to-back certificates.

-- name: lock_re_exports(family)!
-- One back-to-back certificate of a form is reckoned at a time; let go with the transaction.
SELECT pg_advisory_xact_lock(hashtextextended('re-export ' || :family, 0));

-- name: original(number, family, issuing_country)^
-- The certificate from abroad under this number; a country need not be told.
SELECT certificate_no
  FROM certificate
 WHERE number = :number
   AND family = :family
   AND (:issuing_country::text IS NULL OR issuing_country = :issuing_country::text)
   AND direction = 'in'
   AND life NOT IN ('cancelled', 'replaced')
   AND coalesce(acknowledgement, '') <> 'rejected'
 ORDER BY certificate_no
 LIMIT 1;

-- name: carried_by(certificate_no)$
-- The message that carries a certificate now.
SELECT message_no FROM certificate WHERE certificate_no = :certificate_no;

-- name: re_exports(originals)
-- What counts of certificates that take from one of these.
SELECT message_id, originals, goods, number FROM re_export_counting WHERE originals && :originals::bigint[];

-- name: reserve_re_export(message_id, originals, goods)!
-- A certificate that is about to be submitted takes this.
INSERT INTO re_export (message_id, originals, goods) VALUES (:message_id, :originals, :goods);

-- name: release_re_export(message_id)!
-- It was not submitted after all.
DELETE FROM re_export WHERE message_id = :message_id;
