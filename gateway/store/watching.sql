-- What the watch runs: reading what may mean trouble, opening and closing exceptions. The order is that of a step.

-- name: hold_watch()^
-- Take the watch for this transaction. No row: another node has it.
SELECT place, event_no, refused_no FROM watch_position FOR UPDATE SKIP LOCKED;

-- name: troubled_messages(place, event_no, batch)
-- Events after this position that may mean trouble, oldest first; only those before which nothing can appear.
SELECT e.place, e.event_no, e.message_no
  FROM event e
 WHERE may_mean_trouble(e.what, e.detail)
   AND (e.place, e.event_no) > (:place::bigint, :event_no::bigint)
   AND e.place < feed_end()
 ORDER BY e.place, e.event_no
 LIMIT :batch;

-- name: refused_from_abroad(refused_no, batch)
-- What we refused on the wire after this number, oldest first.
SELECT refused_no, party, findings, at
  FROM refused_message
 WHERE refused_no > :refused_no
 ORDER BY refused_no
 LIMIT :batch;

-- name: move_watch(place, event_no, refused_no)!
-- The watch has read up to here.
UPDATE watch_position SET place = :place, event_no = :event_no, refused_no = :refused_no;

-- name: message_troubles(message_nos)
-- What decides whether these messages need somebody.
SELECT message_no, direction, type, party, certificate_no, certificate_number, findings, delivery, cause,
       acknowledgement, acknowledgement_findings, organisation, side, life, carried_by_message_no, customs,
       refused_answer, found_since, answered
  FROM message_trouble
 WHERE message_no = ANY (:message_nos::bigint[])
 ORDER BY message_no;

-- name: open_message_items(after, batch)
-- Messages that suffer from an open exception, after this item.
SELECT i.item_no, i.message_no, i.cause, x.code, x.exception_no
  FROM exception_item i
  JOIN exception x ON x.exception_no = i.exception_no
 WHERE i.closed_at IS NULL
   AND i.clock_no IS NULL
   AND i.message_no IS NOT NULL
   AND i.item_no > :after
 ORDER BY i.item_no
 LIMIT :batch;

-- name: items_of_messages(message_nos)
-- What these messages suffer from now.
SELECT i.item_no, i.message_no, i.cause, x.code, x.exception_no
  FROM exception_item i
  JOIN exception x ON x.exception_no = i.exception_no
 WHERE i.closed_at IS NULL
   AND i.clock_no IS NULL
   AND i.message_no = ANY (:message_nos::bigint[]);

-- name: items_of_parties()
-- Open exceptions about what we refused from a party on the wire.
SELECT i.item_no, i.exception_no, x.party
  FROM exception_item i
  JOIN exception x ON x.exception_no = i.exception_no
 WHERE i.closed_at IS NULL
   AND i.clock_no IS NULL
   AND i.message_no IS NULL
   AND x.code <> 'revocation-list'
   AND x.code NOT LIKE 'webhook:%';

-- name: items_of_lists()
-- Open exceptions about a party's revocation lists.
SELECT i.item_no, i.exception_no, x.party
  FROM exception_item i
  JOIN exception x ON x.exception_no = i.exception_no
 WHERE i.closed_at IS NULL
   AND x.code = 'revocation-list';

-- name: heard_parties()
-- The parties from which something good came since we listened last. (OFFSET 0: each message is looked up, for
-- the planner takes what came meanwhile for more than it is.)
SELECT DISTINCT came.party
  FROM inbox b
 CROSS JOIN LATERAL (
       SELECT m.party FROM message m WHERE m.message_no = b.message_no AND m.valid OFFSET 0) AS came
 WHERE b.place >= (SELECT inbox_place FROM watch_position)
   AND b.place < feed_end();

-- name: listen_from_here()!
-- We have listened up to here.
UPDATE watch_position SET inbox_place = feed_end();

-- name: find_exception(code, party, owner, organisation)^
-- The exception for this cause, locked, whether it is open, what was told last. No row: it never was.
SELECT exception_no, state, cause, closed_by
  FROM exception
 WHERE code = :code
   AND party = :party
   AND owner = :owner
   AND organisation IS NOT DISTINCT FROM :organisation::text
   FOR NO KEY UPDATE;

