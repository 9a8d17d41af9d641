-- Documents are kept for as long as their corridor says. Certificates are walked in the order of their submission,
-- corridor by corridor; what was not ready when it was passed is looked at again when it may be.

CREATE TABLE purge_position (
    party          text NOT NULL,
    direction      text NOT NULL,
    family         text NOT NULL,
    submitted_at   timestamptz NOT NULL,
    certificate_no bigint NOT NULL,
    PRIMARY KEY (party, direction, family)
);

CREATE TABLE purge_later (
    certificate_no bigint PRIMARY KEY,
    party          text NOT NULL,
    direction      text NOT NULL,
    family         text NOT NULL,
    not_before     timestamptz NOT NULL
);

CREATE INDEX purge_later_of_corridor ON purge_later (party, direction, family, not_before);
