-- Who is told of events over HTTP, up to where, and what stands in the way. A subscriber sees what its role sees.

CREATE TABLE webhook (
    name          text PRIMARY KEY,
    url           text NOT NULL,
    role          text NOT NULL,
    organisation  text,
    secret        text NOT NULL,
    former_secret text,                    -- signs as well until then
    former_until  timestamptz,
    place         bigint NOT NULL,         -- told up to here, in the feed of events
    event_no      bigint NOT NULL,
    failures      integer NOT NULL DEFAULT 0,   -- since the last success
    cause         text,                    -- of the last failure
    due_at        timestamptz NOT NULL DEFAULT now(),
    lease_until   timestamptz,
    fence         bigint NOT NULL DEFAULT 0,
    state         text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'suspended')),
    told_at       timestamptz,
    made_at       timestamptz NOT NULL,
    made_by       text NOT NULL
);