-- name: open_exception(code, party, organisation, owner, cause, next_action, at)$
-- Open an exception, or say again what an open one is about; its exception_no.
INSERT INTO exception AS x
       (code, party, organisation, owner, cause, next_action, first_opened_at, opened_at, last_seen_at)
VALUES (:code, :party, :organisation::text, :owner, :cause, :next_action, :at::timestamptz, :at::timestamptz,
        :at::timestamptz)
ON CONFLICT (code, party, owner, organisation) DO UPDATE
   SET cause = excluded.cause, next_action = excluded.next_action,
       last_seen_at = excluded.last_seen_at,
       state = 'open',
       times = x.times + (x.state = 'closed')::integer,
       opened_at = CASE WHEN x.state = 'closed' THEN excluded.opened_at ELSE x.opened_at END,
       taken_by = CASE WHEN x.state = 'closed' THEN NULL ELSE x.taken_by END,
       taken_at = CASE WHEN x.state = 'closed' THEN NULL ELSE x.taken_at END,
       closed_at = NULL, closed_by = NULL, resolution = NULL
RETURNING exception_no;

-- name: add_exception_items(exception_no, message_nos, clock_nos, causes, at)!
-- These suffer from it; what does already is left alone.
INSERT INTO exception_item (exception_no, message_no, clock_no, cause, opened_at)
SELECT :exception_no::bigint, g.message_no, g.clock_no, g.cause, :at::timestamptz
  FROM unnest(:message_nos::bigint[], :clock_nos::bigint[], :causes::text[]) AS g (message_no, clock_no, cause)
ON CONFLICT DO NOTHING;

-- name: close_exception_items(item_nos, at, who, resolution)!
-- These suffer no longer.
UPDATE exception_item
   SET closed_at = :at, closed_by = :who, resolution = :resolution
 WHERE item_no = ANY (:item_nos::bigint[])
   AND closed_at IS NULL;

-- name: close_cured_exceptions(exception_nos, at, who, resolution)
-- Close those from which nothing suffers any more; each once.
UPDATE exception x
   SET state = 'closed', closed_at = :at::timestamptz, closed_by = :who::text, resolution = :resolution::text
 WHERE x.exception_no = ANY (:exception_nos::bigint[])
   AND x.state = 'open'
   AND NOT EXISTS (SELECT FROM exception_item i WHERE i.exception_no = x.exception_no AND i.closed_at IS NULL)
RETURNING x.exception_no, x.code, x.party, x.organisation, x.owner, x.cause, x.times;

-- name: tell_of_exception(exception_no, what, at, who)!
-- The alert: one when it opens, one when it is over.
INSERT INTO event (at, what, party, side, organisation, who, detail)
SELECT :at::timestamptz, 'exception:' || :what::text, x.party,
       CASE x.owner WHEN 'customs' THEN 'in' WHEN 'issuing authority' THEN 'out' END, x.organisation, :who::text,
       jsonb_strip_nulls(jsonb_build_object(
           'exception', x.exception_no, 'code', x.code, 'cause', x.cause, 'owner', x.owner,
           'next_action', x.next_action, 'times', x.times, 'resolution', x.resolution))
  FROM exception x
 WHERE x.exception_no = :exception_no;

-- ======== people ===============================================================================================

-- name: exception_items(exception_no, is_open, after, batch)
-- What suffers from it, or did, oldest first.
SELECT i.item_no, i.cause, i.opened_at, i.closed_at, i.closed_by, i.resolution, m.message_id,
       coalesce(c.number, m.certificate_number) AS certificate_number, c.form, c.issuing_country
  FROM exception_item i
  LEFT JOIN message m ON m.message_no = i.message_no
  LEFT JOIN certificate c ON c.certificate_no = m.certificate_no
 WHERE i.exception_no = :exception_no
   AND (:is_open::boolean IS NULL OR (i.closed_at IS NULL) = :is_open::boolean)
   AND i.item_no > :after
 ORDER BY i.item_no
 LIMIT :batch;

-- name: exception_notes(exception_no)
-- What people did about it and wrote down, oldest first.
SELECT at, who, what, words FROM exception_note WHERE exception_no = :exception_no ORDER BY note_no;

