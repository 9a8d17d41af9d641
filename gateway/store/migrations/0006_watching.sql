-- What a person must act on: exceptions, each a cause with the messages that suffer from it. Nothing on the hot
-- way writes here; the watch reads the events that may mean trouble and looks at what stands behind them.

CREATE TABLE exception (
    exception_no    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code            text NOT NULL,          -- of the exception catalogue, or the name of a clock
    party           text NOT NULL,
    organisation    text,                   -- whose certificates; null where it is nobody's in particular
    owner           text NOT NULL,
    cause           text NOT NULL,          -- CODE: words, as it was told last
    next_action     text NOT NULL,
    state           text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed')),
    times           integer NOT NULL DEFAULT 1,   -- it was opened
    first_opened_at timestamptz NOT NULL,
    opened_at       timestamptz NOT NULL,
    last_seen_at    timestamptz NOT NULL,
    taken_by        text,
    taken_at        timestamptz,
    closed_at       timestamptz,
    closed_by       text,
    resolution      text,
    UNIQUE NULLS NOT DISTINCT (code, party, owner, organisation),
    CHECK ((state = 'closed') = (closed_at IS NOT NULL))
);

CREATE INDEX exception_open ON exception (opened_at, exception_no) WHERE state = 'open';

-- One thing that suffers: a message, a clock, or, where neither is set, what we refused from the party.
CREATE TABLE exception_item (
    item_no      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    exception_no bigint NOT NULL REFERENCES exception,
    message_no   bigint,
    clock_no     bigint,
    cause        text NOT NULL,
    opened_at    timestamptz NOT NULL,
    closed_at    timestamptz,
    closed_by    text,
    resolution   text
);

CREATE INDEX exception_item_open ON exception_item (exception_no, item_no) WHERE closed_at IS NULL;
CREATE INDEX exception_item_of ON exception_item (exception_no, item_no);
CREATE UNIQUE INDEX exception_item_of_message ON exception_item (message_no)
    WHERE closed_at IS NULL AND clock_no IS NULL AND message_no IS NOT NULL;
CREATE UNIQUE INDEX exception_item_of_clock ON exception_item (clock_no)
    WHERE closed_at IS NULL AND clock_no IS NOT NULL;
CREATE UNIQUE INDEX exception_item_of_party ON exception_item (exception_no)
    WHERE closed_at IS NULL AND clock_no IS NULL AND message_no IS NULL;

-- What people did about an exception, and what they wrote down.
CREATE TABLE exception_note (
    exception_no bigint NOT NULL REFERENCES exception,
    note_no      bigint GENERATED ALWAYS AS IDENTITY,
    at           timestamptz NOT NULL,
    who          text NOT NULL,
    what         text NOT NULL CHECK (what IN ('taken', 'handed-back', 'note', 'closed')),
    words        text,
    PRIMARY KEY (exception_no, note_no)
);

CREATE TRIGGER exception_note_stays BEFORE UPDATE OR DELETE ON exception_note
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER exception_note_stays_whole BEFORE TRUNCATE ON exception_note
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- How far the watch has read. One node at a time holds the row.
CREATE TABLE watch_position (
    one_row     boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    place       bigint NOT NULL DEFAULT 0,
    event_no    bigint NOT NULL DEFAULT 0,
    refused_no  bigint NOT NULL DEFAULT 0,
    inbox_place bigint NOT NULL DEFAULT 0   -- of the inbox, while an exception waits for a party to send something good
);

INSERT INTO watch_position DEFAULT VALUES;

-- The events that may mean trouble; nearly all others touch no index but their own.
CREATE FUNCTION may_mean_trouble(what text, detail jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT what IN ('delivery:expired', 'delivery:refused', 'acknowledgement:rejected',
                    'acknowledgement:accepted_with_warnings', 'customs-response:preference_denied',
                    'customs-response:under_verification', 'answer:refused', 'verification:requested')
        OR what = 'delivery:awaiting_retry' AND detail ->> 'cause' LIKE 'T02%'
$$;

CREATE INDEX event_of_trouble ON event (place, event_no) WHERE may_mean_trouble(what, detail);

-- All that decides whether a message needs somebody; ``troubles.py`` judges it.
CREATE VIEW message_trouble AS
SELECT m.message_no, m.direction, m.type, m.party, m.certificate_no, m.certificate_number, m.findings,
       d.status AS delivery, d.cause,
       ack.outcome AS acknowledgement, ack.findings AS acknowledgement_findings,
       coalesce(c.organisation, m.organisation) AS organisation, c.direction AS side, c.life,
       c.message_no AS carried_by_message_no,
       said.entries AS customs, refused.detail AS refused_answer,
       (m.direction = 'in' AND m.certificate_no IS NULL AND EXISTS (
            SELECT FROM certificate k WHERE k.number = m.certificate_number AND k.party = m.party)) AS found_since,
       (m.type = 'verification-request' AND EXISTS (
            SELECT FROM message r
             WHERE r.certificate_no = m.certificate_no
               AND r.message_no > m.message_no
               AND (r.ref_to_message_id = m.message_id AND r.type = 'verification-reply'
                    OR r.type = 'verification-result'))) AS answered
  FROM message m
  LEFT JOIN delivery d ON d.message_no = m.message_no
  LEFT JOIN certificate c ON c.certificate_no = m.certificate_no
  LEFT JOIN LATERAL (
       SELECT a.outcome, a.findings
         FROM acknowledgement a
        WHERE a.message_no = m.message_no
        ORDER BY a.acknowledged_by = 'national-system' DESC, a.acknowledgement_no DESC
        LIMIT 1) AS ack ON true
  LEFT JOIN LATERAL (           -- what this response said of an item, where nothing later replaced it
       SELECT jsonb_agg(jsonb_build_object('item', r.item, 'outcome', r.outcome, 'reason', r.reason)
                        ORDER BY r.entry_no) AS entries
         FROM customs_response r
        WHERE m.type = 'customs-response'
          AND r.message_no = m.message_no
          AND NOT EXISTS (
                  SELECT FROM customs_response later
                   WHERE later.certificate_no = r.certificate_no
                     AND later.item = r.item
                     AND later.declaration IS NOT DISTINCT FROM r.declaration
                     AND later.entry_no > r.entry_no)) AS said ON true
  LEFT JOIN LATERAL (           -- an answer of our national system that the ledger refused, and none since
       SELECT e.detail
         FROM event e
        WHERE e.message_no = m.message_no
          AND e.what = 'answer:refused'
          AND NOT EXISTS (
                  SELECT FROM customs_response later
                   WHERE later.certificate_no = m.certificate_no AND later.at >= e.at)
        ORDER BY e.event_no DESC
        LIMIT 1) AS refused ON m.direction = 'in' AND m.type = 'certificate';
