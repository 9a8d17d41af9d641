-- The statements of the event log, in the order in which an event meets them.

-- ======== growing ============================================================================================

-- name: lock_log()^
-- How far the tree has come, locked. No row: another node is at work on it.
SELECT size, place, event_no FROM log_position FOR UPDATE SKIP LOCKED;

-- name: new_leaves(place, event_no, batch)^
-- The next :batch events that stand for good, hashed as leaves, in the feed's order; nothing of it when none is new.
SELECT string_agg(fresh.hash, ''::bytea ORDER BY fresh.place, fresh.event_no) AS hashes,
       array_agg(fresh.place ORDER BY fresh.place, fresh.event_no) AS places,
       array_agg(fresh.event_no ORDER BY fresh.place, fresh.event_no) AS event_nos
  FROM (SELECT l.place, l.event_no, sha256('\x00'::bytea || convert_to(l.entry, 'UTF8')) AS hash
          FROM log_entry l
         WHERE (l.place, l.event_no) > (:place::bigint, :event_no::bigint)
           AND l.place < feed_end()
         ORDER BY l.place, l.event_no
         LIMIT :batch::bigint) AS fresh;

-- name: tiles(levels, numbers)
-- These tiles, as far as there are such.
SELECT t.level, t.number, t.hashes
  FROM log_tile t
  JOIN unnest(:levels::smallint[], :numbers::bigint[]) AS wanted (level, number) USING (level, number);

-- name: keep_tiles(levels, numbers, hashes)!
-- Tiles that are new or longer than before.
INSERT INTO log_tile AS t (level, number, hashes)
SELECT level, number, hashes
  FROM unnest(:levels::smallint[], :numbers::bigint[], :hashes::bytea[]) AS given (level, number, hashes)
ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes;

-- name: name_leaves(number, first_place, first_event_no, event_nos)!
-- Which events the next leaves of tile (0, :number) are; the first place stays what it was.
UPDATE log_tile
   SET first_place = coalesce(first_place, :first_place),
       first_event_no = coalesce(first_event_no, :first_event_no),
       event_nos = coalesce(event_nos, '{}') || :event_nos::bigint[]
 WHERE level = 0 AND number = :number;

-- name: move_log(size, place, event_no)!
-- The tree has come so far.
UPDATE log_position SET size = :size, place = :place, event_no = :event_no;

-- name: log_size()$
-- How many leaves the tree has.
SELECT size FROM log_position;

-- ======== heads ==============================================================================================

-- name: keep_head(size, root, at, sealed)!
-- A sealed head; the first for a size stays.
INSERT INTO tree_head (size, root, at, sealed) VALUES (:size, :root, :at, :sealed) ON CONFLICT (size) DO NOTHING;

-- name: last_head()^
-- The head of the largest tree that was sealed. No row: none was yet.
SELECT size, root, at, sealed FROM tree_head ORDER BY size DESC LIMIT 1;

-- name: head_covering(size)^
-- The smallest sealed head of at least :size leaves. No row: there is none yet.
SELECT size, root, at, sealed FROM tree_head WHERE size >= :size ORDER BY size LIMIT 1;

-- name: heads_between(above, most)
-- The sealed heads of trees larger than :above and up to :most.
SELECT size, root, at, sealed FROM tree_head WHERE size > :above AND size <= :most ORDER BY size;

-- ======== proving ============================================================================================

-- name: leaf_of(place, event_no)$
-- The leaf of an event. No row: the tree has not come to it.
SELECT t.number * 256 + array_position(t.event_nos, :event_no::bigint) - 1
  FROM (SELECT number, event_nos
          FROM log_tile
         WHERE level = 0
           AND (first_place, first_event_no) <= (:place::bigint, :event_no::bigint)
         ORDER BY first_place DESC, first_event_no DESC
         LIMIT 1) AS t;

-- name: leaf(place, event_no)^
-- What the leaf of an event says, which it is, and how many there are. No entry: there is no such event; no leaf: the
-- tree has not come to it.
SELECT (SELECT entry FROM log_entry WHERE place = :place::bigint AND event_no = :event_no::bigint) AS entry,
       (SELECT t.number * 256 + array_position(t.event_nos, :event_no::bigint) - 1
          FROM (SELECT number, event_nos
                  FROM log_tile
                 WHERE level = 0
                   AND (first_place, first_event_no) <= (:place::bigint, :event_no::bigint)
                 ORDER BY first_place DESC, first_event_no DESC
                 LIMIT 1) AS t) AS leaf,
       (SELECT size FROM log_position) AS size;

-- name: entries_of_messages(message_nos)
-- The leaves of these messages' events, oldest first: where they stand and what they say.
SELECT l.place, l.event_no, l.entry
  FROM log_entry l
 WHERE (l.place, l.event_no) IN (SELECT place, event_no FROM event WHERE message_no = ANY (:message_nos::bigint[]))
 ORDER BY l.place, l.event_no;

-- name: entries_of_certificate(certificate_no)
-- The leaves of a certificate's own events, oldest first.
SELECT l.place, l.event_no, l.entry
  FROM log_entry l
 WHERE (l.place, l.event_no) IN (SELECT place, event_no
                                   FROM event
                                  WHERE certificate_no = :certificate_no AND message_no IS NULL)
 ORDER BY l.place, l.event_no;

-- ======== auditing ===========================================================================================

-- name: leaf_tiles(first, last)
-- Tiles of leaves with what they say of their events, in order.
SELECT number, hashes, first_place, first_event_no, event_nos
  FROM log_tile
 WHERE level = 0 AND number BETWEEN :first AND :last
 ORDER BY number;

-- name: upper_tiles()
-- Every tile above the leaves.
SELECT level, number, hashes FROM log_tile WHERE level > 0 ORDER BY level, number;

-- name: log_end()^
-- How far the tree has come.
SELECT size, place, event_no FROM log_position;

-- name: hashed_events(from_place, from_event_no, to_place, to_event_no)^
-- The events from one place of the feed up to another, this one excluded, hashed as leaves.
SELECT coalesce(string_agg(found.hash, ''::bytea ORDER BY found.place, found.event_no), ''::bytea) AS hashes,
       coalesce(array_agg(found.event_no ORDER BY found.place, found.event_no), '{}') AS event_nos
  FROM (SELECT l.place, l.event_no, sha256('\x00'::bytea || convert_to(l.entry, 'UTF8')) AS hash
          FROM log_entry l
         WHERE (l.place, l.event_no) >= (:from_place::bigint, :from_event_no::bigint)
           AND (l.place, l.event_no) < (:to_place::bigint, :to_event_no::bigint)) AS found;