-- name: note_exception(exception_no, at, who, what, words)!
-- Somebody did something about it.
INSERT INTO exception_note (exception_no, at, who, what, words) VALUES (:exception_no, :at, :who, :what, :words);

-- name: lock_exception(exception_no)^
-- Lock an exception. No row: unknown.
SELECT exception_no, state, taken_by FROM exception WHERE exception_no = :exception_no FOR NO KEY UPDATE;

-- name: take_exception(exception_no, who, at)!
-- Somebody takes it, or hands it back (nulls).
UPDATE exception SET taken_by = :who, taken_at = :at WHERE exception_no = :exception_no;

-- name: close_all_items(exception_no, at, who, resolution)!
-- A person closes it: nothing suffers any more, whatever the ledger says.
UPDATE exception_item
   SET closed_at = :at, closed_by = :who, resolution = :resolution
 WHERE exception_no = :exception_no
   AND closed_at IS NULL;

-- ======== clocks ===============================================================================================

-- name: clock_positions()
-- Up to where each clock was looked for; those that are not there never were.
SELECT name, started_at, looked_at FROM clock_position;

-- name: started_clocks(starts, name, after, until, known_after, from_start, from_message, batch)
-- What started at :after or later, or became known after :known_after, and not after :until, and still runs; the
-- earliest first, those behind :from_start and :from_message.
SELECT s.message_no, s.certificate_no, s.party, s.organisation, s.agreement, s.started_at
  FROM clock_start s
 WHERE s.starts = :starts::text
   AND s.started_at <= :until
   AND (s.started_at >= :after OR s.known_at > :known_after)
   AND (s.started_at, s.message_no) > (:from_start::timestamptz, :from_message::bigint)
   AND NOT s.stopped
   AND NOT EXISTS (SELECT FROM clock k WHERE k.name = :name AND k.message_no = s.message_no)
 ORDER BY s.started_at, s.message_no
 LIMIT :batch;

-- name: clocks_again()
-- What stopped these was taken back; told once each.
WITH again AS (
    DELETE FROM clock_again RETURNING message_no, since
), once AS (
    SELECT message_no, max(since) AS since FROM again GROUP BY message_no
)
SELECT s.starts, s.message_no, s.certificate_no, s.party, s.organisation, s.agreement,
       CASE s.starts WHEN 'message-owed' THEN coalesce(o.since, s.started_at) ELSE s.started_at END AS started_at
  FROM once o
 CROSS JOIN LATERAL (SELECT * FROM clock_start c WHERE c.message_no = o.message_no AND NOT c.stopped OFFSET 0) AS s
 ORDER BY s.starts, started_at;

-- name: enter_clocks(name, starts, owner, message_nos, certificate_nos, parties, organisations, limits, started_at, warn_at, due_at)!
-- Clocks that may soon warn. One that had stopped runs again; what it told stays told.
INSERT INTO clock AS k
       (name, starts, owner, message_no, certificate_no, party, organisation, limit_told, started_at, warn_at, due_at)
SELECT :name::text, :starts::text, :owner::text, g.*
  FROM unnest(:message_nos::bigint[], :certificate_nos::bigint[], :parties::text[], :organisations::text[],
              :limits::text[], :started_at::timestamptz[], :warn_at::timestamptz[], :due_at::timestamptz[]) AS g
ON CONFLICT (name, message_no) DO UPDATE
   SET state = 'running', stopped_at = NULL, limit_told = excluded.limit_told,
       started_at = excluded.started_at, warn_at = excluded.warn_at, due_at = excluded.due_at
 WHERE k.state = 'stopped';

-- name: move_clock_positions(names, started_at, looked_at)!
-- These clocks were looked for up to here.
INSERT INTO clock_position (name, started_at, looked_at)
SELECT g.name, g.started_at, :looked_at FROM unnest(:names::text[], :started_at::timestamptz[]) AS g (name, started_at)
ON CONFLICT (name) DO UPDATE SET started_at = excluded.started_at, looked_at = excluded.looked_at;

