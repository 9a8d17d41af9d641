-- Every fixed statement the gateway runs, in the order in which a message meets them. Searches and feeds, whose
-- conditions vary, are composed in search.py and feeds.py.

-- ======== a certificate is submitted =========================================================================

-- name: find_submitted(number, family, issuing_country, content_digest)^
-- The certificate under this key, whether its number may come again, and the first message that carried this
-- very content (nulls when none did). No row: the number is free.
SELECT c.certificate_no,
       c.life = 'in_force' AND (coalesce(c.acknowledgement, '') = 'rejected' OR EXISTS (
           SELECT FROM delivery d
            WHERE d.message_no = c.message_no AND d.status IN ('withdrawn', 'refused'))) AS may_come_again,
       first.message_id, first.submitted_form, first.party
  FROM certificate c
  LEFT JOIN LATERAL (
       SELECT m.message_id, m.submitted_form, m.party
         FROM message m
        WHERE m.certificate_no = c.certificate_no
          AND m.direction = 'out'
          AND m.content_digest = :content_digest
        ORDER BY m.message_no
        LIMIT 1) AS first ON true
 WHERE c.number = :number
   AND c.family = :family
   AND c.issuing_country = :issuing_country
   AND c.direction = 'out';

-- name: submit(number, family, issuing_country, form, exporting_country, importing_country, party, exporter, issue_date, replaces, certified_copy_of, organisation, content_digest, at, message_id, conversation_id, wire_form, digest, created_at, findings, actor, dialect, wire, submitted, canonical)
-- Write certificates, their messages, the documents of each and the deliveries they owe; each parameter is a
-- column with one value a certificate. A number already taken is written again only when its content is new and
-- its last message was rejected, refused on the wire or withdrawn; that delivery is locked, so that nobody sends
-- it again meanwhile. The positions of those that were written, from 1; for all others: find_submitted.
WITH given AS MATERIALIZED (
    SELECT nextval('message_number') AS message_no, g.number, g.family, g.issuing_country, g.form,
           g.exporting_country, g.importing_country, g.party, g.exporter, g.issue_date, g.replaces,
           g.certified_copy_of, g.organisation, g.content_digest, g.at, g.message_id, g.conversation_id, g.wire_form,
           g.digest, g.created_at, g.findings, g.actor, g.dialect, g.wire, g.submitted, g.canonical, g.position
      FROM unnest(:number::text[], :family::text[], :issuing_country::text[], :form::text[],
                  :exporting_country::text[], :importing_country::text[], :party::text[], :exporter::text[],
                  :issue_date::date[], :replaces::text[], :certified_copy_of::text[], :organisation::text[],
                  :content_digest::bytea[], :at::timestamptz[], :message_id::text[], :conversation_id::text[],
                  :wire_form::text[], :digest::bytea[], :created_at::timestamptz[], :findings::text[],
                  :actor::text[], :dialect::text[], :wire::bytea[], :submitted::bytea[],
                  :canonical::bytea[])
           WITH ORDINALITY
           AS g (number, family, issuing_country, form, exporting_country, importing_country, party, exporter,
                 issue_date, replaces, certified_copy_of, organisation, content_digest, at, message_id,
                 conversation_id, wire_form, digest, created_at, findings, actor, dialect, wire, submitted, canonical,
                 position)
), kept AS (
    INSERT INTO certificate AS c
           (direction, number, family, issuing_country, form, exporting_country, importing_country, party, exporter,
            issue_date, replaces, certified_copy_of, organisation, content_digest, message_no, submitted_at)
    SELECT 'out', number, family, issuing_country, form, exporting_country, importing_country, party, exporter,
           issue_date, replaces, certified_copy_of, organisation, content_digest, message_no, at
      FROM given
     ORDER BY number, family, issuing_country
        ON CONFLICT (number, family, issuing_country, direction) DO UPDATE
       SET form = excluded.form, exporting_country = excluded.exporting_country,
           importing_country = excluded.importing_country, party = excluded.party, exporter = excluded.exporter,
           issue_date = excluded.issue_date, replaces = excluded.replaces,
           certified_copy_of = excluded.certified_copy_of, content_digest = excluded.content_digest,
           message_no = excluded.message_no, submitted_at = excluded.submitted_at,
           acknowledgement = NULL, acknowledged_by = NULL, customs_response = NULL
     WHERE c.content_digest <> excluded.content_digest
       AND c.organisation IS NOT DISTINCT FROM excluded.organisation
       AND c.life = 'in_force'
       AND (c.acknowledgement = 'rejected' OR EXISTS (
                SELECT FROM delivery d
                 WHERE d.message_no = c.message_no AND d.status IN ('withdrawn', 'refused')
                   FOR NO KEY UPDATE))
       AND NOT EXISTS (
                SELECT FROM message m
                 WHERE m.certificate_no = c.certificate_no AND m.content_digest = excluded.content_digest)
    RETURNING c.certificate_no, c.message_no
), taken AS MATERIALIZED (
    SELECT kept.certificate_no, g.message_no, g.number, g.form, g.party, g.organisation, g.content_digest, g.at,
           g.message_id, g.conversation_id, g.wire_form, g.digest, g.created_at, g.findings, g.actor,
           g.dialect, g.wire, g.submitted, g.canonical, g.position
      FROM kept
      JOIN given g ON g.message_no = kept.message_no
), written AS (
    INSERT INTO message
           (message_no, direction, party, message_id, conversation_id, type, form, certificate_no,
            certificate_number, digest, content_digest, submitted_form, created_at, recorded_at, valid, findings,
            organisation, actor, dialect)
    SELECT message_no, 'out', party, message_id, conversation_id, 'certificate', wire_form, certificate_no, number,
           digest, content_digest, form, created_at, at, true, findings::jsonb, organisation, actor,
           dialect
      FROM taken
), documented AS (
    INSERT INTO document (message_no, kind, body)
    SELECT taken.message_no, d.kind, d.body
      FROM taken
     CROSS JOIN LATERAL (VALUES ('wire', taken.wire), ('submitted', taken.submitted),
                                ('canonical', taken.canonical)) AS d (kind, body)
     WHERE d.body IS NOT NULL
), told AS (
    INSERT INTO event (at, what, message_no, certificate_no, party, side, organisation, who)
    SELECT at, 'submission:accepted', message_no, certificate_no, party, 'out', organisation, actor
      FROM taken
), owed AS (
    INSERT INTO delivery
           (message_no, party, conversation_id, certificate_no, side, organisation, recorded_at, moved_at)
    SELECT message_no, party, conversation_id, certificate_no, 'out', organisation, at, at
      FROM taken
)
SELECT position FROM taken;

-- name: refuse_submission(at, organisation, actor, form, certificate_number, content_type, findings, body)$
-- Keep a submission that was refused; its submission_id.
WITH kept AS (
    INSERT INTO refused_submission
           (at, organisation, actor, form, certificate_number, content_type, findings, body)
    VALUES (:at, :organisation, :actor, :form, :certificate_number, :content_type, :findings, :body)
    RETURNING at, submission_id, organisation, certificate_number, actor
), told AS (
    INSERT INTO event (at, what, side, organisation, who, detail)
    SELECT at, 'submission:refused', 'out', organisation, actor,
           jsonb_strip_nulls(jsonb_build_object('submission_id', submission_id,
                                                'certificate_number', certificate_number))
      FROM kept
)
SELECT submission_id FROM kept;

-- ======== a message arrives from abroad ======================================================================

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

-- ======== pages: the rarer ways of writing ===================================================================

-- name: write_outbound(party, message_id, conversation_id, type, form, certificate_no, certificate_number, ref_to_message_id, digest, created_at, at, organisation, actor, dialect, wire, submitted, canonical)$
-- Write an outbound message, its bytes and the delivery it owes; its message_no.
WITH written AS (
    INSERT INTO message
           (direction, party, message_id, conversation_id, type, form, certificate_no, certificate_number,
            ref_to_message_id, digest, created_at, recorded_at, organisation, actor, dialect)
    VALUES ('out', :party, :message_id, :conversation_id, :type, :form, :certificate_no, :certificate_number,
            :ref_to_message_id, :digest, :created_at, :at::timestamptz, :organisation, :actor, :dialect)
    RETURNING message_no, party, conversation_id, certificate_no, organisation, recorded_at
), documented AS (
    INSERT INTO document (message_no, kind, body)
    SELECT written.message_no, d.kind, d.body
      FROM written, (VALUES ('wire', :wire::bytea), ('submitted', :submitted::bytea),
                            ('canonical', :canonical::bytea)) AS d (kind, body)
     WHERE d.body IS NOT NULL
), owed AS (
    INSERT INTO delivery
           (message_no, party, conversation_id, certificate_no, side, organisation, recorded_at, moved_at)
    SELECT w.message_no, w.party, w.conversation_id, w.certificate_no, coalesce(c.direction, 'out'),
           coalesce(c.organisation, w.organisation), w.recorded_at, w.recorded_at
      FROM written w
      LEFT JOIN certificate c ON c.certificate_no = w.certificate_no
)
SELECT message_no FROM written;

