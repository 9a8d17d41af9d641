-- A message arrives from abroad.

-- name: issued_receipt(party, message_id)^
-- What we answered to this sender for this id, and for which bytes. No row: the id is new.
SELECT m.digest, r.body, r.signer_until
  FROM message m
  JOIN issued_receipt r ON r.message_no = m.message_no
 WHERE m.message_id = :message_id
   AND m.party = :party
   AND m.direction = 'in';

-- name: admit_certificates(number, family, issuing_country, form, exporting_country, importing_country, party, exporter, issue_date, replaces, certified_copy_of, content_digest, at, message_id, conversation_id, wire_form, digest, created_at, findings, dialect, wire, canonical, receipt, signer_until, outcome, answer_id, answer_created_at, answer_digest, answer_dialect, answer, canonical_answer)
-- Take good certificates: message, bytes, our receipt, the certificate, its place in the inbox, our verdict and,
-- where answer is given, the acknowledgement we owe; each parameter is a column with one value a certificate. A
-- number already taken is pointed at this message when the content is the same, or when what stood under it was
-- rejected. The positions of those that were taken, from 1; for all others the id was seen before
-- (issued_receipt), or the number stands with other content.
WITH given AS MATERIALIZED (
    SELECT nextval('message_number') AS message_no,
           CASE WHEN g.answer IS NOT NULL THEN nextval('message_number') END AS answer_no,
           g.number, g.family, g.issuing_country, g.form, g.exporting_country, g.importing_country, g.party,
           g.exporter, g.issue_date, g.replaces, g.certified_copy_of, g.content_digest, g.at, g.message_id,
           g.conversation_id, g.wire_form, g.digest, g.created_at, g.findings, g.dialect, g.wire, g.canonical,
           g.receipt, g.signer_until, g.outcome, g.answer_id, g.answer_created_at, g.answer_digest, g.answer_dialect,
           g.answer, g.canonical_answer, g.position
      FROM unnest(:number::text[], :family::text[], :issuing_country::text[], :form::text[],
                  :exporting_country::text[], :importing_country::text[], :party::text[], :exporter::text[],
                  :issue_date::date[], :replaces::text[], :certified_copy_of::text[], :content_digest::bytea[],
                  :at::timestamptz[], :message_id::text[], :conversation_id::text[], :wire_form::text[],
                  :digest::bytea[], :created_at::timestamptz[], :findings::text[], :dialect::text[],
                  :wire::bytea[], :canonical::bytea[], :receipt::bytea[], :signer_until::timestamptz[], :outcome::text[], :answer_id::text[],
                  :answer_created_at::timestamptz[], :answer_digest::bytea[], :answer_dialect::text[],
                  :answer::bytea[], :canonical_answer::bytea[])
           WITH ORDINALITY
           AS g (number, family, issuing_country, form, exporting_country, importing_country, party, exporter,
                 issue_date, replaces, certified_copy_of, content_digest, at, message_id, conversation_id, wire_form,
                 digest, created_at, findings, dialect, wire, canonical, receipt, signer_until, outcome, answer_id,
                 answer_created_at, answer_digest, answer_dialect, answer, canonical_answer, position)
), kept AS (
    INSERT INTO certificate AS c
           (direction, number, family, issuing_country, form, exporting_country, importing_country, party, exporter,
            issue_date, replaces, certified_copy_of, content_digest, message_no, submitted_at, acknowledgement,
            acknowledged_by)
    SELECT 'in', number, family, issuing_country, form, exporting_country, importing_country, party, exporter,
           issue_date, replaces, certified_copy_of, content_digest, message_no, at, outcome, 'gateway'
      FROM given
     WHERE NOT EXISTS (
               SELECT FROM message m
                WHERE m.message_id = given.message_id AND m.party = given.party AND m.direction = 'in')
     ORDER BY number, family, issuing_country
        ON CONFLICT (number, family, issuing_country, direction) DO UPDATE
       SET form = excluded.form, exporting_country = excluded.exporting_country,
           importing_country = excluded.importing_country, party = excluded.party, exporter = excluded.exporter,
           issue_date = excluded.issue_date, replaces = excluded.replaces,
           certified_copy_of = excluded.certified_copy_of, content_digest = excluded.content_digest,
           message_no = excluded.message_no, submitted_at = excluded.submitted_at,
           acknowledgement = excluded.acknowledgement, acknowledged_by = excluded.acknowledged_by
     WHERE c.content_digest = excluded.content_digest
        OR c.acknowledgement = 'rejected' AND c.life = 'in_force'
    RETURNING c.certificate_no, c.message_no
), taken AS MATERIALIZED (
    SELECT kept.certificate_no, g.message_no, g.answer_no, g.number, g.party, g.content_digest, g.at, g.message_id,
           g.conversation_id, g.wire_form, g.digest, g.created_at, g.findings, g.dialect, g.wire, g.canonical,
           g.receipt, g.signer_until, g.outcome, g.answer_id, g.answer_created_at, g.answer_digest, g.answer_dialect,
           g.answer, g.canonical_answer, g.position
      FROM kept
      JOIN given g ON g.message_no = kept.message_no
), written AS (
    INSERT INTO message
           (message_no, direction, party, message_id, conversation_id, type, form, certificate_no,
            certificate_number, ref_to_message_id, digest, content_digest, created_at, recorded_at, valid, findings,
            dialect)
    SELECT message_no, 'in', party, message_id, conversation_id, 'certificate', wire_form, certificate_no, number,
           NULL, digest, content_digest, created_at, at, true, findings::jsonb, dialect
      FROM taken
     UNION ALL
    SELECT answer_no, 'out', party, answer_id, conversation_id, 'acknowledgement', wire_form, certificate_no, number,
           message_id, answer_digest, NULL, answer_created_at, at, NULL, '[]', answer_dialect
      FROM taken
     WHERE answer_no IS NOT NULL
), documented AS (
    INSERT INTO document (message_no, kind, body)
    SELECT d.message_no, d.kind, d.body
      FROM taken
     CROSS JOIN LATERAL (VALUES (taken.message_no, 'wire', taken.wire), (taken.message_no, 'canonical', taken.canonical),
                                (taken.answer_no, 'wire', taken.answer),
                                (taken.answer_no, 'canonical', taken.canonical_answer)) AS d (message_no, kind, body)
     WHERE d.body IS NOT NULL
), receipted AS (
    INSERT INTO issued_receipt (message_no, signer_until, body)
    SELECT message_no, signer_until, receipt FROM taken
), shown AS (
    INSERT INTO inbox (message_no, type, side)
    SELECT message_no, 'certificate', 'in' FROM taken ORDER BY message_no
), judged AS (
    INSERT INTO acknowledgement (message_no, outcome, acknowledged_by, findings, at, carried_by)
    SELECT message_no, outcome, 'gateway', findings::jsonb, at, answer_no FROM taken
), told AS (
    INSERT INTO event (at, what, message_no, certificate_no, party, side, detail)
    SELECT at, 'acknowledgement:' || outcome, message_no, certificate_no, party, 'in', '{"by": "gateway"}'
      FROM taken
), owed AS (
    INSERT INTO delivery (message_no, party, conversation_id, certificate_no, side, recorded_at, moved_at)
    SELECT answer_no, party, conversation_id, certificate_no, 'in', at, at
      FROM taken
     WHERE answer_no IS NOT NULL
)
SELECT position, message_no, certificate_no, answer_no,
       EXISTS (SELECT FROM parked p WHERE p.conversation_id = taken.conversation_id)
           OR EXISTS (SELECT FROM certificate later WHERE later.replaces = taken.number) AS awaited
  FROM taken;