-- name: stop_clocks(at)
-- Stop the clocks that run no longer; those that had warned are told of. (OFFSET 0: each is looked up, for the
-- planner would join them to everything that ever started a clock.)
WITH over AS (
    SELECT k.clock_no, k.state AS former
      FROM clock k
     WHERE k.state <> 'stopped'
       AND NOT EXISTS (
               SELECT FROM clock_start s
                WHERE s.starts = k.starts AND s.message_no = k.message_no AND NOT s.stopped
               OFFSET 0)
       FOR UPDATE
), stopped AS (
    UPDATE clock k
       SET state = 'stopped', stopped_at = :at::timestamptz
      FROM over
     WHERE k.clock_no = over.clock_no
    RETURNING k.clock_no, k.name, k.message_no, k.certificate_no, k.party, k.organisation, k.owner, over.former
), told AS (
    INSERT INTO event (at, what, message_no, certificate_no, party, side, organisation, detail)
    SELECT :at::timestamptz, 'clock:recovered', s.message_no, s.certificate_no, s.party, c.direction, s.organisation,
           jsonb_build_object('clock', s.name, 'owner', s.owner, 'was', s.former)
      FROM stopped s
      LEFT JOIN certificate c ON c.certificate_no = s.certificate_no
     WHERE s.former <> 'running'
)
SELECT s.clock_no, i.item_no, i.exception_no
  FROM stopped s
  LEFT JOIN exception_item i ON i.clock_no = s.clock_no AND i.closed_at IS NULL;

-- name: advance_clocks(at, from_state, to_state)
-- Move the clocks whose warning, or whose end, has come; each is told of once.
WITH moved AS (
    UPDATE clock k
       SET state = :to_state::text,
           warned_at = coalesce(k.warned_at, :at::timestamptz),
           breached_at = CASE WHEN :to_state::text = 'breached' THEN coalesce(k.breached_at, :at::timestamptz) ELSE k.breached_at END
     WHERE k.state = :from_state
       AND k.state <> 'stopped'
       AND CASE WHEN :to_state::text = 'warned' THEN k.warn_at ELSE k.due_at END <= :at::timestamptz
    RETURNING k.clock_no, k.name, k.message_no, k.certificate_no, k.party, k.organisation, k.owner, k.limit_told,
              k.due_at
), told AS (
    INSERT INTO event (at, what, message_no, certificate_no, party, side, organisation, detail)
    SELECT :at::timestamptz, 'clock:' || :to_state::text, m.message_no, m.certificate_no, m.party, c.direction,
           m.organisation,
           jsonb_build_object('clock', m.name, 'owner', m.owner, 'limit', m.limit_told, 'due_at', m.due_at)
      FROM moved m
      LEFT JOIN certificate c ON c.certificate_no = m.certificate_no
)
SELECT clock_no, name, message_no, certificate_no, party, organisation, owner, limit_told, due_at FROM moved
 ORDER BY clock_no;

-- name: finish_clocks(clock_nos, at)!
-- These have done what they were for.
UPDATE clock SET state = 'stopped', stopped_at = :at WHERE clock_no = ANY (:clock_nos::bigint[]);

-- name: expire_certificates(certificate_nos, at)!
-- Their validity has ended; one whose cancellation is under way is expired if that is refused.
UPDATE certificate
   SET life = CASE life WHEN 'in_force' THEN 'expired' ELSE life END,
       life_before = CASE life WHEN 'cancel_pending' THEN 'expired' ELSE life_before END,
       life_moved_at = :at, life_moved_by = 'gateway'
 WHERE certificate_no = ANY (:certificate_nos::bigint[])
   AND life IN ('in_force', 'cancel_pending');

-- ======== asked for in vain =====================================================================================

-- name: new_asked_in_vain()$
-- Whether somebody asked for what was never issued here since we looked last; from here on we have looked.
WITH newest AS (
    SELECT max(last_at) AS at
      FROM asked_in_vain
     WHERE hour >= date_trunc('hour', (SELECT asked_in_vain_at FROM watch_position))
), moved AS (
    UPDATE watch_position w SET asked_in_vain_at = n.at FROM newest n WHERE n.at > w.asked_in_vain_at RETURNING 1
)
SELECT EXISTS (SELECT FROM moved);

