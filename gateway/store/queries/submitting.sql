-- A certificate is submitted.

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
