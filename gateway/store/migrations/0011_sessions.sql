-- Who is signed in to the console. What stands in a browser's cookie is kept only as its SHA-256, so nobody who
-- reads this database can take a session over.

CREATE TABLE sign_in (                  -- begun and not come back yet
    state_digest   bytea PRIMARY KEY,
    browser_digest bytea NOT NULL,      -- of the cookie of the browser that began it
    nonce          text NOT NULL,
    verifier       text NOT NULL,       -- PKCE
    return_to      text NOT NULL,
    begun_at       timestamptz NOT NULL
);

CREATE INDEX sign_in_begun ON sign_in (begun_at);

CREATE TABLE session (
    session_no     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session_digest bytea NOT NULL UNIQUE,
    subject        text NOT NULL,
    name           text NOT NULL,
    roles          text[] NOT NULL,
    organisation   text,
    provider       text NOT NULL,
    address        text NOT NULL,
    agent          text NOT NULL,
    begun_at       timestamptz NOT NULL,
    seen_at        timestamptz NOT NULL,
    ended_at       timestamptz,
    ended_by       text
);

CREATE INDEX session_alive ON session (seen_at) WHERE ended_at IS NULL;