-- name: write_inbound(party, message_id, conversation_id, type, form, certificate_no, certificate_number, ref_to_message_id, digest, created_at, at, valid, findings, dialect, wire, canonical, receipt, signer_until)$
-- Write an inbound message, its bytes and our receipt; its message_no. No row: this sender used the id before.
WITH written AS (
    INSERT INTO message
           (direction, party, message_id, conversation_id, type, form, certificate_no, certificate_number,
            ref_to_message_id, digest, created_at, recorded_at, valid, findings, dialect, organisation)
    VALUES ('in', :party, :message_id, :conversation_id, :type, :form, :certificate_no, :certificate_number,
            :ref_to_message_id, :digest, :created_at, :at, :valid, :findings, :dialect,
            (SELECT organisation FROM certificate WHERE certificate_no = :certificate_no))
    ON CONFLICT (message_id, party, direction) DO NOTHING
    RETURNING message_no
), documented AS (
    INSERT INTO document (message_no, kind, body)
    SELECT written.message_no, d.kind, d.body
      FROM written, (VALUES ('wire', :wire::bytea), ('canonical', :canonical::bytea)) AS d (kind, body)
     WHERE d.body IS NOT NULL
), receipted AS (
    INSERT INTO issued_receipt (message_no, signer_until, body)
    SELECT message_no, :signer_until::timestamptz, :receipt::bytea FROM written
)
SELECT message_no FROM written;

-- name: lock_certificate(number, family, issuing_country, direction)$
-- Lock the certificate under this key; its certificate_no, or no row. Read it afterwards: what stood beside it
-- may have changed while we waited.
SELECT certificate_no
  FROM certificate
 WHERE number = :number
   AND family = :family
   AND issuing_country = :issuing_country
   AND direction = :direction
   FOR NO KEY UPDATE;

-- name: lock_certificate_by_message(message_id, party, direction)$
-- Lock the certificate that this message is about; its certificate_no, or no row.
SELECT certificate_no
  FROM certificate
 WHERE certificate_no = (SELECT m.certificate_no
                           FROM message m
                          WHERE m.message_id = :message_id AND m.party = :party AND m.direction = :direction)
   FOR NO KEY UPDATE;

-- name: certificate(certificate_no)^
-- One certificate. No row: unknown.
SELECT certificate_no, direction, form, number, issuing_country, exporting_country, importing_country, party,
       exporter, issue_date, organisation, life, life_before, message_no, message_id, conversation_id, delivery,
       acknowledgement, customs_response, submitted_at
  FROM certificate_row
 WHERE certificate_no = :certificate_no;

-- name: move_life(certificate_no, life, life_before, at, who)!
-- Move a certificate's life; the database refuses what is not in life_transition and writes the event.
UPDATE certificate
   SET life = :life, life_before = :life_before, life_moved_at = :at, life_moved_by = :who
 WHERE certificate_no = :certificate_no;

-- name: acknowledge(message_no, certificate_no, outcome, by, findings, at, carried_by)!
-- Keep an acknowledgement. The certificate that this message carries now follows; the national system's word
-- replaces the gateway's, never the other way round. The event names the bytes of the message that carried it.
WITH kept AS (
    INSERT INTO acknowledgement (message_no, outcome, acknowledged_by, findings, at, carried_by)
    VALUES (:message_no, :outcome::text, :by::text, :findings, :at::timestamptz, :carried_by::bigint)
    RETURNING message_no
), followed AS (
    UPDATE certificate c
       SET acknowledgement = :outcome::text, acknowledged_by = :by::text
      FROM kept
     WHERE c.certificate_no = :certificate_no::bigint
       AND c.message_no = kept.message_no
       AND (:by::text = 'national-system' OR c.acknowledged_by IS DISTINCT FROM 'national-system')
)
INSERT INTO event (at, what, message_no, certificate_no, party, side, organisation, detail)
SELECT :at::timestamptz, 'acknowledgement:' || :outcome::text, kept.message_no, :certificate_no::bigint, m.party,
       coalesce(c.direction, m.direction), coalesce(c.organisation, m.organisation),
       jsonb_strip_nulls(jsonb_build_object('by', :by::text, 'carried_by', carrier.message_id,
                                            'digest', encode(carrier.digest, 'hex')))
  FROM kept
  JOIN message m ON m.message_no = kept.message_no
  LEFT JOIN message carrier ON carrier.message_no = :carried_by::bigint
  LEFT JOIN certificate c ON c.certificate_no = :certificate_no::bigint;

-- name: customs_entries(certificate_no)
-- What customs has said of each item, in the order in which it was said, however late it came.
SELECT r.item, r.outcome, r.quantity, r.unit, r.declaration, r.date, r.reason, r.legal_basis, r.message_no,
       m.message_id, r.at, m.created_at AS said_at
  FROM customs_response r
  JOIN message m ON m.message_no = r.message_no
 WHERE r.certificate_no = :certificate_no
 ORDER BY m.created_at, r.entry_no;

-- name: add_customs_entries(certificate_no, message_no, at, summary, items, outcomes, quantities, units, declarations, dates, reasons, legal_bases)!
-- Keep one customs response's entries and the certificate's new summary; one event for each outcome in it.
WITH given AS (
    SELECT g.item, g.outcome, g.quantity, g.unit, g.declaration, g.date, g.reason, g.legal_basis, g.position
      FROM unnest(:items::integer[], :outcomes::text[], :quantities::numeric[], :units::text[],
                  :declarations::text[], :dates::date[], :reasons::text[], :legal_bases::text[])
           WITH ORDINALITY
           AS g (item, outcome, quantity, unit, declaration, date, reason, legal_basis, position)
), kept AS (
    INSERT INTO customs_response
           (certificate_no, message_no, item, outcome, quantity, unit, declaration, date, reason, legal_basis, at)
    SELECT :certificate_no::bigint, :message_no::bigint, item, outcome, quantity, unit, declaration, date, reason,
           legal_basis, :at::timestamptz
      FROM given
     ORDER BY position
), followed AS (
    UPDATE certificate
       SET customs_response = :summary::text
     WHERE certificate_no = :certificate_no::bigint
    RETURNING party, direction, organisation
)
INSERT INTO event (at, what, message_no, certificate_no, party, side, organisation, detail)
SELECT :at::timestamptz, 'customs-response:' || given.outcome, :message_no::bigint, :certificate_no::bigint,
       f.party, f.direction, f.organisation,
       jsonb_build_object('items', jsonb_agg(given.item ORDER BY given.item), 'summary', :summary::text)
  FROM given, followed f
 GROUP BY given.outcome, f.party, f.direction, f.organisation
 ORDER BY min(given.position);

-- name: put_in_inbox(message_no)!
-- Show an inbound message in the inbox, once.
INSERT INTO inbox (message_no, type, side, organisation)
SELECT m.message_no, m.type, coalesce(c.direction, 'in'), coalesce(c.organisation, m.organisation)
  FROM message m
  LEFT JOIN certificate c ON c.certificate_no = m.certificate_no
 WHERE m.message_no = :message_no
ON CONFLICT (message_no) DO NOTHING;

-- name: park(message_no, patience_s)!
-- Keep a message whose certificate is unknown until it comes or patience ends.
INSERT INTO parked (message_no, party, conversation_id, until)
SELECT m.message_no, m.party, m.conversation_id, now() + make_interval(secs => :patience_s)
  FROM message m
 WHERE m.message_no = :message_no;

-- name: lock_parked(party, conversation_id)
-- The conversation's parked messages, locked, oldest first.
SELECT message_no
  FROM parked
 WHERE conversation_id = :conversation_id
   AND party = :party
 ORDER BY message_no
   FOR UPDATE;

-- name: messages_with_bytes(message_nos)
-- Messages, their bytes on the wire, and what these say in canonical form where they travelled in a dialect;
-- oldest first.
SELECT m.message_no, m.direction, m.party, m.message_id, m.conversation_id, m.type, m.form, m.certificate_no,
       m.certificate_number, m.ref_to_message_id, m.digest, m.created_at, m.recorded_at, m.valid, m.findings,
       m.organisation, m.delivery, m.cause, m.parked, m.dialect, d.body, c.body AS canonical
  FROM message_row m
  JOIN document d ON d.message_no = m.message_no AND d.kind = 'wire'
  LEFT JOIN document c ON c.message_no = m.message_no AND c.kind = 'canonical'
 WHERE m.message_no = ANY (:message_nos::bigint[])
 ORDER BY m.message_no;

