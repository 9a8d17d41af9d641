-- Operators.

-- name: lock_conversation(message_no)
-- Lock this message's delivery and all unfinished ones of its conversation, so that no claim takes one meanwhile.
SELECT d.message_no
  FROM delivery d
 WHERE d.message_no = ANY (ARRAY (
        SELECT beside.message_no
          FROM delivery this
          JOIN delivery beside ON beside.conversation_id = this.conversation_id AND beside.open
         WHERE this.message_no = :message_no
        UNION
       SELECT :message_no::bigint))
 ORDER BY d.message_no
   FOR NO KEY UPDATE OF d;

-- name: operate(message_no, from_statuses, to_status, due_now, cause, who, detail, verb, at)$
-- Move one delivery by an operator's hand. No row: its status does not allow it, it owes nothing, or it was
-- refused and another message has taken its number meanwhile. What is due now waits for no rest of its lane.
WITH moved AS (
    UPDATE delivery AS d
       SET status = :to_status, due_at = CASE WHEN :due_now THEN now() ELSE 'infinity' END, waits_used = 0,
           lease_until = NULL, cause = :cause, moved_at = :at::timestamptz, moved_by = :who::text
     WHERE message_no = :message_no
       AND status = ANY (:from_statuses::text[])
       AND EXISTS (SELECT FROM document w WHERE w.message_no = d.message_no AND w.kind = 'wire')
       AND NOT (status = 'refused' AND EXISTS (
                SELECT
                  FROM certificate c
                  JOIN message m ON m.message_no = d.message_no
                 WHERE c.certificate_no = d.certificate_no
                   AND c.message_no > d.message_no
                   AND m.type = 'certificate'))
    RETURNING message_no, certificate_no, party, side, organisation
), at_once AS (
    UPDATE lane
       SET rest_until = NULL, asked = false
      FROM moved
     WHERE lane.party = moved.party
       AND lane.rest_until IS NOT NULL
       AND :due_now
), told AS (
    INSERT INTO event (at, what, message_no, certificate_no, party, side, organisation, who, detail)
    SELECT :at::timestamptz, 'operator:' || :verb, message_no, certificate_no, party, side, organisation, :who::text,
           :detail::jsonb
      FROM moved
)
SELECT message_no FROM moved;

-- name: suspend(party, who, at, reason, outgoing_only, notice, until, maintained)^
-- Suspend a party; with a notice it is an outage, which may be declared over a plain suspension. No row: it is
-- suspended already, or this planned maintenance was acted upon before.
WITH suspended AS (
    INSERT INTO party_state AS s
           (party, suspended_by, suspended_at, reason, outgoing_only, notice, until, maintained)
    VALUES (:party, :who::text, :at::timestamptz, :reason::text, :outgoing_only, :notice::text,
            :until::timestamptz, :maintained::timestamptz)
    ON CONFLICT (party) DO UPDATE
       SET suspended_by = excluded.suspended_by, suspended_at = excluded.suspended_at, reason = excluded.reason,
           outgoing_only = excluded.outgoing_only AND (s.suspended_by IS NULL OR s.outgoing_only),
           notice = excluded.notice, until = excluded.until,
           maintained = coalesce(excluded.maintained, s.maintained)
     WHERE (s.suspended_by IS NULL
            OR s.notice IS NULL AND excluded.notice IS NOT NULL AND excluded.maintained IS NULL)
       AND (excluded.maintained IS NULL OR s.maintained IS NULL OR s.maintained < excluded.maintained)
    RETURNING party, suspended_by, suspended_at, reason, outgoing_only, notice, until
), told AS (
    INSERT INTO event (at, what, party, who, detail)
    SELECT :at::timestamptz, CASE WHEN notice IS NULL THEN 'operator:suspend' ELSE 'operator:outage' END, party,
           :who::text,
           jsonb_strip_nulls(jsonb_build_object('reason', reason, 'outgoing_only', outgoing_only,
                                                'notice', notice, 'until', until))
      FROM suspended
)
SELECT party, suspended_by, suspended_at, reason, outgoing_only, notice, until FROM suspended;

