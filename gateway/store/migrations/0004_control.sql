-- What operators control beyond one delivery: outages and times of suspensions, single corridors, acts on many.

-- A suspension with a notice is an outage: senders are told the notice. One with a time ends by itself.
ALTER TABLE party_state
    ADD COLUMN notice     text,
    ADD COLUMN until      timestamptz,
    ADD COLUMN maintained timestamptz;  -- begin of the last planned maintenance that was acted upon

-- A corridor is told by the party and the form without version, as it travels; both ways are meant.
CREATE TABLE corridor_state (
    party         text NOT NULL,
    form          text NOT NULL,
    suspended_by  text NOT NULL,
    suspended_at  timestamptz NOT NULL,
    reason        text,
    outgoing_only boolean NOT NULL,
    PRIMARY KEY (party, form)
);

-- ---- one act on many messages ---------------------------------------------------------------------------
-- The list is frozen when it is planned. It is worked off in its order, each item in a transaction that locks
-- the action's row, so that a stop holds at once and no item is done twice, whoever works.

CREATE TABLE action (
    action_no  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    action_id  uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    verb       text NOT NULL CHECK (verb IN ('hold', 'release', 'resend', 'withdraw')),
    wanted     jsonb NOT NULL,          -- the filter, or that ids were named
    reason     text,
    most       integer NOT NULL,
    per_second integer NOT NULL CHECK (per_second > 0),
    count      integer NOT NULL,
    digest     bytea NOT NULL,          -- SHA-256 over the message ids of the list, a line each
    state      text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'running', 'stopped', 'done')),
    done       integer NOT NULL DEFAULT 0,
    refused    integer NOT NULL DEFAULT 0,
    who        text NOT NULL,           -- who planned it
    planned_at timestamptz NOT NULL,
    started_by text,
    started_at timestamptz,
    ended_at   timestamptz,
    stopped_by text,
    stopped_for text,
    ticked_at  timestamptz NOT NULL DEFAULT '-infinity'  -- this server's clock: keeps the rate over all nodes
);

CREATE INDEX action_running ON action (action_no) WHERE state = 'running';

CREATE TABLE action_item (
    action_no  bigint NOT NULL REFERENCES action ON DELETE CASCADE,
    position   integer NOT NULL,
    message_no bigint NOT NULL,
    result     text,                    -- 'done', or why not
    PRIMARY KEY (action_no, position)
);

-- ---- why a delivery waits ---------------------------------------------------------------------------------

CREATE FUNCTION form_family(form text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT split_part(form, '/', 1) || '/' || split_part(form, '/', 2)
$$;

CREATE OR REPLACE VIEW message_row AS
SELECT m.message_no, m.direction, m.party, m.message_id, m.conversation_id, m.type, m.form, m.certificate_no,
       m.certificate_number, m.ref_to_message_id, m.digest, m.created_at, m.recorded_at, m.valid, m.findings,
       m.organisation, d.status AS delivery,
       CASE WHEN d.status NOT IN ('ready_to_send', 'awaiting_retry', 'awaiting_receipt') THEN d.cause
            WHEN s.notice IS NOT NULL THEN 'outage declared by ' || s.suspended_by || ': ' || s.notice
            WHEN s.suspended_by IS NOT NULL THEN 'party suspended by ' || s.suspended_by
            WHEN c.suspended_by IS NOT NULL THEN 'corridor suspended by ' || c.suspended_by
            ELSE d.cause
       END AS cause,
       EXISTS (SELECT FROM parked p WHERE p.message_no = m.message_no) AS parked
  FROM message m
  LEFT JOIN delivery d ON d.message_no = m.message_no
  LEFT JOIN party_state s ON s.party = d.party
  LEFT JOIN corridor_state c ON c.party = d.party AND c.form = form_family(m.form);