-- name: unpark(message_no, certificate_no)!
-- A parked message waits no longer.
WITH gone AS (
    DELETE FROM parked WHERE message_no = :message_no RETURNING message_no
)
UPDATE message m
   SET certificate_no = :certificate_no
  FROM gone
 WHERE m.message_no = gone.message_no
   AND :certificate_no::bigint IS NOT NULL;

-- name: overdue_parked()
-- Parked messages whose patience ended, or whose certificate has come while they were being parked.
SELECT p.message_no
  FROM parked p
 WHERE p.until <= now()
    OR EXISTS (SELECT
                 FROM message m
                 JOIN certificate c ON c.number = m.certificate_number AND c.party = m.party
                 JOIN message about ON about.certificate_no = c.certificate_no
                                   AND about.conversation_id = m.conversation_id
                WHERE m.message_no = p.message_no
               OFFSET 0)
 ORDER BY p.message_no;

-- name: append_event(at, what, message_no, certificate_no, party, who, detail)!
-- Append an event that no other statement writes.
INSERT INTO event (at, what, message_no, certificate_no, party, side, organisation, who, detail)
SELECT :at::timestamptz, :what, :message_no::bigint, :certificate_no::bigint,
       coalesce(:party, m.party, c.party), coalesce(c.direction, m.direction),
       coalesce(c.organisation, m.organisation), :who, :detail::jsonb
  FROM (SELECT) AS one
  LEFT JOIN message m ON m.message_no = :message_no::bigint
  LEFT JOIN certificate c ON c.certificate_no = coalesce(:certificate_no::bigint, m.certificate_no);

-- name: may_have_arrived(message_no)$
-- Whether the party may have what we tried to send: an attempt's bytes went out whole, or its end is not known.
SELECT EXISTS (SELECT
                 FROM event e
                WHERE e.message_no = :message_no
                  AND e.what IN ('delivery:awaiting_receipt', 'delivery:expired', 'delivery:delivered'))
    OR (SELECT count(*) FROM event e WHERE e.message_no = :message_no AND e.what = 'delivery:sending')
       > (SELECT count(*) FROM attempt a WHERE a.message_no = :message_no);

-- ======== lanes ==============================================================================================

-- name: node_lives(node, lease_s)!
-- A node says that it is alive; those that are long dead are forgotten.
WITH gone AS (
    DELETE FROM node WHERE node <> :node AND alive_until < now() - interval '1 hour'
)
INSERT INTO node (node, alive_until)
VALUES (:node, now() + make_interval(secs => :lease_s))
ON CONFLICT (node) DO UPDATE SET alive_until = excluded.alive_until;

-- name: nodes_alive()$
-- How many nodes there are.
SELECT count(*) FROM node WHERE alive_until > now();

-- name: know_lanes(parties)!
-- Every party has a lane.
INSERT INTO lane (party) SELECT unnest(:parties::text[]) ON CONFLICT (party) DO NOTHING;

-- name: renew_lanes(node, parties, fences, windows, heard, lease_s)
-- Prolong the leases a node holds; the parties whose lanes are still its own.
UPDATE lane l
   SET lease_until = now() + make_interval(secs => :lease_s), window_size = given.window_size,
       heard_at = CASE WHEN given.heard THEN now() ELSE l.heard_at END
  FROM unnest(:parties::text[], :fences::bigint[], :windows::integer[], :heard::boolean[])
       AS given (party, fence, window_size, heard)
 WHERE l.party = given.party
   AND l.holder = :node
   AND l.fence = given.fence
RETURNING l.party;

-- name: take_lanes(node, parties, held, most, lease_s)
-- Take up to :most lanes that nobody holds, whose lease ran out, or that this node held before it started anew.
UPDATE lane
   SET holder = :node, fence = nextval('delivery_fence'), lease_until = now() + make_interval(secs => :lease_s)
 WHERE party = ANY (ARRAY (
        SELECT l.party
          FROM lane l
         WHERE l.party = ANY (:parties::text[])
           AND l.party <> ALL (:held::text[])
           AND (l.holder IS NULL OR l.holder = :node OR l.lease_until <= now())
         ORDER BY l.party
         LIMIT :most
           FOR UPDATE SKIP LOCKED))
RETURNING party, fence;

-- name: give_up_lanes(parties, fences)!
-- Let go of lanes, so that another node may take them at once.
UPDATE lane l
   SET holder = NULL, lease_until = NULL
  FROM unnest(:parties::text[], :fences::bigint[]) AS given (party, fence)
 WHERE l.party = given.party
   AND l.fence = given.fence;

-- name: node_leaves(node)!
-- A node ends in good order.
WITH gone AS (
    DELETE FROM node WHERE node = :node
)
UPDATE lane SET holder = NULL, lease_until = NULL WHERE holder = :node;

-- name: rest_lane(party, fence, failures, cause, rest_s, asked)!
-- The party failed us, or answers again: what every later holder of its lane must know.
UPDATE lane
   SET failures = :failures, cause = :cause, asked = :asked, rest_until = now() + make_interval(secs => :rest_s)
 WHERE party = :party
   AND fence = :fence;

-- name: lane_rest(party)^
-- How the party answers, and for how many seconds it is left in peace still.
SELECT failures, cause, asked, greatest(0, extract(epoch FROM rest_until - now()))::double precision AS rest_s
  FROM lane
 WHERE party = :party;

-- name: party_lives(party)$
-- The party gave a sign of life: its lane rests no longer. Whether it did.
WITH heard AS (
    UPDATE lane
       SET failures = 0, cause = NULL, asked = false, rest_until = NULL, heard_at = now()
     WHERE party = :party
       AND (failures > 0 OR heard_at IS NULL OR heard_at < now() - interval '10 s')
    RETURNING party
)
SELECT EXISTS (SELECT FROM heard) AND EXISTS (SELECT FROM lane WHERE party = :party AND failures > 0);

-- name: claim(party, lane_fence, lease_s, batch, at)
-- Lease up to :batch of a party's due deliveries, one a conversation, oldest first. Nothing for who does not
-- hold the lane; the lane stays locked for as long as this takes, so that nobody takes it over meanwhile. A
-- lease that ran out counts as due, so does one that the lane's former holder gave out; a suspended party has
-- nothing due. (OFFSET 0 keeps the planner from turning the look at each conversation into a join of all with
-- all.)
WITH held AS MATERIALIZED (
    SELECT FROM lane WHERE party = :party AND fence = :lane_fence AND lease_until > now() FOR SHARE
), claimed AS (
    UPDATE delivery
       SET status = 'sending', fence = nextval('delivery_fence'), moved_at = :at, moved_by = NULL,
           lease_until = now() + make_interval(secs => :lease_s)
     WHERE message_no = ANY (ARRAY (
            SELECT d.message_no
              FROM delivery d
             WHERE EXISTS (SELECT FROM held)
               AND d.party = :party
               AND d.open
               AND d.due_at <= now()
               AND (d.status <> 'sending' OR d.lease_until <= now() OR d.fence < :lane_fence)
               AND NOT EXISTS (
                       SELECT FROM delivery other
                        WHERE other.conversation_id = d.conversation_id
                          AND other.party = d.party
                          AND other.open
                          AND other.message_no <> d.message_no
                          AND (other.message_no < d.message_no
                               OR other.status = 'sending' AND other.lease_until > now()
                                  AND other.fence > :lane_fence)
                       OFFSET 0)
               AND NOT EXISTS (
                       SELECT FROM party_state s WHERE s.party = :party AND s.suspended_by IS NOT NULL)
               AND NOT EXISTS (
                       SELECT
                         FROM corridor_state s
                         JOIN message m ON m.message_no = d.message_no
                        WHERE s.party = :party AND s.form = form_family(m.form)
                       OFFSET 0)
             ORDER BY d.due_at, d.message_no
             LIMIT :batch
               FOR UPDATE OF d SKIP LOCKED))
    RETURNING message_no, due_at, attempts, waits_used, fence
)
SELECT claimed.message_no, m.message_id, m.conversation_id, m.type, m.party, d.body, m.digest, m.created_at,
       claimed.attempts, claimed.waits_used, claimed.fence
  FROM claimed
  JOIN message m ON m.message_no = claimed.message_no
  JOIN document d ON d.message_no = claimed.message_no AND d.kind = 'wire'
 ORDER BY claimed.due_at, claimed.message_no;