-- name: resume(party, who, at, reason)^
-- Resume a suspended party. No row: it is not suspended.
WITH resumed AS (
    UPDATE party_state
       SET suspended_by = NULL, suspended_at = NULL, reason = NULL, outgoing_only = false, notice = NULL,
           until = NULL
     WHERE party = :party
       AND suspended_by IS NOT NULL
    RETURNING party, suspended_by, suspended_at, reason, outgoing_only, notice, until
), at_once AS (
    UPDATE lane
       SET rest_until = NULL, asked = false
      FROM resumed
     WHERE lane.party = resumed.party
       AND lane.rest_until IS NOT NULL
), told AS (
    INSERT INTO event (at, what, party, who, detail)
    SELECT :at::timestamptz, 'operator:resume', party, :who::text,
           CASE WHEN :reason::text IS NOT NULL THEN jsonb_build_object('reason', :reason::text) END
      FROM resumed
)
SELECT party, suspended_by, suspended_at, reason, outgoing_only, notice, until FROM resumed;

-- name: suspend_corridor(party, form, who, at, reason, outgoing_only)$
-- Suspend one corridor. No row: it is suspended already.
WITH suspended AS (
    INSERT INTO corridor_state (party, form, suspended_by, suspended_at, reason, outgoing_only)
    VALUES (:party, :form, :who::text, :at::timestamptz, :reason::text, :outgoing_only)
    ON CONFLICT (party, form) DO NOTHING
    RETURNING party, form, reason, outgoing_only
), told AS (
    INSERT INTO event (at, what, party, who, detail)
    SELECT :at::timestamptz, 'operator:suspend', party, :who::text,
           jsonb_strip_nulls(jsonb_build_object('form', form, 'reason', reason, 'outgoing_only', outgoing_only))
      FROM suspended
)
SELECT party FROM suspended;

-- name: resume_corridor(party, form, who, at, reason)$
-- Resume a suspended corridor. No row: it is not suspended.
WITH resumed AS (
    DELETE FROM corridor_state WHERE party = :party AND form = :form RETURNING party, form
), told AS (
    INSERT INTO event (at, what, party, who, detail)
    SELECT :at::timestamptz, 'operator:resume', party, :who::text,
           jsonb_strip_nulls(jsonb_build_object('form', form, 'reason', :reason::text))
      FROM resumed
)
SELECT party FROM resumed;

-- name: corridors_to_sort()$
-- Whether a corridor is suspended, or something is set aside still.
SELECT EXISTS (SELECT FROM corridor_state) OR EXISTS (SELECT FROM delivery WHERE open AND due_at = 'infinity');

-- name: set_aside(batch)$
-- Set aside up to :batch deliveries that wait in suspended corridors, so that claims need not pass over them; how
-- many. One that is on the wire is set aside afterwards, if it has to wait again.
WITH aside AS (
    UPDATE delivery
       SET due_at = 'infinity'
     WHERE message_no = ANY (ARRAY (
            SELECT d.message_no
              FROM corridor_state s
              JOIN delivery d ON d.party = s.party
              JOIN message m ON m.message_no = d.message_no
             WHERE d.open
               AND d.due_at < 'infinity'
               AND d.status <> 'sending'
               AND s.form = form_family(m.form)
             LIMIT :batch
               FOR NO KEY UPDATE OF d SKIP LOCKED))
    RETURNING message_no
)
SELECT count(*) FROM aside;

-- name: bring_back(batch)
-- Up to :batch deliveries that were set aside and whose corridor goes on are due now; the party of each.
UPDATE delivery
   SET due_at = now()
 WHERE message_no = ANY (ARRAY (
        SELECT d.message_no
          FROM delivery d
          JOIN message m ON m.message_no = d.message_no
         WHERE d.open
           AND d.due_at = 'infinity'
           AND d.status <> 'on_hold'
           AND NOT EXISTS (
                   SELECT FROM corridor_state s WHERE s.party = d.party AND s.form = form_family(m.form))
         LIMIT :batch
           FOR NO KEY UPDATE OF d SKIP LOCKED))
RETURNING party;

-- name: suspensions_over(at)
-- Parties whose suspension had a time that has come.
SELECT party, suspended_by FROM party_state WHERE until <= :at ORDER BY party;