-- name: asked_in_vain(since, batch)
-- What was asked for in vain since then, each once, the latest first.
SELECT form, number, sum(times)::bigint AS times, max(last_at) AS last_at
  FROM asked_in_vain
 WHERE hour >= date_trunc('hour', :since::timestamptz)
   AND last_at >= :since::timestamptz
 GROUP BY form, number
 ORDER BY max(last_at) DESC
 LIMIT :batch;

-- name: items_of_code(code)
-- What suffers from exceptions of this code that no message and no clock suffers from.
SELECT i.item_no, i.exception_no, x.owner
  FROM exception_item i
  JOIN exception x ON x.exception_no = i.exception_no
 WHERE i.closed_at IS NULL
   AND i.clock_no IS NULL
   AND i.message_no IS NULL
   AND x.code = :code;

-- ======== webhooks =============================================================================================

-- name: items_of_webhooks()
-- Open exceptions about subscribers that are told no more.
SELECT i.item_no, i.exception_no, x.code
  FROM exception_item i
  JOIN exception x ON x.exception_no = i.exception_no
 WHERE i.closed_at IS NULL
   AND x.code LIKE 'webhook:%';

-- name: webhooks()
-- All subscribers, without their secrets.
SELECT name, url, role, organisation, failures, cause, due_at, state, told_at, made_at, made_by, former_until
  FROM webhook
 ORDER BY name;

-- name: add_webhook(name, url, role, organisation, secret, place, event_no, at, who)$
-- A new subscriber, told from here on. No value: the name is taken.
INSERT INTO webhook (name, url, role, organisation, secret, place, event_no, made_at, made_by)
VALUES (:name, :url, :role, :organisation, :secret, :place, :event_no, :at, :who)
ON CONFLICT (name) DO NOTHING
RETURNING name;

-- name: rotate_webhook(name, secret, until)$
-- A new secret; the former signs as well until then. No value: unknown.
UPDATE webhook SET former_secret = secret, former_until = :until, secret = :secret WHERE name = :name RETURNING name;

-- name: turn_webhook(name, state)$
-- Tell it again at once, or no more. No value: unknown.
UPDATE webhook
   SET state = :state, failures = 0, cause = NULL, due_at = now(), lease_until = NULL, fence = fence + 1
 WHERE name = :name
RETURNING name;

-- name: replay_webhook(name, place, event_no)$
-- Tell it everything after this position, again. No value: unknown.
UPDATE webhook
   SET place = :place, event_no = :event_no, due_at = now(), lease_until = NULL, fence = fence + 1
 WHERE name = :name
RETURNING name;

-- name: remove_webhook(name)$
-- Forget a subscriber. No value: unknown.
DELETE FROM webhook WHERE name = :name RETURNING name;

-- name: claim_webhooks(lease_s)
-- The subscribers whose turn it is, leased to this node.
UPDATE webhook w
   SET lease_until = now() + make_interval(secs => :lease_s), fence = w.fence + 1
 WHERE w.name IN (
           SELECT d.name FROM webhook d
            WHERE d.state = 'active' AND d.due_at <= now() AND (d.lease_until IS NULL OR d.lease_until <= now())
              FOR UPDATE SKIP LOCKED)
RETURNING w.name, w.url, w.role, w.organisation, w.secret, w.former_secret, w.former_until, w.place, w.event_no,
          w.failures, w.fence;

-- name: told_webhook(name, fence, place, event_no, lease_s, at)$
-- It took everything up to here. No value: somebody else has its turn now.
UPDATE webhook
   SET place = :place, event_no = :event_no, failures = 0, cause = NULL, told_at = :at,
       lease_until = now() + make_interval(secs => :lease_s)
 WHERE name = :name AND fence = :fence
RETURNING name;

-- name: rest_webhook(name, fence, place, event_no)!
-- There is nothing for it up to here.
UPDATE webhook SET place = :place, event_no = :event_no, lease_until = NULL WHERE name = :name AND fence = :fence;

-- name: fail_webhook(name, fence, cause, wait_s, state)!
-- It took nothing; it is tried again after a while, or no more.
UPDATE webhook
   SET failures = failures + 1, cause = :cause, state = :state, lease_until = NULL,
       due_at = now() + make_interval(secs => :wait_s)
 WHERE name = :name AND fence = :fence;

-- ======== reports ==============================================================================================