-- name: settle(message_nos, fences, statuses, waits_s, waits_used, causes, ats, took_ms, receipts, digests, signers, receipt_ats)
-- Record one attempt each for different deliveries; returns those that counted. A checked receipt delivers
-- whatever the status was meanwhile, but for a refusal; anything else counts only for who holds the lease, under
-- the lane as it is held now.
WITH given AS (
    SELECT g.message_no, g.fence, g.status, g.wait_s, g.waits_used, g.cause, g.at, g.took_ms, g.receipt, g.digest,
           g.signer, g.receipt_at
      FROM unnest(:message_nos::bigint[], :fences::bigint[], :statuses::text[], :waits_s::double precision[],
                  :waits_used::integer[], :causes::text[], :ats::timestamptz[], :took_ms::integer[],
                  :receipts::bytea[], :digests::bytea[], :signers::text[], :receipt_ats::timestamptz[])
           AS g (message_no, fence, status, wait_s, waits_used, cause, at, took_ms, receipt, digest, signer,
                 receipt_at)
), moved AS (
    UPDATE delivery d
       SET status = CASE WHEN given.receipt IS NULL THEN given.status ELSE 'delivered' END,
           cause = CASE WHEN given.receipt IS NULL THEN given.cause END,
           due_at = CASE WHEN given.receipt IS NULL THEN now() + make_interval(secs => given.wait_s)
                         ELSE d.due_at END,
           waits_used = given.waits_used, attempts = d.attempts + 1, lease_until = NULL,
           moved_at = given.at, moved_by = NULL
      FROM given
     WHERE d.message_no = ANY (:message_nos::bigint[])
       AND d.message_no = given.message_no
       AND (d.fence = given.fence AND d.status = 'sending'
                AND given.fence > (SELECT l.fence FROM lane l WHERE l.party = d.party)
            OR given.receipt IS NOT NULL AND d.status <> 'refused')
    RETURNING d.message_no, d.attempts, d.party, d.certificate_no, d.side, d.organisation
), tried AS (
    INSERT INTO attempt (message_no, attempt_no, at, outcome, cause, next_at, took_ms)
    SELECT moved.message_no, moved.attempts, given.at,
           CASE WHEN given.receipt IS NOT NULL THEN 'delivered'
                WHEN given.status = 'refused' THEN 'refused'
                ELSE 'retry' END,
           CASE WHEN given.receipt IS NULL THEN given.cause END,
           CASE WHEN given.receipt IS NULL AND given.status IN ('awaiting_retry', 'awaiting_receipt')
                THEN given.at + make_interval(secs => given.wait_s) END,
           given.took_ms
      FROM moved
      JOIN given ON given.message_no = moved.message_no
), receipted AS (
    INSERT INTO receipt (message_no, digest, signer, at, recorded_at, body)
    SELECT moved.message_no, given.digest, given.signer, given.receipt_at, given.at, given.receipt
      FROM moved
      JOIN given ON given.message_no = moved.message_no
     WHERE given.receipt IS NOT NULL
), told AS (
    INSERT INTO event (at, what, message_no, certificate_no, party, side, organisation)
    SELECT given.at, 'receipt:stored', moved.message_no, moved.certificate_no, moved.party, moved.side,
           moved.organisation
      FROM moved
      JOIN given ON given.message_no = moved.message_no
     WHERE given.receipt IS NOT NULL
)
SELECT message_no FROM moved;

-- name: next_due_s(party)$
-- Seconds until a claim may find something: the first due delivery that waits behind none of its conversation, or
-- the first lease to run out. No value: nothing waits, or the party is suspended.
SELECT CASE WHEN EXISTS (SELECT FROM party_state s WHERE s.party = :party AND s.suspended_by IS NOT NULL) THEN NULL
            WHEN due.at <= now() THEN 0
            ELSE extract(epoch FROM least(due.at, (
                     SELECT min(greatest(d.lease_until, now()))
                       FROM delivery d
                      WHERE d.party = :party
                        AND d.open
                        AND d.due_at <= now()
                        AND d.status = 'sending'
                        AND (d.lease_until > now() OR NOT EXISTS (
                                SELECT FROM delivery other
                                 WHERE other.conversation_id = d.conversation_id
                                   AND other.party = d.party
                                   AND other.open
                                   AND other.message_no < d.message_no)))) - now())
       END::double precision
  FROM (SELECT (SELECT d.due_at
                  FROM delivery d
                 WHERE d.party = :party
                   AND d.open
                   AND d.due_at < 'infinity'
                   AND d.status <> 'sending'
                   AND NOT EXISTS (
                           SELECT
                             FROM corridor_state s
                             JOIN message m ON m.message_no = d.message_no
                            WHERE s.party = :party AND s.form = form_family(m.form)
                           OFFSET 0)
                   AND NOT EXISTS (
                           SELECT FROM delivery other
                            WHERE other.conversation_id = d.conversation_id
                              AND other.party = d.party
                              AND other.open
                              AND other.message_no <> d.message_no
                              AND (other.message_no < d.message_no
                                   OR other.status = 'sending' AND other.lease_until > now())
                           OFFSET 0)
                 ORDER BY d.due_at
                 LIMIT 1) AS at) AS due;

-- name: wake(party, batch)$
-- The party is alive: up to :batch of what waits for it is due now and begins its patience anew. How many.
WITH woken AS (
    UPDATE delivery
       SET due_at = least(due_at, now()), waits_used = 0
     WHERE message_no = ANY (ARRAY (
            SELECT d.message_no
              FROM delivery d
             WHERE d.message_no = ANY (ARRAY (
                       SELECT later.message_no
                         FROM delivery later
                        WHERE later.party = :party
                          AND later.open
                          AND later.due_at > now()
                          AND later.due_at < 'infinity'
                        UNION
                       SELECT worn.message_no FROM delivery worn WHERE worn.party = :party AND worn.worn))
               AND d.status IN ('awaiting_retry', 'awaiting_receipt')
             LIMIT :batch
               FOR UPDATE OF d SKIP LOCKED))
    RETURNING message_no
)
SELECT count(*) FROM woken;

-- ======== operators ==========================================================================================

-- name: lock_conversation(message_no)
-- Lock this message's delivery and all unfinished ones of its conversation, so that no claim takes one meanwhile.
SELECT d.message_no
  FROM delivery d
 WHERE d.message_no = ANY (ARRAY (
        SELECT beside.message_no
          FROM delivery this
          JOIN delivery beside ON beside.conversation_id = this.conversation_id AND beside.open
         WHERE this.message_no = :message_no
        UNION
       SELECT :message_no::bigint))
 ORDER BY d.message_no
   FOR NO KEY UPDATE OF d;

-- name: operate(message_no, from_statuses, to_status, due_now, cause, who, detail, verb, at)$
-- Move one delivery by an operator's hand. No row: its status does not allow it, it owes nothing, or it was
-- refused and another message has taken its number meanwhile. What is due now waits for no rest of its lane.
WITH moved AS (
    UPDATE delivery AS d
       SET status = :to_status, due_at = CASE WHEN :due_now THEN now() ELSE 'infinity' END, waits_used = 0,
           lease_until = NULL, cause = :cause, moved_at = :at::timestamptz, moved_by = :who::text
     WHERE message_no = :message_no
       AND status = ANY (:from_statuses::text[])
       AND EXISTS (SELECT FROM document w WHERE w.message_no = d.message_no AND w.kind = 'wire')
       AND NOT (status = 'refused' AND EXISTS (
                SELECT
                  FROM certificate c
                  JOIN message m ON m.message_no = d.message_no
                 WHERE c.certificate_no = d.certificate_no
                   AND c.message_no > d.message_no
                   AND m.type = 'certificate'))
    RETURNING message_no, certificate_no, party, side, organisation
), at_once AS (
    UPDATE lane
       SET rest_until = NULL, asked = false
      FROM moved
     WHERE lane.party = moved.party
       AND lane.rest_until IS NOT NULL
       AND :due_now
), told AS (
    INSERT INTO event (at, what, message_no, certificate_no, party, side, organisation, who, detail)
    SELECT :at::timestamptz, 'operator:' || :verb, message_no, certificate_no, party, side, organisation, :who::text,
           :detail::jsonb
      FROM moved
)
SELECT message_no FROM moved;

-- name: suspend(party, who, at, reason, outgoing_only, notice, until, maintained)^
-- Suspend a party; with a notice it is an outage, which may be declared over a plain suspension. No row: it is
-- suspended already, or this planned maintenance was acted upon before.
WITH suspended AS (
    INSERT INTO party_state AS s
           (party, suspended_by, suspended_at, reason, outgoing_only, notice, until, maintained)
    VALUES (:party, :who::text, :at::timestamptz, :reason::text, :outgoing_only, :notice::text,
            :until::timestamptz, :maintained::timestamptz)
    ON CONFLICT (party) DO UPDATE
       SET suspended_by = excluded.suspended_by, suspended_at = excluded.suspended_at, reason = excluded.reason,
           outgoing_only = excluded.outgoing_only AND (s.suspended_by IS NULL OR s.outgoing_only),
           notice = excluded.notice, until = excluded.until,
           maintained = coalesce(excluded.maintained, s.maintained)
     WHERE (s.suspended_by IS NULL
            OR s.notice IS NULL AND excluded.notice IS NOT NULL AND excluded.maintained IS NULL)
       AND (excluded.maintained IS NULL OR s.maintained IS NULL OR s.maintained < excluded.maintained)
    RETURNING party, suspended_by, suspended_at, reason, outgoing_only, notice, until
), told AS (
    INSERT INTO event (at, what, party, who, detail)
    SELECT :at::timestamptz, CASE WHEN notice IS NULL THEN 'operator:suspend' ELSE 'operator:outage' END, party,
           :who::text,
           jsonb_strip_nulls(jsonb_build_object('reason', reason, 'outgoing_only', outgoing_only,
                                                'notice', notice, 'until', until))
      FROM suspended
)
SELECT party, suspended_by, suspended_at, reason, outgoing_only, notice, until FROM suspended;

