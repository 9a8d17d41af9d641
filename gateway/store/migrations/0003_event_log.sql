-- The events as leaves of a Merkle tree (RFC 6962), so that a change to history shows. The tree follows the
-- event feed: leaf after leaf in the feed's order, as far as the feed stands for good.

-- Tile (0, k): the hashes of leaves 256 k to 256 k + 255, and which events they are. Tile (L + 1, k): the roots
-- of 256 full tiles of level L. Full tiles never change.
CREATE TABLE log_tile (
    level          smallint NOT NULL,
    number         bigint NOT NULL,
    hashes         bytea NOT NULL,
    first_place    bigint,             -- of level 0: where its first event stands in the feed
    first_event_no bigint,
    event_nos      bigint[],           -- of level 0: the events, leaf by leaf
    PRIMARY KEY (level, number)
);

ALTER TABLE log_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;  -- hashes do not compress

CREATE INDEX log_tile_by_event ON log_tile (first_place, first_event_no) WHERE level = 0;

-- How far the tree has come.
CREATE TABLE log_position (
    one_row  boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    size     bigint NOT NULL,
    place    bigint NOT NULL,
    event_no bigint NOT NULL
);

INSERT INTO log_position (size, place, event_no) VALUES (0, 0, 0);

-- Tree heads, sealed with the gateway's key; their exact bytes.
CREATE TABLE tree_head (
    size   bigint PRIMARY KEY,
    root   bytea NOT NULL,
    at     timestamptz NOT NULL,
    sealed bytea NOT NULL
);

CREATE TRIGGER tree_head_stays BEFORE UPDATE OR DELETE ON tree_head
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER tree_head_stays_whole BEFORE TRUNCATE ON tree_head
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What a leaf says: the event, and of its message the id and the digest of the exact bytes. Its text is what is
-- hashed, so this view never changes; another wording is another view, for events after a position.
CREATE VIEW log_entry AS
SELECT e.place, e.event_no,
       json_build_object(
           'event', e.event_no,
           'place', e.place,
           'at', to_char(e.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
           'what', e.what,
           'message_no', e.message_no,
           'message_id', m.message_id,
           'digest', encode(m.digest, 'hex'),
           'certificate_no', e.certificate_no,
           'certificate_number', coalesce(m.certificate_number, c.number),
           'party', e.party,
           'side', e.side,
           'organisation', e.organisation,
           'who', e.who,
           'detail', e.detail)::text AS entry
  FROM event e
  LEFT JOIN message m ON m.message_no = e.message_no
  LEFT JOIN certificate c ON c.certificate_no = e.certificate_no AND e.message_no IS NULL;
