-- The ledger: messages and their exact bytes, what is owed to whom, every answer, and what happened when.
-- Runs on PostgreSQL 15 to 18. Times called ``at`` or ``*_at`` are the gateway clock's, given by the caller;
-- ``due_at`` and ``lease_until`` are this server's own, so that waits do not depend on anybody's clock.

-- ---- feeds --------------------------------------------------------------------------------------------
-- A feed row stands at (place, its own number); its place is that of the transaction that wrote it. A reader
-- sees only what no transaction still open can come before (feed_end), so a feed grows at its end alone,
-- whatever the order of commits. Transaction numbers begin anew when a dump is restored into another cluster;
-- a new epoch is opened then (open_feed_epoch). place = epoch * 2^48 + transaction number: one column, since
-- the planner estimates a comparison of rows by its first column alone.

CREATE TABLE feed_epoch (
    epoch             smallint PRIMARY KEY,
    system_identifier bigint NOT NULL,
    opened_at         timestamptz NOT NULL DEFAULT now()
);

INSERT INTO feed_epoch (epoch, system_identifier)
SELECT 1, system_identifier FROM pg_control_system();

CREATE TABLE event (
    place          bigint NOT NULL DEFAULT (1::bigint << 48) + pg_current_xact_id()::text::bigint,
    event_no       bigint GENERATED ALWAYS AS IDENTITY,
    at             timestamptz NOT NULL,
    what           text NOT NULL,      -- layer:value
    message_no     bigint,
    certificate_no bigint,
    party          text,
    side           text,               -- direction of the certificate it is about, else of the message
    organisation   text,               -- whose certificate it is about
    who            text,
    detail         jsonb,
    PRIMARY KEY (place, event_no)
);

CREATE INDEX event_of_message ON event (message_no, event_no) WHERE message_no IS NOT NULL;
CREATE INDEX event_of_certificate ON event (certificate_no, event_no) WHERE message_no IS NULL;
CREATE INDEX event_of_organisation ON event (organisation, place, event_no)
    WHERE organisation IS NOT NULL;
CREATE INDEX event_inbound ON event (place, event_no) WHERE side = 'in';

-- ---- messages and certificates --------------------------------------------------------------------------
-- Foreign keys and checks stand where a caller brings the number or the word. What one statement writes
-- together carries none: they would cost more than the rows.

CREATE SEQUENCE message_number;

CREATE TABLE message (
    message_no         bigint PRIMARY KEY DEFAULT nextval('message_number'),
    direction          text NOT NULL,
    party              text NOT NULL,  -- the other side
    message_id         text COLLATE "C" NOT NULL,
    conversation_id    text COLLATE "C" NOT NULL,
    type               text NOT NULL,
    form               text NOT NULL,
    certificate_no     bigint,
    certificate_number text COLLATE "C",
    ref_to_message_id  text COLLATE "C",
    digest             bytea NOT NULL,
    content_digest     bytea,          -- of a certificate: what makes its content the same
    submitted_form     text,           -- of a certificate submitted here: as it was answered with 202
    created_at         timestamptz NOT NULL,
    recorded_at        timestamptz NOT NULL,
    valid              boolean,
    findings           jsonb NOT NULL DEFAULT '[]',
    organisation       text,
    actor              text,
    UNIQUE (message_id, party, direction)
);

CREATE INDEX message_of_certificate ON message (certificate_no, message_no) WHERE certificate_no IS NOT NULL;

CREATE TABLE certificate (
    certificate_no    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    direction         text NOT NULL,
    issuing_country   text NOT NULL,
    family            text NOT NULL,   -- form without version
    number            text COLLATE "C" NOT NULL,
    form              text NOT NULL,
    exporting_country text NOT NULL,
    importing_country text NOT NULL,
    party             text NOT NULL,
    exporter          text NOT NULL,
    issue_date        date NOT NULL,
    replaces          text COLLATE "C",
    certified_copy_of text COLLATE "C",
    organisation      text,
    content_digest    bytea NOT NULL,
    message_no        bigint NOT NULL,  -- the message that carries it now
    submitted_at      timestamptz NOT NULL,
    life              text NOT NULL DEFAULT 'in_force',
    life_before       text,            -- what a refused cancellation puts back
    life_moved_at     timestamptz,
    life_moved_by     text,
    acknowledgement   text,            -- the latest that counts
    acknowledged_by   text,
    customs_response  text,            -- summary over all items
    -- Kept apart so that the everyday acknowledgement touches no index.
    notable           boolean GENERATED ALWAYS AS
                          (life <> 'in_force' OR coalesce(acknowledgement, '') = 'rejected') STORED,
    UNIQUE (number, family, issuing_country, direction)
) WITH (fillfactor = 85);