-- name: resume(party, who, at, reason)^
-- Resume a suspended party. No row: it is not suspended.
WITH resumed AS (
    UPDATE party_state
       SET suspended_by = NULL, suspended_at = NULL, reason = NULL, outgoing_only = false, notice = NULL,
           until = NULL
     WHERE party = :party
       AND suspended_by IS NOT NULL
    RETURNING party, suspended_by, suspended_at, reason, outgoing_only, notice, until
), at_once AS (
    UPDATE lane
       SET rest_until = NULL, asked = false
      FROM resumed
     WHERE lane.party = resumed.party
       AND lane.rest_until IS NOT NULL
), told AS (
    INSERT INTO event (at, what, party, who, detail)
    SELECT :at::timestamptz, 'operator:resume', party, :who::text,
           CASE WHEN :reason::text IS NOT NULL THEN jsonb_build_object('reason', :reason::text) END
      FROM resumed
)
SELECT party, suspended_by, suspended_at, reason, outgoing_only, notice, until FROM resumed;

-- name: suspend_corridor(party, form, who, at, reason, outgoing_only)$
-- Suspend one corridor. No row: it is suspended already.
WITH suspended AS (
    INSERT INTO corridor_state (party, form, suspended_by, suspended_at, reason, outgoing_only)
    VALUES (:party, :form, :who::text, :at::timestamptz, :reason::text, :outgoing_only)
    ON CONFLICT (party, form) DO NOTHING
    RETURNING party, form, reason, outgoing_only
), told AS (
    INSERT INTO event (at, what, party, who, detail)
    SELECT :at::timestamptz, 'operator:suspend', party, :who::text,
           jsonb_strip_nulls(jsonb_build_object('form', form, 'reason', reason, 'outgoing_only', outgoing_only))
      FROM suspended
)
SELECT party FROM suspended;

-- name: resume_corridor(party, form, who, at, reason)$
-- Resume a suspended corridor. No row: it is not suspended.
WITH resumed AS (
    DELETE FROM corridor_state WHERE party = :party AND form = :form RETURNING party, form
), told AS (
    INSERT INTO event (at, what, party, who, detail)
    SELECT :at::timestamptz, 'operator:resume', party, :who::text,
           jsonb_strip_nulls(jsonb_build_object('form', form, 'reason', :reason::text))
      FROM resumed
)
SELECT party FROM resumed;

-- name: set_aside(batch)$
-- Set aside up to :batch deliveries that wait in suspended corridors, so that claims need not pass over them; how
-- many. One that is on the wire is set aside afterwards, if it has to wait again.
WITH aside AS (
    UPDATE delivery
       SET due_at = 'infinity'
     WHERE message_no = ANY (ARRAY (
            SELECT d.message_no
              FROM corridor_state s
              JOIN delivery d ON d.party = s.party
              JOIN message m ON m.message_no = d.message_no
             WHERE d.open
               AND d.due_at < 'infinity'
               AND d.status <> 'sending'
               AND s.form = form_family(m.form)
             LIMIT :batch
               FOR NO KEY UPDATE OF d SKIP LOCKED))
    RETURNING message_no
)
SELECT count(*) FROM aside;

-- name: bring_back(batch)
-- Up to :batch deliveries that were set aside and whose corridor goes on are due now; the party of each.
UPDATE delivery
   SET due_at = now()
 WHERE message_no = ANY (ARRAY (
        SELECT d.message_no
          FROM delivery d
          JOIN message m ON m.message_no = d.message_no
         WHERE d.open
           AND d.due_at = 'infinity'
           AND d.status <> 'on_hold'
           AND NOT EXISTS (
                   SELECT FROM corridor_state s WHERE s.party = d.party AND s.form = form_family(m.form))
         LIMIT :batch
           FOR NO KEY UPDATE OF d SKIP LOCKED))
RETURNING party;

-- name: suspensions_over(at)
-- Parties whose suspension had a time that has come.
SELECT party, suspended_by FROM party_state WHERE until <= :at ORDER BY party;

-- name: party_states()
-- What operators decided about parties.
SELECT party, suspended_by, suspended_at, reason, outgoing_only, notice, until FROM party_state ORDER BY party;

-- name: corridor_states()
-- Which corridors operators suspended.
SELECT party, form, suspended_by, suspended_at, reason, outgoing_only FROM corridor_state ORDER BY party, form;

-- name: find_waiting(party, statuses, form, first_at, before, most)
-- Deliveries that stand in one of :statuses, none of them ``delivered``, oldest first.
SELECT d.message_no, m.message_id
  FROM delivery d
  JOIN message m ON m.message_no = d.message_no
 WHERE (d.open OR d.troubled)
   AND d.status = ANY (:statuses::text[])
   AND (:party::text IS NULL OR d.party = :party)
   AND (:form::text IS NULL OR form_family(m.form) = :form)
   AND (:first_at::timestamptz IS NULL OR d.recorded_at >= :first_at)
   AND (:before::timestamptz IS NULL OR d.recorded_at < :before)
 ORDER BY d.message_no
 LIMIT :most;

-- name: plan_action(verb, wanted, reason, most, per_second, digest, who, at, message_nos, party)$
-- Freeze a list of messages to act upon; its action_no.
WITH planned AS (
    INSERT INTO action (verb, wanted, reason, most, per_second, count, digest, who, planned_at)
    VALUES (:verb, :wanted::jsonb, :reason, :most, :per_second, cardinality(:message_nos::bigint[]), :digest,
            :who::text, :at::timestamptz)
    RETURNING action_no, action_id, verb, wanted, reason, count, digest
), listed AS (
    INSERT INTO action_item (action_no, position, message_no)
    SELECT planned.action_no, item.position, item.message_no
      FROM planned, unnest(:message_nos::bigint[]) WITH ORDINALITY AS item (message_no, position)
), told AS (
    INSERT INTO event (at, what, party, who, detail)
    SELECT :at::timestamptz, 'operator:plan', :party::text, :who::text,
           jsonb_strip_nulls(jsonb_build_object('action', action_id, 'verb', verb, 'wanted', wanted,
                                                'reason', reason, 'count', count,
                                                'digest', encode(digest, 'hex')))
      FROM planned
)
SELECT action_no FROM planned;

-- name: action(action_id)^
-- One action. No row: unknown.
SELECT action_no, action_id, verb, wanted, reason, most, per_second, count, digest, state, done, refused, who,
       planned_at, started_by, started_at, ended_at, stopped_by, stopped_for
  FROM action
 WHERE action_id = :action_id;

-- name: actions(before, batch)
-- Actions, newest first.
SELECT action_no, action_id, verb, wanted, reason, most, per_second, count, digest, state, done, refused, who,
       planned_at, started_by, started_at, ended_at, stopped_by, stopped_for
  FROM action
 WHERE action_no < :before
 ORDER BY action_no DESC
 LIMIT :batch;

-- name: action_items(action_no, after, batch)
-- An action's list in its order, with what became of each.
SELECT i.position, m.message_no, m.message_id, m.party, m.certificate_number, m.form, m.recorded_at, d.status, i.result
  FROM action_item i
  JOIN message m ON m.message_no = i.message_no
  JOIN delivery d ON d.message_no = i.message_no
 WHERE i.action_no = :action_no
   AND i.position > :after
 ORDER BY i.position
 LIMIT :batch;

-- name: start_action(action_id, who, at)$
-- Start an action, or go on with one that was stopped. No row: it runs already, it is done, or there is none.
WITH started AS (
    UPDATE action
       SET state = 'running', started_by = :who::text, started_at = :at::timestamptz, stopped_by = NULL,
           stopped_for = NULL
     WHERE action_id = :action_id
       AND state IN ('planned', 'stopped')
    RETURNING action_no, action_id, verb, count, done, refused
), told AS (
    INSERT INTO event (at, what, who, detail)
    SELECT :at::timestamptz, 'operator:start', :who::text,
           jsonb_build_object('action', action_id, 'verb', verb, 'left', count - done - refused)
      FROM started
)
SELECT action_no FROM started;

