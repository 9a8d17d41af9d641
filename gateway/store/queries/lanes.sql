-- Lanes.

-- name: node_lives(node, lease_s)!
-- A node says that it is alive; those that are long dead are forgotten.
WITH gone AS (
    DELETE FROM node WHERE node <> :node AND alive_until < now() - interval '1 hour'
)
INSERT INTO node (node, alive_until)
VALUES (:node, now() + make_interval(secs => :lease_s))
ON CONFLICT (node) DO UPDATE SET alive_until = excluded.alive_until;

-- name: nodes_alive()$
-- How many nodes there are.
SELECT count(*) FROM node WHERE alive_until > now();

-- name: know_lanes(parties)!
-- Every party has a lane.
INSERT INTO lane (party) SELECT unnest(:parties::text[]) ON CONFLICT (party) DO NOTHING;

-- name: renew_lanes(node, parties, fences, windows, heard, lease_s)
-- Prolong the leases a node holds; the parties whose lanes are still its own.
UPDATE lane l
   SET lease_until = now() + make_interval(secs => :lease_s), window_size = given.window_size,
       heard_at = CASE WHEN given.heard THEN now() ELSE l.heard_at END
  FROM unnest(:parties::text[], :fences::bigint[], :windows::integer[], :heard::boolean[])
       AS given (party, fence, window_size, heard)
 WHERE l.party = given.party
   AND l.holder = :node
   AND l.fence = given.fence
RETURNING l.party;

-- name: take_lanes(node, parties, held, most, lease_s)
-- Take up to :most lanes that nobody holds, whose lease ran out, or that this node held before it started anew.
UPDATE lane
   SET holder = :node, fence = nextval('delivery_fence'), lease_until = now() + make_interval(secs => :lease_s)
 WHERE party = ANY (ARRAY (
        SELECT l.party
          FROM lane l
         WHERE l.party = ANY (:parties::text[])
           AND l.party <> ALL (:held::text[])
           AND (l.holder IS NULL OR l.holder = :node OR l.lease_until <= now())
         ORDER BY l.party
         LIMIT :most
           FOR UPDATE SKIP LOCKED))
RETURNING party, fence;

-- name: give_up_lanes(parties, fences)!
-- Let go of lanes, so that another node may take them at once.
UPDATE lane l
   SET holder = NULL, lease_until = NULL
  FROM unnest(:parties::text[], :fences::bigint[]) AS given (party, fence)
 WHERE l.party = given.party
   AND l.fence = given.fence;

-- name: node_leaves(node)!
-- A node ends in good order.
WITH gone AS (
    DELETE FROM node WHERE node = :node
)
UPDATE lane SET holder = NULL, lease_until = NULL WHERE holder = :node;

-- name: rest_lane(party, fence, failures, cause, rest_s, asked)!
-- The party failed us, or answers again: what every later holder of its lane must know.
UPDATE lane
   SET failures = :failures, cause = :cause, asked = :asked, rest_until = now() + make_interval(secs => :rest_s)
 WHERE party = :party
   AND fence = :fence;

-- name: lane_rest(party)^
-- How the party answers, and for how many seconds it is left in peace still.
SELECT failures, cause, asked, greatest(0, extract(epoch FROM rest_until - now()))::double precision AS rest_s
  FROM lane
 WHERE party = :party;

-- name: party_lives(party)$
-- The party gave a sign of life: its lane rests no longer. Whether it did.
WITH heard AS (
    UPDATE lane
       SET failures = 0, cause = NULL, asked = false, rest_until = NULL, heard_at = now()
     WHERE party = :party
       AND (failures > 0 OR heard_at IS NULL OR heard_at < now() - interval '10 s')
    RETURNING party
)
SELECT EXISTS (SELECT FROM heard) AND EXISTS (SELECT FROM lane WHERE party = :party AND failures > 0);