CREATE INDEX certificate_newest ON certificate (submitted_at, certificate_no);
CREATE INDEX certificate_newest_received ON certificate (submitted_at, certificate_no) WHERE direction = 'in';
CREATE INDEX certificate_of_party ON certificate (party, submitted_at, certificate_no);
CREATE INDEX certificate_of_organisation ON certificate (organisation, submitted_at, certificate_no)
    WHERE organisation IS NOT NULL;
CREATE INDEX certificate_of_form ON certificate (split_part(family, '/', 2), submitted_at, certificate_no);
CREATE INDEX certificate_notable ON certificate (submitted_at, certificate_no) WHERE notable;
CREATE INDEX certificate_answered ON certificate (customs_response, submitted_at, certificate_no)
    WHERE customs_response IS NOT NULL;
CREATE INDEX certificate_by_message ON certificate (message_no);
CREATE INDEX certificate_replacing ON certificate (replaces) WHERE replaces IS NOT NULL;
CREATE INDEX certificate_copying ON certificate (certified_copy_of) WHERE certified_copy_of IS NOT NULL;

ALTER TABLE message ADD FOREIGN KEY (certificate_no) REFERENCES certificate;

-- Exact bytes: as they went over the wire, and as they were submitted.
CREATE TABLE document (
    message_no bigint NOT NULL,
    kind       text NOT NULL,          -- wire | submitted
    body       bytea NOT NULL,
    PRIMARY KEY (message_no, kind)
);

-- ---- what we owe ----------------------------------------------------------------------------------------
-- No index names ``status`` or a lease, so a claim is a heap-only update; the generated columns change only
-- where an index must follow.

CREATE SEQUENCE delivery_fence;

CREATE TABLE delivery (
    message_no      bigint PRIMARY KEY,
    party           text NOT NULL,
    conversation_id text COLLATE "C" NOT NULL,
    certificate_no  bigint,
    side            text NOT NULL,
    organisation    text,
    recorded_at     timestamptz NOT NULL,
    status          text NOT NULL DEFAULT 'ready_to_send',
    due_at          timestamptz NOT NULL DEFAULT now(),
    attempts        integer NOT NULL DEFAULT 0,
    waits_used      integer NOT NULL DEFAULT 0,
    fence           bigint NOT NULL DEFAULT 0,
    lease_until     timestamptz,
    cause           text,
    moved_at        timestamptz NOT NULL,
    moved_by        text,
    open            boolean GENERATED ALWAYS AS
                        (status NOT IN ('delivered', 'refused', 'expired', 'withdrawn')) STORED,
    troubled        boolean GENERATED ALWAYS AS
                        (status IN ('refused', 'expired', 'on_hold', 'withdrawn')) STORED,
    worn            boolean GENERATED ALWAYS AS
                        (status IN ('awaiting_retry', 'awaiting_receipt') AND waits_used > 0) STORED
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);

CREATE INDEX delivery_due ON delivery (party, due_at, message_no) WHERE open;
CREATE INDEX delivery_in_conversation ON delivery (conversation_id, party, message_no) WHERE open;
CREATE INDEX delivery_troubled ON delivery (message_no) WHERE troubled;
CREATE INDEX delivery_worn ON delivery (party) WHERE worn;

CREATE TABLE attempt (
    message_no bigint NOT NULL,
    attempt_no integer NOT NULL,
    at         timestamptz NOT NULL,
    outcome    text NOT NULL CHECK (outcome IN ('delivered', 'refused', 'retry')),
    cause      text,
    next_at    timestamptz,
    took_ms    integer NOT NULL,
    PRIMARY KEY (message_no, attempt_no)
);

CREATE TABLE party_state (
    party         text PRIMARY KEY,
    suspended_by  text,
    suspended_at  timestamptz,
    reason        text,
    outgoing_only boolean NOT NULL DEFAULT false
);

-- ---- answers: three layers, three tables ------------------------------------------------------------------

CREATE TABLE receipt (                 -- theirs, for what we sent
    receipt_no  bigint GENERATED ALWAYS AS IDENTITY,
    message_no  bigint NOT NULL,
    digest      bytea NOT NULL,
    signer      text NOT NULL,
    at          timestamptz NOT NULL,  -- by their clock
    recorded_at timestamptz NOT NULL,
    body        bytea NOT NULL,
    PRIMARY KEY (message_no, receipt_no)
);

CREATE TABLE issued_receipt (          -- ours, for what we took
    message_no   bigint PRIMARY KEY,
    signer_until timestamptz NOT NULL,
    body         bytea NOT NULL
);