-- name: stop_action(action_id, who, at, reason)$
-- Stop a running action; what was done stays done. No row: it does not run.
WITH stopped AS (
    UPDATE action
       SET state = 'stopped', stopped_by = :who::text, stopped_for = :reason::text
     WHERE action_id = :action_id
       AND state = 'running'
    RETURNING action_no, action_id, verb, count, done, refused
), told AS (
    INSERT INTO event (at, what, who, detail)
    SELECT :at::timestamptz, 'operator:stop', :who::text,
           jsonb_strip_nulls(jsonb_build_object('action', action_id, 'verb', verb, 'reason', :reason::text,
                                                'left', count - done - refused))
      FROM stopped
)
SELECT action_no FROM stopped;

-- name: tick_actions()
-- Running actions that nobody worked on within this second; whoever gets one works on it now.
UPDATE action
   SET ticked_at = now()
 WHERE action_no = ANY (ARRAY (
        SELECT action_no
          FROM action
         WHERE state = 'running' AND ticked_at <= now() - interval '0.95 s'
           FOR UPDATE SKIP LOCKED))
RETURNING action_no, action_id, verb, per_second, started_by;

-- name: refused_in_a_row(action_no, last)$
-- Whether the :last messages that an action sent again were all refused by their party.
SELECT count(*) = :last AND bool_and(d.status = 'refused')
  FROM (SELECT i.message_no
          FROM action_item i
         WHERE i.action_no = :action_no AND i.result = 'done'
           AND i.position <= (SELECT done + refused FROM action WHERE action_no = :action_no)
         ORDER BY i.position DESC
         LIMIT :last) AS latest
  JOIN delivery d ON d.message_no = latest.message_no;

-- name: next_item(action_no)^
-- Lock an action and show its next item. No row: it does not run, or its list is worked off.
SELECT a.action_id, a.verb, a.reason, a.started_by, i.position, i.message_no, d.party
  FROM action a
  JOIN action_item i ON i.action_no = a.action_no AND i.position = a.done + a.refused + 1
  JOIN delivery d ON d.message_no = i.message_no
 WHERE a.action_no = :action_no
   AND a.state = 'running'
   FOR NO KEY UPDATE OF a;

-- name: keep_result(action_no, position, result)!
-- Keep what became of an action's item.
WITH kept AS (
    UPDATE action_item SET result = :result::text WHERE action_no = :action_no AND position = :position
    RETURNING result = 'done' AS is_done
)
UPDATE action
   SET done = done + is_done::integer, refused = refused + (NOT is_done)::integer
  FROM kept
 WHERE action_no = :action_no;

-- name: end_action(action_no, at)!
-- An action whose list is worked off is done.
WITH ended AS (
    UPDATE action
       SET state = 'done', ended_at = :at::timestamptz
     WHERE action_no = :action_no
       AND state = 'running'
       AND done + refused = count
    RETURNING action_id, verb, started_by, done, refused
)
INSERT INTO event (at, what, who, detail)
SELECT :at::timestamptz, 'operator:done', started_by,
       jsonb_build_object('action', action_id, 'verb', verb, 'done', done, 'refused', refused)
  FROM ended;

-- name: lanes(at)
-- Each lane: its unfinished deliveries by status and age, why the oldest waits, who runs it, how its party answers.
-- One look at each open delivery counts it by party, status and age; all else works on those few counts. The
-- expired are as of the last fold.
WITH ages AS (
    SELECT array_agg(:at::timestamptz - make_interval(secs => s) ORDER BY s DESC) AS edges
      FROM unnest(ARRAY[86400, 14400, 3600, 1200, 300]) AS s
), aged AS (
    SELECT d.party, d.status, count(*) AS n, min(d.recorded_at) AS since,
           min(greatest(d.due_at, now())) FILTER (WHERE d.due_at < 'infinity' AND d.status <> 'sending') AS due_at,
           width_bucket(d.recorded_at, (SELECT edges FROM ages)) AS age
      FROM delivery d
     WHERE d.open
     GROUP BY d.party, d.status, age
), backlog AS (
    SELECT a.party, sum(a.n) FILTER (WHERE a.status <> 'on_hold') AS waiting,
           min(a.since) FILTER (WHERE a.status <> 'on_hold') AS oldest,
           sum(a.n) FILTER (WHERE a.status <> 'on_hold' AND a.age = 5) AS upto_5min,
           sum(a.n) FILTER (WHERE a.status <> 'on_hold' AND a.age = 4) AS upto_20min,
           sum(a.n) FILTER (WHERE a.status <> 'on_hold' AND a.age = 3) AS upto_1h,
           sum(a.n) FILTER (WHERE a.status <> 'on_hold' AND a.age = 2) AS upto_4h,
           sum(a.n) FILTER (WHERE a.status <> 'on_hold' AND a.age = 1) AS upto_1d,
           sum(a.n) FILTER (WHERE a.status <> 'on_hold' AND a.age = 0) AS older,
           sum(a.n) FILTER (WHERE a.status = 'ready_to_send') AS ready_to_send,
           sum(a.n) FILTER (WHERE a.status = 'sending') AS sending,
           sum(a.n) FILTER (WHERE a.status = 'awaiting_retry') AS awaiting_retry,
           sum(a.n) FILTER (WHERE a.status = 'awaiting_receipt') AS awaiting_receipt,
           sum(a.n) FILTER (WHERE a.status = 'on_hold') AS on_hold,
           extract(epoch FROM min(a.due_at) - now())::double precision AS next_due_s
      FROM aged a
     GROUP BY a.party
), known AS (
    SELECT party, CASE WHEN lease_until > now() THEN holder END AS holder, window_size, failures, cause, asked,
           greatest(0, extract(epoch FROM rest_until - now()))::double precision AS rest_s,
           extract(epoch FROM now() - heard_at)::double precision AS heard_s
      FROM lane
)
SELECT party, coalesce(b.waiting, 0)::bigint AS waiting,
       extract(epoch FROM :at::timestamptz - b.oldest)::double precision AS oldest_s,
       coalesce(b.upto_5min, 0)::bigint AS upto_5min, coalesce(b.upto_20min, 0)::bigint AS upto_20min,
       coalesce(b.upto_1h, 0)::bigint AS upto_1h,
       coalesce(b.upto_4h, 0)::bigint AS upto_4h, coalesce(b.upto_1d, 0)::bigint AS upto_1d,
       coalesce(b.older, 0)::bigint AS older, coalesce(b.ready_to_send, 0)::bigint AS ready_to_send,
       coalesce(b.sending, 0)::bigint AS sending, coalesce(b.awaiting_retry, 0)::bigint AS awaiting_retry,
       coalesce(b.awaiting_receipt, 0)::bigint AS awaiting_receipt, coalesce(b.on_hold, 0)::bigint AS on_hold,
       coalesce((SELECT t.n FROM delivery_tally t WHERE t.party = coalesce(b.party, k.party) AND t.status = 'expired'), 0)
           AS expired,
       CASE WHEN s.suspended_by IS NOT NULL THEN NULL
            WHEN k.asked THEN greatest(b.next_due_s, k.rest_s)
            ELSE b.next_due_s
       END AS next_due_s,
       CASE WHEN b.waiting IS NULL THEN NULL
            WHEN s.notice IS NOT NULL THEN 'outage declared by ' || s.suspended_by || ': ' || s.notice
            WHEN s.suspended_by IS NOT NULL THEN 'party suspended by ' || s.suspended_by
            ELSE coalesce(CASE WHEN k.asked AND k.rest_s > 0 THEN k.cause END,
                          (SELECT d.cause
                             FROM delivery d
                            WHERE d.party = b.party AND d.open AND d.status <> 'on_hold' AND d.recorded_at = b.oldest
                            LIMIT 1),
                          CASE WHEN k.failures > 0 AND b.waiting > 0 THEN k.cause END)
       END AS cause,
       k.holder, k.window_size, coalesce(k.failures, 0) AS failures, k.cause AS failure, coalesce(k.asked, false) AS asked,
       k.rest_s, k.heard_s
  FROM backlog b
  FULL JOIN known k USING (party)
  LEFT JOIN party_state s USING (party)
 ORDER BY party;

-- ======== reading ============================================================================================

-- name: message(message_no)^
-- One message. No row: unknown.
SELECT message_no, direction, party, message_id, conversation_id, type, form, certificate_no, certificate_number,
       ref_to_message_id, digest, created_at, recorded_at, valid, findings, organisation, delivery, cause, parked,
       dialect
  FROM message_row
 WHERE message_no = :message_no;

