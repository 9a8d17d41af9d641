-- The law's clocks. None is written when it starts: the watch enters a clock here when the first warning that any
-- agreement knows may be due, so a certificate that is used up in time never stands in this table.

CREATE TABLE clock (
    clock_no       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name           text NOT NULL,          -- of its file under mappings/clocks
    starts         text NOT NULL,
    message_no     bigint NOT NULL,        -- the message from which it runs
    certificate_no bigint,
    party          text NOT NULL,
    organisation   text,
    owner          text NOT NULL,
    limit_told     text NOT NULL,          -- the limit in words, with its rule
    started_at     timestamptz NOT NULL,
    warn_at        timestamptz NOT NULL,
    due_at         timestamptz NOT NULL,
    state          text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'warned', 'breached', 'stopped')),
    warned_at      timestamptz,
    breached_at    timestamptz,
    stopped_at     timestamptz,
    UNIQUE (name, message_no)
);

CREATE INDEX clock_open ON clock (due_at, clock_no) WHERE state <> 'stopped';
CREATE INDEX clock_of_certificate ON clock (certificate_no) WHERE certificate_no IS NOT NULL;

-- Up to where each clock was looked for: by its start, and by when that became known here.
CREATE TABLE clock_position (
    name       text PRIMARY KEY,
    started_at timestamptz NOT NULL,
    looked_at  timestamptz NOT NULL
);

CREATE INDEX certificate_by_issue ON certificate
    USING brin (((issue_date + time '12:00') AT TIME ZONE 'UTC')) WITH (autosummarize = on);
CREATE INDEX receipt_by_time ON receipt USING brin (recorded_at) WITH (autosummarize = on);
CREATE INDEX message_verifying ON message (recorded_at) WHERE type = 'verification-request';

-- What starts a clock, and whether it runs no longer. A day without a time is taken as its noon in Greenwich, which
-- is the same day nearly everywhere.
CREATE VIEW clock_start AS
SELECT 'certificate-issued' AS starts, c.message_no, c.certificate_no, c.party, c.organisation,
       split_part(c.family, '/', 1) AS agreement,
       (c.issue_date + time '12:00') AT TIME ZONE 'UTC' AS started_at, c.submitted_at AS known_at,
       c.life IN ('cancelled', 'replaced', 'expired') OR coalesce(c.acknowledgement, '') = 'rejected'
           OR coalesce(c.customs_response, '') = 'utilised' AS stopped
  FROM certificate c
 UNION ALL
SELECT 'certificate-received', c.message_no, c.certificate_no, c.party, c.organisation,
       split_part(c.family, '/', 1), c.submitted_at, c.submitted_at,
       c.life IN ('cancelled', 'replaced') OR coalesce(c.acknowledgement, '') = 'rejected'
           OR c.customs_response IS NOT NULL
  FROM certificate c
 WHERE c.direction = 'in'
 UNION ALL
SELECT 'message-owed', d.message_no, d.certificate_no, d.party, d.organisation, split_part(m.form, '/', 1),
       d.recorded_at, d.recorded_at, NOT d.open OR d.status = 'on_hold'
  FROM delivery d
  JOIN message m ON m.message_no = d.message_no
 UNION ALL
SELECT 'message-receipted', r.message_no, m.certificate_no, m.party, m.organisation, split_part(m.form, '/', 1),
       r.recorded_at, r.recorded_at,
       EXISTS (SELECT FROM acknowledgement a WHERE a.message_no = r.message_no)
  FROM receipt r
  JOIN message m ON m.message_no = r.message_no
 WHERE m.type NOT IN ('acknowledgement', 'ping', 'status-query', 'status-reply')
 UNION ALL
SELECT 'verification-received', v.message_no, v.certificate_no, v.party, c.organisation, split_part(v.form, '/', 1),
       v.recorded_at, v.recorded_at,
       EXISTS (SELECT FROM message r
                WHERE r.certificate_no = v.certificate_no
                  AND r.message_no > v.message_no
                  AND (r.type = 'verification-reply' AND r.ref_to_message_id = v.message_id
                       OR r.type = 'verification-result'))
  FROM message v
  JOIN certificate c ON c.certificate_no = v.certificate_no
 WHERE v.type = 'verification-request' AND v.direction = 'in' AND c.direction = 'out'
 UNION ALL
SELECT 'verification-sent', v.message_no, v.certificate_no, v.party, NULL, split_part(v.form, '/', 1),
       v.recorded_at, v.recorded_at,
       EXISTS (SELECT FROM message r
                WHERE r.certificate_no = v.certificate_no
                  AND r.message_no > v.message_no
                  AND (r.type = 'verification-reply' AND r.ref_to_message_id = v.message_id
                       OR r.type = 'verification-result'))
  FROM message v
 WHERE v.type = 'verification-request' AND v.direction = 'out'
 UNION ALL
SELECT 'verification-opened', v.message_no, v.certificate_no, v.party, NULL, split_part(v.form, '/', 1),
       v.recorded_at, v.recorded_at,
       EXISTS (SELECT FROM message r
                WHERE r.certificate_no = v.certificate_no
                  AND r.message_no > v.message_no
                  AND r.type = 'verification-result')
  FROM message v
 WHERE v.type = 'verification-request';