-- name: admit_acknowledgements(party, message_id, conversation_id, form, certificate_number, about, digest, created_at, at, wire, receipt, signer_until, outcome, by, findings)
-- Take acknowledgements that do nothing but say how a certificate of ours was found: message, bytes, our receipt,
-- the place in the inbox, what it says, and the certificate that follows; each parameter is a column with one
-- value a message. The positions of those that were taken, from 1. All others need a page: what they are about is
-- unknown or no certificate, or went out again since, or replaces another; or the id was seen before.
WITH given AS MATERIALIZED (
    SELECT nextval('message_number') AS message_no, m.message_no AS target_no, c.certificate_no, c.organisation,
           g.party, g.message_id, g.conversation_id, g.form, g.certificate_number, g.about, g.digest, g.created_at,
           g.at, g.wire, g.receipt, g.signer_until, g.outcome, g.by, g.findings, g.position
      FROM unnest(:party::text[], :message_id::text[], :conversation_id::text[], :form::text[],
                  :certificate_number::text[], :about::text[], :digest::bytea[], :created_at::timestamptz[],
                  :at::timestamptz[], :wire::bytea[], :receipt::bytea[], :signer_until::timestamptz[],
                  :outcome::text[], :by::text[], :findings::text[])
           WITH ORDINALITY
           AS g (party, message_id, conversation_id, form, certificate_number, about, digest, created_at, at, wire,
                 receipt, signer_until, outcome, by, findings, position)
      JOIN message m ON m.message_id = g.about
                    AND m.party = g.party
                    AND m.direction = 'out'
                    AND m.type = 'certificate'
      JOIN certificate c ON c.certificate_no = m.certificate_no
                        AND c.message_no = m.message_no
                        AND (c.replaces IS NULL OR g.outcome = 'rejected')
), written AS (
    INSERT INTO message
           (message_no, direction, party, message_id, conversation_id, type, form, certificate_no, certificate_number,
            ref_to_message_id, digest, created_at, recorded_at, valid, organisation)
    SELECT message_no, 'in', party, message_id, conversation_id, 'acknowledgement', form, certificate_no,
           certificate_number, about, digest, created_at, at, true, organisation
      FROM given
    ON CONFLICT (message_id, party, direction) DO NOTHING
    RETURNING message_no
), taken AS MATERIALIZED (
    SELECT g.message_no, g.target_no, g.certificate_no, g.organisation, g.party, g.message_id, g.digest, g.at, g.wire,
           g.receipt, g.signer_until, g.outcome, g.by, g.findings, g.position
      FROM written
      JOIN given g ON g.message_no = written.message_no
), documented AS (
    INSERT INTO document (message_no, kind, body)
    SELECT message_no, 'wire', wire FROM taken
), receipted AS (
    INSERT INTO issued_receipt (message_no, signer_until, body)
    SELECT message_no, signer_until, receipt FROM taken
), shown AS (
    INSERT INTO inbox (message_no, type, side, organisation)
    SELECT message_no, 'acknowledgement', 'out', organisation FROM taken ORDER BY message_no
), kept AS (
    INSERT INTO acknowledgement (message_no, outcome, acknowledged_by, findings, at, carried_by)
    SELECT target_no, outcome, by, findings::jsonb, at, message_no FROM taken ORDER BY message_no
), followed AS (
    UPDATE certificate c
       SET acknowledgement = last.outcome, acknowledged_by = last.by
      FROM (SELECT DISTINCT ON (certificate_no) certificate_no, target_no, outcome, by
              FROM taken
             ORDER BY certificate_no, by = 'national-system' DESC, message_no DESC) AS last
     WHERE c.certificate_no = last.certificate_no
       AND c.message_no = last.target_no
       AND (last.by = 'national-system' OR c.acknowledged_by IS DISTINCT FROM 'national-system')
), told AS (
    INSERT INTO event (at, what, message_no, certificate_no, party, side, organisation, detail)
    SELECT at, 'acknowledgement:' || outcome, target_no, certificate_no, party, 'out', organisation,
           jsonb_build_object('by', by, 'carried_by', message_id, 'digest', encode(digest, 'hex'))
      FROM taken
     ORDER BY message_no
)
SELECT position FROM taken;

-- name: refuse_inbound(at, party, message_id, findings, body, answer)!
-- Keep what was refused on the wire, with our answer.
INSERT INTO refused_message (at, party, message_id, findings, body, answer)
VALUES (:at, :party, :message_id, :findings, :body, :answer);