-- name: messages_by_id(message_id)
-- The messages with this id; two parties may have used the same.
SELECT message_no, direction, party, message_id, conversation_id, type, form, certificate_no, certificate_number,
       ref_to_message_id, digest, created_at, recorded_at, valid, findings, organisation, delivery, cause, parked,
       dialect
  FROM message_row
 WHERE message_id = :message_id
 ORDER BY message_no;

-- name: messages_of_certificate(certificate_no)
-- Every message about a certificate, oldest first.
SELECT message_no, direction, party, message_id, conversation_id, type, form, certificate_no, certificate_number,
       ref_to_message_id, digest, created_at, recorded_at, valid, findings, organisation, delivery, cause, parked,
       dialect
  FROM message_row
 WHERE certificate_no = :certificate_no
 ORDER BY message_no;

-- name: chain(certificate_no)
-- The certificates that this one replaces or copies, and those that replace or copy it. ``life`` is null for
-- what the ledger does not know.
SELECT tie.relation, tie.number, known.life
  FROM certificate c
 CROSS JOIN LATERAL (VALUES ('replaces', c.replaces), ('certified_copy_of', c.certified_copy_of))
                    AS tie (relation, number)
  LEFT JOIN certificate known ON known.number = tie.number
                             AND known.family = c.family
                             AND known.issuing_country = c.issuing_country
                             AND known.direction = c.direction
 WHERE c.certificate_no = :certificate_no
   AND tie.number IS NOT NULL
 UNION ALL
SELECT 'replaced_by', later.number, later.life
  FROM certificate c
  JOIN certificate later ON later.replaces = c.number
                        AND later.family = c.family
                        AND later.issuing_country = c.issuing_country
                        AND later.direction = c.direction
 WHERE c.certificate_no = :certificate_no
 UNION ALL
SELECT 'certified_copy', later.number, later.life
  FROM certificate c
  JOIN certificate later ON later.certified_copy_of = c.number
                        AND later.family = c.family
                        AND later.issuing_country = c.issuing_country
                        AND later.direction = c.direction
 WHERE c.certificate_no = :certificate_no;

-- name: replaced_by(number, family, issuing_country, direction, party)$
-- The number of a certificate that replaces this one, from the same party. No value: none is known.
SELECT min(later.number)
  FROM certificate later
 WHERE later.replaces = :number
   AND later.number <> :number
   AND later.family = :family
   AND later.issuing_country = :issuing_country
   AND later.direction = :direction
   AND later.party = :party;

-- name: attempts(message_nos)
-- Attempts to deliver these messages, oldest first.
SELECT message_no, at, outcome, cause, next_at
  FROM attempt
 WHERE message_no = ANY (:message_nos::bigint[])
 ORDER BY message_no, attempt_no;

-- name: receipts(message_nos)
-- The latest receipt for each of these messages.
SELECT DISTINCT ON (message_no) message_no, at, digest, signer
  FROM receipt
 WHERE message_no = ANY (:message_nos::bigint[])
 ORDER BY message_no, receipt_no DESC;

-- name: acknowledgements(message_nos)
-- Acknowledgements about these messages, oldest first.
SELECT message_no, outcome, acknowledged_by, findings, at, carried_by
  FROM acknowledgement
 WHERE message_no = ANY (:message_nos::bigint[])
 ORDER BY message_no, acknowledgement_no;

-- name: customs_entries_of_message(message_no)
-- The customs entries that one message brought.
SELECT r.item, r.outcome, r.quantity, r.unit, r.declaration, r.date, r.reason, r.legal_basis, r.message_no,
       m.message_id, r.at, m.created_at AS said_at
  FROM customs_response r
  JOIN message m ON m.message_no = r.message_no
 WHERE r.message_no = :message_no
 ORDER BY r.entry_no;

-- name: events_of_messages(message_nos)
-- What happened to these messages, oldest first.
SELECT place, event_no, at, what, message_id, certificate_number, party, who, detail
  FROM event_row
 WHERE message_no = ANY (:message_nos::bigint[])
 ORDER BY event_no;

-- name: events_of_certificate(certificate_no)
-- What happened to a certificate itself, oldest first.
SELECT place, event_no, at, what, message_id, certificate_number, party, who, detail
  FROM event_row
 WHERE certificate_no = :certificate_no
   AND message_no IS NULL
 ORDER BY event_no;

-- name: document(message_no, kind)$
-- Exact bytes as sent, received or submitted. No row: there are none.
SELECT body FROM document WHERE message_no = :message_no AND kind = :kind;

-- name: said(message_no)$
-- What a message says in canonical form: a document of its own where it travelled in a dialect, else it is in the
-- bytes on the wire.
SELECT body FROM document WHERE message_no = :message_no AND kind IN ('canonical', 'wire') ORDER BY kind LIMIT 1;

-- name: receipt_body(message_no)$
-- Their latest receipt for this message.
SELECT body FROM receipt WHERE message_no = :message_no ORDER BY receipt_no DESC LIMIT 1;

-- name: issued_receipt_body(message_no)$
-- Our receipt for this message.
SELECT body FROM issued_receipt WHERE message_no = :message_no;

-- name: refused_submission(submission_id)^
-- One refused submission with its bytes.
SELECT submission_id, at, organisation, actor, form, certificate_number, content_type, findings, body
  FROM refused_submission
 WHERE submission_id = :submission_id;

-- name: keep_setting(name, value)$
-- Keep a setting if none is kept; no row when one is: read it then.
INSERT INTO setting (name, value) VALUES (:name, :value) ON CONFLICT (name) DO NOTHING RETURNING value;

-- name: setting(name)$
-- A kept setting.
SELECT value FROM setting WHERE name = :name;

-- ======== counting ===========================================================================================

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

-- ======== housekeeping ================================================================================

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

-- ======== lists of revoked certificates ===============================================================

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

-- ======== specimen lists ==============================================================================

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

-- ======== configuration ===============================================================================

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

-- ======== four eyes ===================================================================================

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

-- ======== people sign in ==============================================================================

-- name: begin_sign_in(state_digest, browser_digest, nonce, verifier, return_to, at, forgotten)!
-- Remember a sign-in that has begun; those begun before :forgotten are dropped.
WITH dropped AS (
    DELETE FROM sign_in WHERE begun_at < :forgotten
)
INSERT INTO sign_in (state_digest, browser_digest, nonce, verifier, return_to, begun_at)
VALUES (:state_digest, :browser_digest, :nonce, :verifier, :return_to, :at);

-- name: take_sign_in(state_digest, browser_digest, forgotten)^
-- Take a sign-in that comes back, once, by the browser that began it. No row: there is none.
DELETE FROM sign_in
 WHERE state_digest = :state_digest
   AND browser_digest = :browser_digest
   AND begun_at >= :forgotten
RETURNING nonce, verifier, return_to;

-- name: refuse_sign_in(at, who, reason, address)!
-- Tell of a sign-in that was refused.
INSERT INTO event (at, what, who, detail)
VALUES (:at, 'session:refused', :who,
        jsonb_build_object('reason', :reason::text, 'address', :address::text));

-- name: open_session(session_digest, subject, name, roles, organisation, provider, address, agent, at)$
-- Open a session; its session_no.
WITH opened AS (
    INSERT INTO session
           (session_digest, subject, name, roles, organisation, provider, address, agent, begun_at, seen_at)
    VALUES (:session_digest, :subject, :name, :roles::text[], :organisation, :provider, :address, :agent,
            :at::timestamptz, :at::timestamptz)
    RETURNING session_no, subject, roles, address
), told AS (
    INSERT INTO event (at, what, who, detail)
    SELECT :at::timestamptz, 'session:begun', subject,
           jsonb_build_object('session', session_no, 'roles', roles, 'address', address)
      FROM opened
)
SELECT session_no FROM opened;

-- name: session(session_digest, seen_since, begun_since)^
-- The session of this cookie. No row: there is none, it has ended, or its time is over.
SELECT session_no, subject, name, roles, organisation, provider, address, agent, begun_at, seen_at
  FROM session
 WHERE session_digest = :session_digest
   AND ended_at IS NULL
   AND seen_at >= :seen_since
   AND begun_at >= :begun_since;

-- name: prolong_session(session_no, at)!
-- Its holder has just been seen.
UPDATE session SET seen_at = :at WHERE session_no = :session_no AND ended_at IS NULL AND seen_at < :at;

-- name: sessions(subject, seen_since, begun_since)
-- The sessions that live, of one person or, without :subject, of everybody; the latest seen first.
SELECT session_no, subject, name, roles, organisation, provider, address, agent, begun_at, seen_at
  FROM session
 WHERE ended_at IS NULL
   AND seen_at >= :seen_since
   AND begun_at >= :begun_since
   AND (:subject::text IS NULL OR subject = :subject)
 ORDER BY seen_at DESC, session_no
 LIMIT 500;