CREATE TABLE acknowledgement (
    acknowledgement_no bigint GENERATED ALWAYS AS IDENTITY,
    message_no         bigint NOT NULL REFERENCES message,  -- the message it is about
    outcome            text NOT NULL CHECK (outcome IN ('accepted', 'accepted_with_warnings', 'rejected')),
    acknowledged_by    text NOT NULL CHECK (acknowledged_by IN ('gateway', 'national-system')),
    findings           jsonb NOT NULL,
    at                 timestamptz NOT NULL,
    carried_by         bigint REFERENCES message,
    PRIMARY KEY (message_no, acknowledgement_no)
);

CREATE TABLE customs_response (
    certificate_no bigint NOT NULL REFERENCES certificate,
    entry_no       bigint GENERATED ALWAYS AS IDENTITY,
    message_no     bigint NOT NULL REFERENCES message,
    item           integer NOT NULL,
    outcome        text NOT NULL CHECK (outcome IN ('utilised', 'partially_utilised', 'preference_denied',
                                                    'under_verification', 'not_utilised')),
    quantity       numeric,
    unit           text,
    declaration    text,
    date           date,
    reason         text,
    legal_basis    text,
    at             timestamptz NOT NULL,
    PRIMARY KEY (certificate_no, entry_no)
);

CREATE INDEX customs_response_of_message ON customs_response (message_no);

-- ---- what arrived -----------------------------------------------------------------------------------------

CREATE TABLE inbox (
    place        bigint NOT NULL DEFAULT (1::bigint << 48) + pg_current_xact_id()::text::bigint,
    inbox_no     bigint GENERATED ALWAYS AS IDENTITY,
    message_no   bigint NOT NULL UNIQUE,
    type         text NOT NULL,
    side         text NOT NULL,        -- direction of the certificate it is about, else ``in``
    organisation text,                 -- whose certificate it is about
    PRIMARY KEY (place, inbox_no)
);

CREATE INDEX inbox_of_type ON inbox (type, place, inbox_no);
CREATE INDEX inbox_of_organisation ON inbox (organisation, place, inbox_no)
    WHERE organisation IS NOT NULL;

CREATE TABLE parked (
    message_no      bigint PRIMARY KEY,
    party           text NOT NULL,
    conversation_id text COLLATE "C" NOT NULL,
    until           timestamptz NOT NULL
);

CREATE INDEX parked_in_conversation ON parked (conversation_id);

CREATE TABLE refused_submission (
    submission_no      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    submission_id      uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(),
    at                 timestamptz NOT NULL,
    organisation       text,
    actor              text NOT NULL,
    form               text,
    certificate_number text,
    content_type       text NOT NULL,
    findings           jsonb NOT NULL,
    body               bytea NOT NULL
);

CREATE INDEX refused_submission_of_organisation ON refused_submission (organisation, submission_no);

CREATE TABLE refused_message (
    refused_no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL,
    party      text NOT NULL,
    message_id text COLLATE "C",
    findings   jsonb NOT NULL,
    body       bytea NOT NULL,
    answer     bytea NOT NULL
);

-- ---- the rest -----------------------------------------------------------------------------------------------

CREATE TABLE setting (
    name  text PRIMARY KEY,
    value text NOT NULL
);

-- How many deliveries stand where, folded from the event feed up to a position, so that nobody ever counts.
CREATE TABLE delivery_tally (
    party  text NOT NULL,
    status text NOT NULL,
    n      bigint NOT NULL,
    PRIMARY KEY (party, status)
);

CREATE TABLE tally_position (
    one_row  boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    place    bigint NOT NULL,
    event_no bigint NOT NULL
);

INSERT INTO tally_position (place, event_no) VALUES (0, 0);

-- ---- lives, as tables; the same as in gateway/domain/status.py ------------------------------------------------

CREATE TABLE delivery_transition (
    from_status text NOT NULL,
    to_status   text NOT NULL,
    PRIMARY KEY (from_status, to_status)
);

