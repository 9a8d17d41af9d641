-- Lanes: which node pays a party's deliveries, and how the party answers. A lane is leased as a delivery is;
-- both take their fence from one sequence, so that every claim made under a lease has a greater fence than the
-- lease itself. Who takes a lane over voids with one update whatever its former holder has claimed.

CREATE TABLE node (
    node        text PRIMARY KEY,
    alive_until timestamptz NOT NULL
);

CREATE TABLE lane (
    party       text PRIMARY KEY,
    holder      text,                      -- the node that runs it
    fence       bigint NOT NULL DEFAULT 0, -- grows whenever it is taken
    lease_until timestamptz,
    window_size integer,                   -- attempts in flight at most, as its holder last told
    failures    integer NOT NULL DEFAULT 0, -- in a row; 0 when the party answers
    cause       text,                      -- of the last failure
    rest_until  timestamptz,               -- the party is left in peace until then
    asked       boolean NOT NULL DEFAULT false, -- because it asked for it
    heard_at    timestamptz                -- the last sign of life, give or take some seconds
) WITH (fillfactor = 50);