-- name: claim(party, lane_fence, lease_s, batch, at)
-- Lease up to :batch of a party's due deliveries, one a conversation, oldest first. Nothing for who does not
-- hold the lane; the lane stays locked for as long as this takes, so that nobody takes it over meanwhile. A
-- lease that ran out counts as due, so does one that the lane's former holder gave out; a suspended party has
-- nothing due. (OFFSET 0 keeps the planner from turning the look at each conversation into a join of all with
-- all.)
WITH held AS MATERIALIZED (
    SELECT FROM lane WHERE party = :party AND fence = :lane_fence AND lease_until > now() FOR SHARE
), claimed AS (
    UPDATE delivery
       SET status = 'sending', fence = nextval('delivery_fence'), moved_at = :at, moved_by = NULL,
           lease_until = now() + make_interval(secs => :lease_s)
     WHERE message_no = ANY (ARRAY (
            SELECT d.message_no
              FROM delivery d
             WHERE EXISTS (SELECT FROM held)
               AND d.party = :party
               AND d.open
               AND d.due_at <= now()
               AND (d.status <> 'sending' OR d.lease_until <= now() OR d.fence < :lane_fence)
               AND NOT EXISTS (
                       SELECT FROM delivery other
                        WHERE other.conversation_id = d.conversation_id
                          AND other.party = d.party
                          AND other.open
                          AND other.message_no <> d.message_no
                          AND (other.message_no < d.message_no
                               OR other.status = 'sending' AND other.lease_until > now()
                                  AND other.fence > :lane_fence)
                       OFFSET 0)
               AND NOT EXISTS (
                       SELECT FROM party_state s WHERE s.party = :party AND s.suspended_by IS NOT NULL)
               AND NOT EXISTS (
                       SELECT
                         FROM corridor_state s
                         JOIN message m ON m.message_no = d.message_no
                        WHERE s.party = :party AND s.form = form_family(m.form)
                       OFFSET 0)
             ORDER BY d.due_at, d.message_no
             LIMIT :batch
               FOR UPDATE OF d SKIP LOCKED))
    RETURNING message_no, due_at, attempts, waits_used, fence
)
SELECT claimed.message_no, m.message_id, m.conversation_id, m.type, m.party, d.body, m.digest, m.created_at,
       claimed.attempts, claimed.waits_used, claimed.fence
  FROM claimed
  JOIN message m ON m.message_no = claimed.message_no
  JOIN document d ON d.message_no = claimed.message_no AND d.kind = 'wire'
 ORDER BY claimed.due_at, claimed.message_no;

-- name: settle(message_nos, fences, statuses, waits_s, waits_used, causes, ats, took_ms, receipts, digests, signers, receipt_ats)
-- Record one attempt each for different deliveries; returns those that counted. A checked receipt delivers
-- whatever the status was meanwhile, but for a refusal; anything else counts only for who holds the lease, under
-- the lane as it is held now.
WITH given AS (
    SELECT g.message_no, g.fence, g.status, g.wait_s, g.waits_used, g.cause, g.at, g.took_ms, g.receipt, g.digest,
           g.signer, g.receipt_at
      FROM unnest(:message_nos::bigint[], :fences::bigint[], :statuses::text[], :waits_s::double precision[],
                  :waits_used::integer[], :causes::text[], :ats::timestamptz[], :took_ms::integer[],
                  :receipts::bytea[], :digests::bytea[], :signers::text[], :receipt_ats::timestamptz[])
           AS g (message_no, fence, status, wait_s, waits_used, cause, at, took_ms, receipt, digest, signer,
                 receipt_at)
), moved AS (
    UPDATE delivery d
       SET status = CASE WHEN given.receipt IS NULL THEN given.status ELSE 'delivered' END,
           cause = CASE WHEN given.receipt IS NULL THEN given.cause END,
           due_at = CASE WHEN given.receipt IS NULL THEN now() + make_interval(secs => given.wait_s)
                         ELSE d.due_at END,
           waits_used = given.waits_used, attempts = d.attempts + 1, lease_until = NULL,
           moved_at = given.at, moved_by = NULL
      FROM given
     WHERE d.message_no = ANY (:message_nos::bigint[])
       AND d.message_no = given.message_no
       AND (d.fence = given.fence AND d.status = 'sending'
                AND given.fence > (SELECT l.fence FROM lane l WHERE l.party = d.party)
            OR given.receipt IS NOT NULL AND d.status <> 'refused')
    RETURNING d.message_no, d.attempts, d.party, d.certificate_no, d.side, d.organisation
), tried AS (
    INSERT INTO attempt (message_no, attempt_no, at, outcome, cause, next_at, took_ms)
    SELECT moved.message_no, moved.attempts, given.at,
           CASE WHEN given.receipt IS NOT NULL THEN 'delivered'
                WHEN given.status = 'refused' THEN 'refused'
                ELSE 'retry' END,
           CASE WHEN given.receipt IS NULL THEN given.cause END,
           CASE WHEN given.receipt IS NULL AND given.status IN ('awaiting_retry', 'awaiting_receipt')
                THEN given.at + make_interval(secs => given.wait_s) END,
           given.took_ms
      FROM moved
      JOIN given ON given.message_no = moved.message_no
), receipted AS (
    INSERT INTO receipt (message_no, digest, signer, at, recorded_at, body)
    SELECT moved.message_no, given.digest, given.signer, given.receipt_at, given.at, given.receipt
      FROM moved
      JOIN given ON given.message_no = moved.message_no
     WHERE given.receipt IS NOT NULL
), told AS (
    INSERT INTO event (at, what, message_no, certificate_no, party, side, organisation)
    SELECT given.at, 'receipt:stored', moved.message_no, moved.certificate_no, moved.party, moved.side,
           moved.organisation
      FROM moved
      JOIN given ON given.message_no = moved.message_no
     WHERE given.receipt IS NOT NULL
)
SELECT message_no FROM moved;