INSERT INTO delivery_transition (from_status, to_status) VALUES
    ('ready_to_send', 'sending'),
    ('ready_to_send', 'delivered'),
    ('ready_to_send', 'on_hold'),
    ('ready_to_send', 'withdrawn'),
    ('sending', 'awaiting_receipt'),
    ('sending', 'awaiting_retry'),
    ('sending', 'delivered'),
    ('sending', 'refused'),
    ('sending', 'expired'),
    ('awaiting_retry', 'sending'),
    ('awaiting_retry', 'delivered'),
    ('awaiting_retry', 'on_hold'),
    ('awaiting_retry', 'withdrawn'),
    ('awaiting_receipt', 'sending'),
    ('awaiting_receipt', 'delivered'),
    ('awaiting_receipt', 'on_hold'),
    ('awaiting_receipt', 'withdrawn'),
    ('delivered', 'ready_to_send'),
    ('refused', 'ready_to_send'),
    ('expired', 'ready_to_send'),
    ('expired', 'delivered'),
    ('expired', 'on_hold'),
    ('expired', 'withdrawn'),
    ('on_hold', 'ready_to_send'),
    ('on_hold', 'delivered'),
    ('on_hold', 'withdrawn'),
    ('withdrawn', 'delivered');

CREATE TABLE life_transition (
    from_life text NOT NULL,
    to_life   text NOT NULL,
    PRIMARY KEY (from_life, to_life)
);

INSERT INTO life_transition (from_life, to_life) VALUES
    ('in_force', 'cancel_pending'),
    ('in_force', 'cancelled'),
    ('in_force', 'replaced'),
    ('in_force', 'expired'),
    ('cancel_pending', 'in_force'),
    ('cancel_pending', 'cancelled'),
    ('cancel_pending', 'replaced'),
    ('cancel_pending', 'expired'),
    ('expired', 'cancel_pending'),
    ('expired', 'cancelled'),
    ('expired', 'replaced');

-- ---- what the database itself sees to ---------------------------------------------------------------------------

CREATE FUNCTION delivery_begun() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> 'ready_to_send' THEN
        RAISE EXCEPTION 'delivery %: begins as ready_to_send, not as %', NEW.message_no, NEW.status
            USING ERRCODE = 'EG001';
    END IF;
    INSERT INTO event (at, what, message_no, certificate_no, party, side, organisation)
    VALUES (NEW.moved_at, 'delivery:ready_to_send', NEW.message_no, NEW.certificate_no, NEW.party, NEW.side,
            NEW.organisation);
    RETURN NULL;
END $$;

-- Once for all rows of a statement, since lanes move many together. Without hash or merge joins, waking a lane
-- of thousands would compare each row with each.
CREATE FUNCTION delivery_moved() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
DECLARE
    bad record;
BEGIN
    SELECT now.message_no, was.status AS from_status, now.status AS to_status
      INTO bad
      FROM was
      JOIN now USING (message_no)
     WHERE now.status <> was.status
       AND (was.status, now.status) NOT IN (SELECT from_status, to_status FROM delivery_transition)
     LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'delivery %: % -> % is not a transition', bad.message_no, bad.from_status, bad.to_status
            USING ERRCODE = 'EG001';
    END IF;
    INSERT INTO event (at, what, message_no, certificate_no, party, side, organisation, who, detail)
    SELECT now.moved_at, 'delivery:' || now.status, now.message_no, now.certificate_no, now.party, now.side,
           now.organisation, now.moved_by,
           jsonb_strip_nulls(jsonb_build_object(
               'from', was.status,
               'cause', CASE WHEN now.cause IS DISTINCT FROM was.cause THEN now.cause END))
      FROM was
      JOIN now USING (message_no)
     WHERE now.status <> was.status;
    RETURN NULL;
END $$;

CREATE TRIGGER delivery_begins AFTER INSERT ON delivery
    FOR EACH ROW EXECUTE FUNCTION delivery_begun();
CREATE TRIGGER delivery_moves AFTER UPDATE ON delivery
    REFERENCING OLD TABLE AS was NEW TABLE AS now
    FOR EACH STATEMENT EXECUTE FUNCTION delivery_moved();

CREATE FUNCTION life_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM life_transition WHERE from_life = OLD.life AND to_life = NEW.life) THEN
        RAISE EXCEPTION 'certificate %: % -> % is not a transition', NEW.number, OLD.life, NEW.life
            USING ERRCODE = 'EG002';
    END IF;
    INSERT INTO event (at, what, certificate_no, party, side, organisation, who, detail)
    VALUES (NEW.life_moved_at, 'life:' || NEW.life, NEW.certificate_no, NEW.party, NEW.direction,
            NEW.organisation, NEW.life_moved_by, jsonb_build_object('from', OLD.life));
    RETURN NULL;
END $$;

CREATE TRIGGER life_moves AFTER UPDATE OF life ON certificate
    FOR EACH ROW WHEN (OLD.life IS DISTINCT FROM NEW.life) EXECUTE FUNCTION life_moved();

-- History is written once. Housekeeping says so for its own transaction: SET LOCAL gateway.housekeeping = 'on'.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF coalesce(current_setting('gateway.housekeeping', true), '') <> 'on' THEN
        RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'EG003';
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;

