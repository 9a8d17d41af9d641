-- What back-to-back certificates take from their originals. Written before the certificate is, so that two at once
-- cannot take the same; it counts while its certificate stands, or for an hour while it is being submitted.

CREATE TABLE re_export (
    message_id  text COLLATE "C" PRIMARY KEY,
    originals   bigint[] NOT NULL,
    goods       jsonb NOT NULL,            -- [{item, hs, value, unit}]
    reserved_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX re_export_of ON re_export USING gin (originals);

CREATE VIEW re_export_counting AS
SELECT e.message_id, e.originals, e.goods, c.number
  FROM re_export e
  LEFT JOIN message m ON m.message_id = e.message_id AND m.direction = 'out' AND m.type = 'certificate'
  LEFT JOIN certificate c ON c.certificate_no = m.certificate_no
  LEFT JOIN delivery d ON d.message_no = m.message_no
 WHERE m.message_no IS NULL AND e.reserved_at > now() - interval '1 hour'
    OR c.message_no = m.message_no
       AND c.life NOT IN ('cancelled', 'replaced')
       AND coalesce(c.acknowledgement, '') <> 'rejected'
       AND coalesce(d.status, '') NOT IN ('withdrawn', 'refused');
