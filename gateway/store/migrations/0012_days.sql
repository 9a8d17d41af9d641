-- What happened on each day to each corridor, folded from the event feed up to a position, so that a board or a
-- report never counts messages; and what the pages for operators look for, indexed.

CREATE TABLE day_tally (
    day     date NOT NULL,             -- UTC
    party   text NOT NULL,
    form    text NOT NULL,
    side    text NOT NULL,             -- direction of the certificate it is about
    type    text NOT NULL,             -- of the message it happened to
    said_by text NOT NULL,             -- of an acknowledgement: gateway | national-system; else empty
    what    text NOT NULL,             -- layer:value
    n       bigint NOT NULL,
    PRIMARY KEY (day, party, form, side, type, said_by, what)
);

CREATE TABLE day_tally_position (
    one_row  boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    place    bigint NOT NULL,
    event_no bigint NOT NULL
);

INSERT INTO day_tally_position (place, event_no) VALUES (0, 0);

-- What people did. Rare among all that happens, so the index stays small and the everyday event pays nothing.
CREATE INDEX event_of_people ON event (place, event_no)
    WHERE what LIKE 'operator:%' OR what LIKE 'session:%';

CREATE INDEX refused_message_at ON refused_message (at);