DO $$
DECLARE
    history text;
BEGIN
    FOREACH history IN ARRAY ARRAY['event', 'document', 'attempt', 'receipt', 'issued_receipt',
                                   'acknowledgement', 'customs_response', 'refused_submission',
                                   'refused_message'] LOOP
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW '
                       'EXECUTE FUNCTION refuse_change()', history || '_stays', history);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT '
                       'EXECUTE FUNCTION refuse_change()', history || '_stays_whole', history);
    END LOOP;
END $$;

-- Exact bytes: lz4 where this server was built with it. pglz costs more than sealing does, so without lz4
-- they are kept uncompressed.
DO $$
DECLARE
    kept record;
BEGIN
    FOR kept IN SELECT attrelid::regclass AS relation, attname
                  FROM pg_attribute
                 WHERE attrelid IN ('document'::regclass, 'receipt'::regclass, 'issued_receipt'::regclass,
                                    'refused_submission'::regclass, 'refused_message'::regclass)
                   AND attname IN ('body', 'answer') LOOP
        BEGIN
            EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET COMPRESSION lz4', kept.relation, kept.attname);
        EXCEPTION WHEN feature_not_supported THEN
            EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET STORAGE EXTERNAL', kept.relation, kept.attname);
        END;
    END LOOP;
END $$;

-- Called at every start, under the lock of the migrations.
CREATE FUNCTION open_feed_epoch() RETURNS smallint LANGUAGE plpgsql AS $$
DECLARE
    here bigint := (SELECT system_identifier FROM pg_control_system());
    last feed_epoch := (SELECT kept FROM feed_epoch AS kept ORDER BY kept.epoch DESC LIMIT 1);
BEGIN
    IF last.system_identifier = here THEN
        RETURN last.epoch;
    END IF;
    INSERT INTO feed_epoch (epoch, system_identifier) VALUES (last.epoch + 1, here);
    EXECUTE format('ALTER TABLE event ALTER COLUMN place SET DEFAULT (%s::bigint << 48) '
                   '+ pg_current_xact_id()::text::bigint', last.epoch + 1);
    EXECUTE format('ALTER TABLE inbox ALTER COLUMN place SET DEFAULT (%s::bigint << 48) '
                   '+ pg_current_xact_id()::text::bigint', last.epoch + 1);
    RETURN last.epoch + 1;
END $$;

-- Everything before this place of a feed stands for good.
CREATE FUNCTION feed_end() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT (max(epoch)::bigint << 48) + pg_snapshot_xmin(pg_current_snapshot())::text::bigint FROM feed_epoch
$$;

-- ---- rows as they are read ----------------------------------------------------------------------------------------

CREATE VIEW message_row AS
SELECT m.message_no, m.direction, m.party, m.message_id, m.conversation_id, m.type, m.form, m.certificate_no,
       m.certificate_number, m.ref_to_message_id, m.digest, m.created_at, m.recorded_at, m.valid, m.findings,
       m.organisation, d.status AS delivery,
       CASE WHEN s.suspended_by IS NOT NULL
                 AND d.status IN ('ready_to_send', 'awaiting_retry', 'awaiting_receipt')
            THEN 'party suspended by ' || s.suspended_by
            ELSE d.cause
       END AS cause,
       EXISTS (SELECT FROM parked p WHERE p.message_no = m.message_no) AS parked
  FROM message m
  LEFT JOIN delivery d ON d.message_no = m.message_no
  LEFT JOIN party_state s ON s.party = d.party;

CREATE VIEW certificate_row AS
SELECT c.certificate_no, c.direction, c.form, c.family, c.number, c.issuing_country, c.exporting_country,
       c.importing_country, c.party, c.exporter, c.issue_date, c.organisation, c.life, c.life_before,
       c.message_no, c.notable, m.message_id, m.conversation_id, d.status AS delivery, c.acknowledgement,
       c.customs_response, c.submitted_at
  FROM certificate c
  JOIN message m ON m.message_no = c.message_no
  LEFT JOIN delivery d ON d.message_no = c.message_no;

CREATE VIEW event_row AS
SELECT e.place, e.event_no, e.at, e.what, e.message_no, e.certificate_no, e.party, e.side,
       e.organisation, e.who, e.detail, m.message_id,
       coalesce(c.number, m.certificate_number, e.detail ->> 'certificate_number') AS certificate_number
  FROM event e
  LEFT JOIN message m ON m.message_no = e.message_no
  LEFT JOIN certificate c ON c.certificate_no = coalesce(e.certificate_no, m.certificate_no);
