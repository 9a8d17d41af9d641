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
   AND i.message_no IS NULL;

-- name: heard_parties()
-- The parties from which something good came since we listened last.
SELECT DISTINCT m.party
  FROM inbox b
  JOIN message m ON m.message_no = b.message_no
 WHERE b.place >= (SELECT inbox_place FROM watch_position)
   AND b.place < feed_end()
   AND m.valid;

-- name: listen_from_here()!
-- We have listened up to here.
UPDATE watch_position SET inbox_place = feed_end();

-- name: find_exception(code, party, owner, organisation)^
-- The exception for this cause, locked, and whether it is open. No row: it never was.
SELECT exception_no, state
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
