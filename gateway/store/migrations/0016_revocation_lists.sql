-- Lists on which authorities name the certificates they revoked, as they were fetched last. A row is the source's;
-- nothing in it is believed unread: every node checks the authority's signature again.

CREATE TABLE revocation_list (
    party      text NOT NULL,
    url        text NOT NULL,
    tried_at   timestamptz NOT NULL,
    fault      text,                    -- of the last try; null where it brought a list
    fetched_at timestamptz,             -- when the body came; null where none ever did
    body       bytea,
    PRIMARY KEY (party, url),
    CHECK ((body IS NULL) = (fetched_at IS NULL))
);

ALTER TABLE revocation_list ALTER COLUMN body SET STORAGE EXTERNAL;
