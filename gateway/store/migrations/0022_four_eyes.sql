-- What decides whom the gateway believes, as files: each content that was ever proposed, who decided about it, and the one
-- that is in force.

CREATE TABLE trust_change (
    sha256      text PRIMARY KEY,       -- over names and contents
    files       jsonb NOT NULL,         -- name -> content, Base64
    words       jsonb NOT NULL,         -- what is not as it is in force, for people
    proposed_at timestamptz NOT NULL,
    in_force_at timestamptz,            -- when it came into force last
    rejected_by text
);

CREATE TABLE trust_approval (
    sha256      text NOT NULL REFERENCES trust_change,
    who         text NOT NULL,
    approved_at timestamptz NOT NULL,
    PRIMARY KEY (sha256, who)
);