-- name: party_states()
-- What operators decided about parties.
SELECT party, suspended_by, suspended_at, reason, outgoing_only, notice, until FROM party_state ORDER BY party;

-- name: corridor_states()
-- Which corridors operators suspended.
SELECT party, form, suspended_by, suspended_at, reason, outgoing_only FROM corridor_state ORDER BY party, form;

-- name: find_waiting(party, statuses, form, first_at, before, most)
-- Deliveries that stand in one of :statuses, none of them ``delivered``, oldest first.
SELECT d.message_no, m.message_id
  FROM delivery d
  JOIN message m ON m.message_no = d.message_no
 WHERE (d.open OR d.troubled)
   AND d.status = ANY (:statuses::text[])
   AND (:party::text IS NULL OR d.party = :party)
   AND (:form::text IS NULL OR form_family(m.form) = :form)
   AND (:first_at::timestamptz IS NULL OR d.recorded_at >= :first_at)
   AND (:before::timestamptz IS NULL OR d.recorded_at < :before)
 ORDER BY d.message_no
 LIMIT :most;

-- name: plan_action(verb, wanted, reason, most, per_second, digest, who, at, message_nos, party)$
-- Freeze a list of messages to act upon; its action_no.
WITH planned AS (
    INSERT INTO action (verb, wanted, reason, most, per_second, count, digest, who, planned_at)
    VALUES (:verb, :wanted::jsonb, :reason, :most, :per_second, cardinality(:message_nos::bigint[]), :digest,
            :who::text, :at::timestamptz)
    RETURNING action_no, action_id, verb, wanted, reason, count, digest
), listed AS (
    INSERT INTO action_item (action_no, position, message_no)
    SELECT planned.action_no, item.position, item.message_no
      FROM planned, unnest(:message_nos::bigint[]) WITH ORDINALITY AS item (message_no, position)
), told AS (
    INSERT INTO event (at, what, party, who, detail)
    SELECT :at::timestamptz, 'operator:plan', :party::text, :who::text,
           jsonb_strip_nulls(jsonb_build_object('action', action_id, 'verb', verb, 'wanted', wanted,
                                                'reason', reason, 'count', count,
                                                'digest', encode(digest, 'hex')))
      FROM planned
)
SELECT action_no FROM planned;

-- name: action(action_id)^
-- One action. No row: unknown.
SELECT action_no, action_id, verb, wanted, reason, most, per_second, count, digest, state, done, refused, who,
       planned_at, started_by, started_at, ended_at, stopped_by, stopped_for
  FROM action
 WHERE action_id = :action_id;

-- name: actions(before, batch)
-- Actions, newest first.
SELECT action_no, action_id, verb, wanted, reason, most, per_second, count, digest, state, done, refused, who,
       planned_at, started_by, started_at, ended_at, stopped_by, stopped_for
  FROM action
 WHERE action_no < :before
 ORDER BY action_no DESC
 LIMIT :batch;

-- name: action_items(action_no, after, batch)
-- An action's list in its order, with what became of each.
SELECT i.position, m.message_no, m.message_id, m.party, m.certificate_number, m.form, m.recorded_at, d.status, i.result
  FROM action_item i
  JOIN message m ON m.message_no = i.message_no
  JOIN delivery d ON d.message_no = i.message_no
 WHERE i.action_no = :action_no
   AND i.position > :after
 ORDER BY i.position
 LIMIT :batch;

-- name: start_action(action_id, who, at)$
-- Start an action, or go on with one that was stopped. No row: it runs already, it is done, or there is none.
WITH started AS (
    UPDATE action
       SET state = 'running', started_by = :who::text, started_at = :at::timestamptz, stopped_by = NULL,
           stopped_for = NULL
     WHERE action_id = :action_id
       AND state IN ('planned', 'stopped')
    RETURNING action_no, action_id, verb, count, done, refused
), told AS (
    INSERT INTO event (at, what, who, detail)
    SELECT :at::timestamptz, 'operator:start', :who::text,
           jsonb_build_object('action', action_id, 'verb', verb, 'left', count - done - refused)
      FROM started
)
SELECT action_no FROM started;