-- name: report_certificates(begin, end)
-- Certificates of these days by corridor, form and issuing office: what became of each, and how long it took. The
-- seconds are medians and 95th percentiles, from submission to their receipt, to the first acknowledgement, and to
-- the first use of an item; null where there was none.
SELECT c.direction, c.party, c.form, c.organisation, count(*) AS certificates,
       count(*) FILTER (WHERE c.acknowledgement = 'accepted') AS accepted,
       count(*) FILTER (WHERE c.acknowledgement = 'accepted_with_warnings') AS accepted_with_warnings,
       count(*) FILTER (WHERE c.acknowledgement = 'rejected') AS rejected,
       count(*) FILTER (WHERE c.acknowledgement IS NULL) AS unacknowledged,
       count(*) FILTER (WHERE c.customs_response = 'utilised') AS utilised,
       count(*) FILTER (WHERE c.customs_response = 'partially_utilised') AS partially_utilised,
       count(*) FILTER (WHERE c.customs_response = 'preference_denied') AS preference_denied,
       count(*) FILTER (WHERE c.customs_response = 'under_verification') AS under_verification,
       count(*) FILTER (WHERE c.customs_response = 'not_utilised') AS not_utilised,
       count(*) FILTER (WHERE c.customs_response IS NULL) AS unanswered,
       count(*) FILTER (WHERE c.life = 'in_force') AS in_force,
       count(*) FILTER (WHERE c.life = 'cancel_pending') AS cancel_pending,
       count(*) FILTER (WHERE c.life = 'cancelled') AS cancelled,
       count(*) FILTER (WHERE c.life = 'replaced') AS replaced,
       count(*) FILTER (WHERE c.life = 'expired') AS expired,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM r.at - c.submitted_at)) AS receipt_p50_s,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM r.at - c.submitted_at)) AS receipt_p95_s,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM a.at - c.submitted_at)) AS acknowledgement_p50_s,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM a.at - c.submitted_at)) AS acknowledgement_p95_s,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM u.at - c.submitted_at)) AS utilisation_p50_s,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM u.at - c.submitted_at)) AS utilisation_p95_s
  FROM certificate c
  LEFT JOIN LATERAL (SELECT min(recorded_at) AS at FROM receipt WHERE message_no = c.message_no) AS r ON true
  LEFT JOIN LATERAL (SELECT min(at) AS at FROM acknowledgement WHERE message_no = c.message_no) AS a ON true
  LEFT JOIN LATERAL (
       SELECT min(at) AS at
         FROM customs_response
        WHERE certificate_no = c.certificate_no
          AND outcome IN ('utilised', 'partially_utilised')) AS u ON true
 WHERE c.submitted_at >= :begin
   AND c.submitted_at < :end
 GROUP BY c.direction, c.party, c.form, c.organisation
 ORDER BY c.direction, c.party, c.form, c.organisation;

-- name: report_exceptions(begin, end)
-- What fell into an exception in these days, by cause; and how much of it still does.
SELECT x.code, x.party, x.owner, x.organisation, count(*) AS items, count(*) FILTER (WHERE i.closed_at IS NULL) AS open,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM i.closed_at - i.opened_at)) AS cured_p50_s,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM i.closed_at - i.opened_at)) AS cured_p95_s
  FROM exception_item i
  JOIN exception x ON x.exception_no = i.exception_no
 WHERE i.opened_at >= :begin
   AND i.opened_at < :end
 GROUP BY x.code, x.party, x.owner, x.organisation
 ORDER BY x.code, x.party, x.owner, x.organisation;

-- name: report_clocks(begin, end)
-- Clocks that warned or ran out in these days, and those of them that are overdue still.
SELECT k.name, k.party, k.owner, k.organisation,
       count(*) FILTER (WHERE k.warned_at >= :begin AND k.warned_at < :end) AS warned,
       count(*) FILTER (WHERE k.breached_at >= :begin AND k.breached_at < :end) AS ran_out,
       count(*) FILTER (WHERE k.state = 'breached') AS overdue
  FROM clock k
 WHERE k.warned_at >= :begin AND k.warned_at < :end
    OR k.breached_at >= :begin AND k.breached_at < :end
 GROUP BY k.name, k.party, k.owner, k.organisation
 ORDER BY k.name, k.party, k.owner, k.organisation;