-- name: next_due_s(party)$
-- Seconds until a claim may find something: the first due delivery that waits behind none of its conversation, or
-- the first lease to run out. No value: nothing waits, or the party is suspended.
SELECT CASE WHEN EXISTS (SELECT FROM party_state s WHERE s.party = :party AND s.suspended_by IS NOT NULL) THEN NULL
            WHEN due.at <= now() THEN 0
            ELSE extract(epoch FROM least(due.at, (
                     SELECT min(greatest(d.lease_until, now()))
                       FROM delivery d
                      WHERE d.party = :party
                        AND d.open
                        AND d.due_at <= now()
                        AND d.status = 'sending'
                        AND (d.lease_until > now() OR NOT EXISTS (
                                SELECT FROM delivery other
                                 WHERE other.conversation_id = d.conversation_id
                                   AND other.party = d.party
                                   AND other.open
                                   AND other.message_no < d.message_no)))) - now())
       END::double precision
  FROM (SELECT (SELECT d.due_at
                  FROM delivery d
                 WHERE d.party = :party
                   AND d.open
                   AND d.due_at < 'infinity'
                   AND d.status <> 'sending'
                   AND NOT EXISTS (
                           SELECT
                             FROM corridor_state s
                             JOIN message m ON m.message_no = d.message_no
                            WHERE s.party = :party AND s.form = form_family(m.form)
                           OFFSET 0)
                   AND NOT EXISTS (
                           SELECT FROM delivery other
                            WHERE other.conversation_id = d.conversation_id
                              AND other.party = d.party
                              AND other.open
                              AND other.message_no <> d.message_no
                              AND (other.message_no < d.message_no
                                   OR other.status = 'sending' AND other.lease_until > now())
                           OFFSET 0)
                 ORDER BY d.due_at
                 LIMIT 1) AS at) AS due;

-- name: wake(party, batch)$
-- The party is alive: up to :batch of what waits for it is due now and begins its patience anew. How many.
WITH woken AS (
    UPDATE delivery
       SET due_at = least(due_at, now()), waits_used = 0
     WHERE message_no = ANY (ARRAY (
            SELECT d.message_no
              FROM delivery d
             WHERE d.message_no = ANY (ARRAY (
                       SELECT later.message_no
                         FROM delivery later
                        WHERE later.party = :party
                          AND later.open
                          AND later.due_at > now()
                          AND later.due_at < 'infinity'
                        UNION
                       SELECT worn.message_no FROM delivery worn WHERE worn.party = :party AND worn.worn))
               AND d.status IN ('awaiting_retry', 'awaiting_receipt')
             LIMIT :batch
               FOR UPDATE OF d SKIP LOCKED))
    RETURNING message_no
)
SELECT count(*) FROM woken;