-- name: stop_action(action_id, who, at, reason)$
-- Stop a running action; what was done stays done. No row: it does not run.
WITH stopped AS (
    UPDATE action
       SET state = 'stopped', stopped_by = :who::text, stopped_for = :reason::text
     WHERE action_id = :action_id
       AND state = 'running'
    RETURNING action_no, action_id, verb, count, done, refused
), told AS (
    INSERT INTO event (at, what, who, detail)
    SELECT :at::timestamptz, 'operator:stop', :who::text,
           jsonb_strip_nulls(jsonb_build_object('action', action_id, 'verb', verb, 'reason', :reason::text,
                                                'left', count - done - refused))
      FROM stopped
)
SELECT action_no FROM stopped;

-- name: tick_actions()
-- Running actions that nobody worked on within this second; whoever gets one works on it now.
UPDATE action
   SET ticked_at = now()
 WHERE action_no = ANY (ARRAY (
        SELECT action_no
          FROM action
         WHERE state = 'running' AND ticked_at <= now() - interval '0.95 s'
           FOR UPDATE SKIP LOCKED))
RETURNING action_no, action_id, verb, per_second, started_by;

-- name: refused_in_a_row(action_no, last)$
-- Whether the :last messages that an action sent again were all refused by their party.
SELECT count(*) = :last AND bool_and(d.status = 'refused')
  FROM (SELECT i.message_no
          FROM action_item i
         WHERE i.action_no = :action_no AND i.result = 'done'
           AND i.position <= (SELECT done + refused FROM action WHERE action_no = :action_no)
         ORDER BY i.position DESC
         LIMIT :last) AS latest
  JOIN delivery d ON d.message_no = latest.message_no;

-- name: next_item(action_no)^
-- Lock an action and show its next item. No row: it does not run, or its list is worked off.
SELECT a.action_id, a.verb, a.reason, a.started_by, i.position, i.message_no, d.party
  FROM action a
  JOIN action_item i ON i.action_no = a.action_no AND i.position = a.done + a.refused + 1
  JOIN delivery d ON d.message_no = i.message_no
 WHERE a.action_no = :action_no
   AND a.state = 'running'
   FOR NO KEY UPDATE OF a;

-- name: keep_result(action_no, position, result)!
-- Keep what became of an action's item.
WITH kept AS (
    UPDATE action_item SET result = :result::text WHERE action_no = :action_no AND position = :position
    RETURNING result = 'done' AS is_done
)
UPDATE action
   SET done = done + is_done::integer, refused = refused + (NOT is_done)::integer
  FROM kept
 WHERE action_no = :action_no;

-- name: end_action(action_no, at)!
-- An action whose list is worked off is done.
WITH ended AS (
    UPDATE action
       SET state = 'done', ended_at = :at::timestamptz
     WHERE action_no = :action_no
       AND state = 'running'
       AND done + refused = count
    RETURNING action_id, verb, started_by, done, refused
)
INSERT INTO event (at, what, who, detail)
SELECT :at::timestamptz, 'operator:done', started_by,
       jsonb_build_object('action', action_id, 'verb', verb, 'done', done, 'refused', refused)
  FROM ended;