-- name: end_session(session_no, subject, who, at)$
-- End a session, of one person only where :subject is given. No row: it has ended, or is another's.
WITH ended AS (
    UPDATE session
       SET ended_at = :at::timestamptz, ended_by = :who::text
     WHERE session_no = :session_no
       AND ended_at IS NULL
       AND (:subject::text IS NULL OR subject = :subject)
    RETURNING session_no, subject
), told AS (
    INSERT INTO event (at, what, who, detail)
    SELECT :at::timestamptz, 'session:ended', :who::text,
           jsonb_build_object('session', session_no, 'subject', subject)
      FROM ended
)
SELECT session_no FROM ended;

-- ======== what operators look at =============================================================================

-- name: corridor_backlog(at)
-- What is owed on each corridor, by age; the oldest message of each. A message is looked up for what is open
-- alone: the LIMIT keeps the planner from reading all messages for the few that wait.
SELECT d.party, m.form, d.side, count(*) FILTER (WHERE d.status <> 'on_hold') AS waiting,
       count(*) FILTER (WHERE d.status = 'on_hold') AS on_hold,
       extract(epoch FROM :at::timestamptz - min(d.recorded_at) FILTER (WHERE d.status <> 'on_hold'))
           ::double precision AS oldest_s,
       count(*) FILTER (WHERE d.status <> 'on_hold' AND age.s <= 300) AS upto_5min,
       count(*) FILTER (WHERE d.status <> 'on_hold' AND age.s > 300 AND age.s <= 1200) AS upto_20min,
       count(*) FILTER (WHERE d.status <> 'on_hold' AND age.s > 1200 AND age.s <= 3600) AS upto_1h,
       count(*) FILTER (WHERE d.status <> 'on_hold' AND age.s > 3600 AND age.s <= 14400) AS upto_4h,
       count(*) FILTER (WHERE d.status <> 'on_hold' AND age.s > 14400 AND age.s <= 86400) AS upto_1d,
       count(*) FILTER (WHERE d.status <> 'on_hold' AND age.s > 86400) AS older
  FROM delivery d
 CROSS JOIN LATERAL (SELECT form FROM message WHERE message_no = d.message_no LIMIT 1) AS m
 CROSS JOIN LATERAL (SELECT extract(epoch FROM :at::timestamptz - d.recorded_at) AS s) AS age
 WHERE d.open
 GROUP BY d.party, m.form, d.side
 ORDER BY d.party, m.form, d.side;

-- name: lane_troubles()
-- Of each lane that waits for another try: since when its attempts fail, how many did, and why the last one.
SELECT d.party, tries.since, tries.n AS attempts, coalesce(tries.cause, l.cause) AS cause,
       greatest(tries.next_at, l.rest_until) AS next_at, coalesce(l.failures, 0) AS failures, l.heard_at
  FROM (SELECT DISTINCT ON (o.party) o.party, o.message_no
          FROM delivery o
         WHERE o.open
           AND o.status IN ('awaiting_retry', 'awaiting_receipt', 'sending')
           AND o.attempts > 0
         ORDER BY o.party, o.message_no) AS d
 CROSS JOIN LATERAL (
       SELECT min(a.at) AS since, count(*) AS n, (array_agg(a.cause ORDER BY a.attempt_no DESC))[1] AS cause,
              (array_agg(a.next_at ORDER BY a.attempt_no DESC))[1] AS next_at
         FROM attempt a
        WHERE a.message_no = d.message_no) AS tries
  LEFT JOIN lane l ON l.party = d.party
 WHERE tries.n > 0
 ORDER BY d.party;

-- name: deliveries(statuses, code, party, form, before, batch)
-- Deliveries of one party that wait or stand in trouble, newest first.
SELECT m.message_no, m.direction, m.party, m.message_id, m.conversation_id, m.type, m.form, m.certificate_no,
       m.certificate_number, m.ref_to_message_id, m.digest, m.created_at, m.recorded_at, m.valid, m.findings,
       m.organisation, m.delivery, m.cause, m.parked, m.dialect
  FROM delivery d
  JOIN message_row m ON m.message_no = d.message_no
 WHERE (d.open OR d.troubled)
   AND d.status = ANY (:statuses::text[])
   AND d.party = :party
   AND (:form::text IS NULL OR m.form = :form)
   AND d.message_no < :before
   AND (:code::text IS NULL OR d.cause LIKE :code || ':%')
 ORDER BY d.message_no DESC
 LIMIT :batch;

-- name: refused_messages(since, batch)
-- What parties sent and was refused on the wire, newest first.
SELECT refused_no, at, party, message_id, findings, octet_length(body) AS bytes
  FROM refused_message
 WHERE at >= :since
 ORDER BY at DESC, refused_no DESC
 LIMIT :batch;

-- name: refused_message(refused_no)^
-- One of them with its bytes and our answer.
SELECT refused_no, at, party, message_id, findings, body, answer FROM refused_message WHERE refused_no = :refused_no;

-- name: happened(place, event_no, party, what, looked_at, batch)
-- What happened before a place in the feed, newest first, among the last :looked_at events before it, so that a
-- rare condition costs no more than a common one.
SELECT e.place, e.event_no, e.at, e.what, e.message_id, e.certificate_number, e.party, e.who, e.detail
  FROM (SELECT n.place, n.event_no, n.party, n.what
          FROM event n
         WHERE (n.place, n.event_no) < (:place, :event_no)
         ORDER BY n.place DESC, n.event_no DESC
         LIMIT :looked_at) AS near
  JOIN event_row e ON e.place = near.place AND e.event_no = near.event_no
 WHERE (:party::text IS NULL OR near.party = :party)
   AND (:what::text IS NULL OR near.what LIKE :what || '%')
 ORDER BY near.place DESC, near.event_no DESC
 LIMIT :batch;

-- name: what_people_did(place, event_no, who, what, batch)
-- What people did before a place in the feed, newest first.
SELECT e.place, e.event_no, e.at, e.what, e.message_id, e.certificate_number, e.party, e.who, e.detail
  FROM event_row e
 WHERE (e.place, e.event_no) < (:place, :event_no)
   AND (e.what LIKE 'operator:%' OR e.what LIKE 'session:%')
   AND (:who::text IS NULL OR e.who = :who)
   AND (:what::text IS NULL OR e.what LIKE :what || '%')
 ORDER BY e.place DESC, e.event_no DESC
 LIMIT :batch;

-- name: newest_event()^
-- Where the feed ends now.
SELECT place, event_no FROM event ORDER BY place DESC, event_no DESC LIMIT 1;

-- name: fold_days(batch)$
-- Fold up to :batch more events into the tally of days; how many were folded.
WITH begun AS MATERIALIZED (
    SELECT place, event_no FROM day_tally_position FOR UPDATE
), fresh AS MATERIALIZED (
    SELECT e.place, e.event_no, e.at, e.party, e.side, e.what, e.message_no, e.certificate_no, e.detail
      FROM event e
     WHERE (e.place, e.event_no) > ((SELECT place FROM begun), (SELECT event_no FROM begun))
       AND e.place < feed_end()
     ORDER BY e.place, e.event_no
     LIMIT :batch
), counted AS (
    INSERT INTO day_tally AS t (day, party, form, side, type, said_by, what, n)
    SELECT (f.at AT TIME ZONE 'UTC')::date, f.party, coalesce(m.form, c.form, ''), f.side,
           coalesce(m.type, 'certificate'),
           CASE WHEN f.what LIKE 'acknowledgement:%' THEN coalesce(f.detail ->> 'by', '') ELSE '' END, f.what, count(*)
      FROM fresh f
      LEFT JOIN message m ON m.message_no = f.message_no
      LEFT JOIN certificate c ON c.certificate_no = f.certificate_no
     WHERE f.party IS NOT NULL
       AND f.side IS NOT NULL
     GROUP BY 1, 2, 3, 4, 5, 6, 7
     ORDER BY 1, 2, 3, 4, 5, 6, 7
    ON CONFLICT (day, party, form, side, type, said_by, what) DO UPDATE SET n = t.n + excluded.n
), gone_to AS (
    UPDATE day_tally_position p
       SET place = last.place, event_no = last.event_no
      FROM (SELECT place, event_no FROM fresh ORDER BY place DESC, event_no DESC LIMIT 1) AS last
)
SELECT count(*) FROM fresh;

-- name: days(first_day, last_day)
-- What happened on these days, both included, by corridor.
SELECT party, form, side, type, said_by, what, sum(n)::bigint AS n
  FROM day_tally
 WHERE day BETWEEN :first_day AND :last_day
 GROUP BY party, form, side, type, said_by, what
 ORDER BY party, form, side, type, said_by, what;
-- ======== back-to-back certificates =========================================================================

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

-- ======== the public check ==================================================================================

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
