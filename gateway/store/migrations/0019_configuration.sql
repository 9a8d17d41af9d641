-- What each node read last of what it is configured by: every file of the registry, the roles and our certificates, each
-- with its SHA-256. What a change changed is an event, and so a leaf of the log.

CREATE TABLE configuration (
    node    text PRIMARY KEY,
    files   jsonb NOT NULL,
    sha256  text NOT NULL,              -- over all of them
    read_at timestamptz NOT NULL
);