-- name: lanes(at)
-- Each lane: its unfinished deliveries by status and age, why the oldest waits, who runs it, how its party answers.
-- One look at each open delivery counts it by party, status and age; all else works on those few counts. The
-- expired are as of the last fold.
WITH ages AS (
    SELECT array_agg(:at::timestamptz - make_interval(secs => s) ORDER BY s DESC) AS edges
      FROM unnest(ARRAY[86400, 14400, 3600, 1200, 300]) AS s
), aged AS (
    SELECT d.party, d.status, count(*) AS n, min(d.recorded_at) AS since,
           min(greatest(d.due_at, now())) FILTER (WHERE d.due_at < 'infinity' AND d.status <> 'sending') AS due_at,
           width_bucket(d.recorded_at, (SELECT edges FROM ages)) AS age
      FROM delivery d
     WHERE d.open
     GROUP BY d.party, d.status, age
), backlog AS (
    SELECT a.party, sum(a.n) FILTER (WHERE a.status <> 'on_hold') AS waiting,
           min(a.since) FILTER (WHERE a.status <> 'on_hold') AS oldest,
           sum(a.n) FILTER (WHERE a.status <> 'on_hold' AND a.age = 5) AS upto_5min,
           sum(a.n) FILTER (WHERE a.status <> 'on_hold' AND a.age = 4) AS upto_20min,
           sum(a.n) FILTER (WHERE a.status <> 'on_hold' AND a.age = 3) AS upto_1h,
           sum(a.n) FILTER (WHERE a.status <> 'on_hold' AND a.age = 2) AS upto_4h,
           sum(a.n) FILTER (WHERE a.status <> 'on_hold' AND a.age = 1) AS upto_1d,
           sum(a.n) FILTER (WHERE a.status <> 'on_hold' AND a.age = 0) AS older,
           sum(a.n) FILTER (WHERE a.status = 'ready_to_send') AS ready_to_send,
           sum(a.n) FILTER (WHERE a.status = 'sending') AS sending,
           sum(a.n) FILTER (WHERE a.status = 'awaiting_retry') AS awaiting_retry,
           sum(a.n) FILTER (WHERE a.status = 'awaiting_receipt') AS awaiting_receipt,
           sum(a.n) FILTER (WHERE a.status = 'on_hold') AS on_hold,
           extract(epoch FROM min(a.due_at) - now())::double precision AS next_due_s
      FROM aged a
     GROUP BY a.party
), known AS (
    SELECT party, CASE WHEN lease_until > now() THEN holder END AS holder, window_size, failures, cause, asked,
           greatest(0, extract(epoch FROM rest_until - now()))::double precision AS rest_s,
           extract(epoch FROM now() - heard_at)::double precision AS heard_s
      FROM lane
)
SELECT party, coalesce(b.waiting, 0)::bigint AS waiting,
       extract(epoch FROM :at::timestamptz - b.oldest)::double precision AS oldest_s,
       coalesce(b.upto_5min, 0)::bigint AS upto_5min, coalesce(b.upto_20min, 0)::bigint AS upto_20min,
       coalesce(b.upto_1h, 0)::bigint AS upto_1h,
       coalesce(b.upto_4h, 0)::bigint AS upto_4h, coalesce(b.upto_1d, 0)::bigint AS upto_1d,
       coalesce(b.older, 0)::bigint AS older, coalesce(b.ready_to_send, 0)::bigint AS ready_to_send,
       coalesce(b.sending, 0)::bigint AS sending, coalesce(b.awaiting_retry, 0)::bigint AS awaiting_retry,
       coalesce(b.awaiting_receipt, 0)::bigint AS awaiting_receipt, coalesce(b.on_hold, 0)::bigint AS on_hold,
       coalesce((SELECT t.n FROM delivery_tally t WHERE t.party = coalesce(b.party, k.party) AND t.status = 'expired'), 0)
           AS expired,
       CASE WHEN s.suspended_by IS NOT NULL THEN NULL
            WHEN k.asked THEN greatest(b.next_due_s, k.rest_s)
            ELSE b.next_due_s
       END AS next_due_s,
       CASE WHEN b.waiting IS NULL THEN NULL
            WHEN s.notice IS NOT NULL THEN 'outage declared by ' || s.suspended_by || ': ' || s.notice
            WHEN s.suspended_by IS NOT NULL THEN 'party suspended by ' || s.suspended_by
            ELSE coalesce(CASE WHEN k.asked AND k.rest_s > 0 THEN k.cause END,
                          (SELECT d.cause
                             FROM delivery d
                            WHERE d.party = b.party AND d.open AND d.status <> 'on_hold' AND d.recorded_at = b.oldest
                            LIMIT 1),
                          CASE WHEN k.failures > 0 AND b.waiting > 0 THEN k.cause END)
       END AS cause,
       k.holder, k.window_size, coalesce(k.failures, 0) AS failures, k.cause AS failure, coalesce(k.asked, false) AS asked,
       k.rest_s, k.heard_s
  FROM backlog b
  FULL JOIN known k USING (party)
  LEFT JOIN party_state s USING (party)
 ORDER BY party;
