-- The public check.

-- name: issued(certificate_no)^
-- A certificate of ours, and what became of it. No row: we issued none such.
SELECT c.certificate_no, c.direction, c.form, c.number, c.issuing_country, c.exporting_country, c.importing_country,
       c.party, c.exporter, c.issue_date, c.organisation, c.life, c.life_before, c.message_no, c.message_id,
       c.conversation_id, c.delivery, c.acknowledgement, c.customs_response, c.submitted_at, m.digest,
       k.life_moved_at,
       (SELECT later.number
          FROM certificate later
         WHERE later.replaces = k.number
           AND later.family = k.family
           AND later.issuing_country = k.issuing_country
           AND later.direction = k.direction
         ORDER BY later.certificate_no DESC
         LIMIT 1) AS replaced_by
  FROM certificate_row c
  JOIN certificate k ON k.certificate_no = c.certificate_no
  JOIN message m ON m.message_no = c.message_no
 WHERE c.certificate_no = :certificate_no
   AND c.direction = 'out';

-- name: issued_as(form, number, issue_date)^
-- The same, by what stands on the paper.
SELECT c.certificate_no, c.direction, c.form, c.number, c.issuing_country, c.exporting_country, c.importing_country,
       c.party, c.exporter, c.issue_date, c.organisation, c.life, c.life_before, c.message_no, c.message_id,
       c.conversation_id, c.delivery, c.acknowledgement, c.customs_response, c.submitted_at, m.digest,
       k.life_moved_at,
       (SELECT later.number
          FROM certificate later
         WHERE later.replaces = k.number
           AND later.family = k.family
           AND later.issuing_country = k.issuing_country
           AND later.direction = k.direction
         ORDER BY later.certificate_no DESC
         LIMIT 1) AS replaced_by
  FROM certificate_row c
  JOIN certificate k ON k.certificate_no = c.certificate_no
  JOIN message m ON m.message_no = c.message_no
 WHERE c.number = :number
   AND split_part(c.family, '/', 2) = :form
   AND c.issue_date = :issue_date
   AND c.direction = 'out'
 ORDER BY c.certificate_no
 LIMIT 1;

-- name: ask_in_vain(form, number, at)!
-- Somebody asked for what was never issued here.
INSERT INTO asked_in_vain AS a (hour, form, number, times, last_at)
VALUES (date_trunc('hour', :at::timestamptz), :form, :number, 1, :at::timestamptz)
ON CONFLICT (hour, form, number) DO UPDATE
   SET times = a.times + 1, last_at = greatest(a.last_at, excluded.last_at);

-- name: forget_asked_in_vain(before, batch)!
-- What strangers asked for before then is forgotten.
DELETE FROM asked_in_vain
 WHERE (hour, form, number) IN (
       SELECT hour, form, number FROM asked_in_vain WHERE hour < :before::timestamptz ORDER BY hour LIMIT :batch);

-- name: verifications(everything, issued, received, organisation, batch)
-- Verification requests, asked of us and by us, newest first; ``replied_at`` and ``concluded_at`` null until then.
SELECT m.message_no, m.direction, m.party, m.message_id, m.certificate_number, m.form, m.recorded_at,
       split_part(m.form, '/', 1) AS agreement, c.direction AS side, c.organisation,
       (SELECT min(r.recorded_at)
          FROM message r
         WHERE r.certificate_no = m.certificate_no
           AND r.message_no > m.message_no
           AND r.type = 'verification-reply'
           AND r.ref_to_message_id = m.message_id) AS replied_at,
       (SELECT min(r.recorded_at)
          FROM message r
         WHERE r.certificate_no = m.certificate_no
           AND r.message_no > m.message_no
           AND r.type = 'verification-result') AS concluded_at
  FROM message m
  LEFT JOIN certificate c ON c.certificate_no = m.certificate_no
 WHERE m.type = 'verification-request'
   AND (:everything::boolean
        OR :issued::boolean AND c.direction = 'out'
        OR :received::boolean AND c.direction = 'in'
        OR c.organisation = :organisation::text)
 ORDER BY m.message_no DESC
 LIMIT :batch;
