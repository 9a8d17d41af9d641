-- What operators look at.

-- name: corridor_backlog(at)
-- What is owed on each corridor, by age; the oldest message of each. A message is looked up for what is open
-- alone: the LIMIT keeps the planner from reading all messages for the few that wait.
SELECT d.party, m.form, d.side, count(*) FILTER (WHERE d.status <> 'on_hold') AS waiting,
       count(*) FILTER (WHERE d.status = 'on_hold') AS on_hold,
       extract(epoch FROM :at::timestamptz - min(d.recorded_at) FILTER (WHERE d.status <> 'on_hold'))
           ::double precision AS oldest_s,
       count(*) FILTER (WHERE d.status <> 'on_hold' AND age.s <= 300) AS upto_5min,
       count(*) FILTER (WHERE d.status <> 'on_hold' AND age.s > 300 AND age.s <= 1200) AS upto_20min,
       count(*) FILTER (WHERE d.status <> 'on_hold' AND age.s > 1200 AND age.s <= 3600) AS upto_1h,
       count(*) FILTER (WHERE d.status <> 'on_hold' AND age.s > 3600 AND age.s <= 14400) AS upto_4h,
       count(*) FILTER (WHERE d.status <> 'on_hold' AND age.s > 14400 AND age.s <= 86400) AS upto_1d,
       count(*) FILTER (WHERE d.status <> 'on_hold' AND age.s > 86400) AS older
  FROM delivery d
 CROSS JOIN LATERAL (SELECT form FROM message WHERE message_no = d.message_no LIMIT 1) AS m
 CROSS JOIN LATERAL (SELECT extract(epoch FROM :at::timestamptz - d.recorded_at) AS s) AS age
 WHERE d.open
 GROUP BY d.party, m.form, d.side
 ORDER BY d.party, m.form, d.side;

-- name: lane_troubles()
-- Of each lane that waits for another try: since when its attempts fail, how many did, and why the last one.
SELECT d.party, tries.since, tries.n AS attempts, coalesce(tries.cause, l.cause) AS cause,
       greatest(tries.next_at, l.rest_until) AS next_at, coalesce(l.failures, 0) AS failures, l.heard_at
  FROM (SELECT DISTINCT ON (o.party) o.party, o.message_no
          FROM delivery o
         WHERE o.open
           AND o.status IN ('awaiting_retry', 'awaiting_receipt', 'sending')
           AND o.attempts > 0
         ORDER BY o.party, o.message_no) AS d
 CROSS JOIN LATERAL (
       SELECT min(a.at) AS since, count(*) AS n, (array_agg(a.cause ORDER BY a.attempt_no DESC))[1] AS cause,
              (array_agg(a.next_at ORDER BY a.attempt_no DESC))[1] AS next_at
         FROM attempt a
        WHERE a.message_no = d.message_no) AS tries
  LEFT JOIN lane l ON l.party = d.party
 WHERE tries.n > 0
 ORDER BY d.party;

-- name: deliveries(statuses, code, party, form, before, batch)
-- Deliveries of one party that wait or stand in trouble, newest first.
SELECT m.message_no, m.direction, m.party, m.message_id, m.conversation_id, m.type, m.form, m.certificate_no,
       m.certificate_number, m.ref_to_message_id, m.digest, m.created_at, m.recorded_at, m.valid, m.findings,
       m.organisation, m.delivery, m.cause, m.parked, m.dialect
  FROM delivery d
  JOIN message_row m ON m.message_no = d.message_no
 WHERE (d.open OR d.troubled)
   AND d.status = ANY (:statuses::text[])
   AND d.party = :party
   AND (:form::text IS NULL OR m.form = :form)
   AND d.message_no < :before
   AND (:code::text IS NULL OR d.cause LIKE :code || ':%')
 ORDER BY d.message_no DESC
 LIMIT :batch;

-- name: refused_messages(since, batch)
-- What parties sent and was refused on the wire, newest first.
SELECT refused_no, at, party, message_id, findings, octet_length(body) AS bytes
  FROM refused_message
 WHERE at >= :since
 ORDER BY at DESC, refused_no DESC
 LIMIT :batch;

-- name: refused_message(refused_no)^
-- One of them with its bytes and our answer.
SELECT refused_no, at, party, message_id, findings, body, answer FROM refused_message WHERE refused_no = :refused_no;

-- name: happened(place, event_no, party, what, looked_at, batch)
-- What happened before a place in the feed, newest first, among the last :looked_at events before it, so that a
-- rare condition costs no more than a common one.
SELECT e.place, e.event_no, e.at, e.what, e.message_id, e.certificate_number, e.party, e.who, e.detail
  FROM (SELECT n.place, n.event_no, n.party, n.what
          FROM event n
         WHERE (n.place, n.event_no) < (:place, :event_no)
         ORDER BY n.place DESC, n.event_no DESC
         LIMIT :looked_at) AS near
  JOIN event_row e ON e.place = near.place AND e.event_no = near.event_no
 WHERE (:party::text IS NULL OR near.party = :party)
   AND (:what::text IS NULL OR near.what LIKE :what || '%')
 ORDER BY near.place DESC, near.event_no DESC
 LIMIT :batch;

-- name: what_people_did(place, event_no, who, party, what, batch)
-- What people did before a place in the feed, newest first.
SELECT e.place, e.event_no, e.at, e.what, e.message_id, e.certificate_number, e.party, e.who, e.detail
  FROM event_row e
 WHERE (e.place, e.event_no) < (:place, :event_no)
   AND (e.what LIKE 'operator:%' OR e.what LIKE 'session:%')
   AND (:who::text IS NULL OR e.who = :who)
   AND (:party::text IS NULL OR e.party = :party)
   AND (:what::text IS NULL OR e.what LIKE :what || '%')
 ORDER BY e.place DESC, e.event_no DESC
 LIMIT :batch;

-- name: newest_event()^
-- Where the feed ends now.
SELECT place, event_no FROM event ORDER BY place DESC, event_no DESC LIMIT 1;

-- name: fold_days(batch)$
-- Fold up to :batch more events into the tally of days; how many were folded.
WITH begun AS MATERIALIZED (
    SELECT place, event_no FROM day_tally_position FOR UPDATE
), fresh AS MATERIALIZED (
    SELECT e.place, e.event_no, e.at, e.party, e.side, e.what, e.message_no, e.certificate_no, e.detail
      FROM event e
     WHERE (e.place, e.event_no) > ((SELECT place FROM begun), (SELECT event_no FROM begun))
       AND e.place < feed_end()
     ORDER BY e.place, e.event_no
     LIMIT :batch
), counted AS (
    INSERT INTO day_tally AS t (day, party, form, side, type, said_by, what, n)
    SELECT (f.at AT TIME ZONE 'UTC')::date, f.party, coalesce(m.form, c.form, ''), f.side,
           coalesce(m.type, 'certificate'),
           CASE WHEN f.what LIKE 'acknowledgement:%' THEN coalesce(f.detail ->> 'by', '') ELSE '' END, f.what, count(*)
      FROM fresh f
      LEFT JOIN message m ON m.message_no = f.message_no
      LEFT JOIN certificate c ON c.certificate_no = f.certificate_no
     WHERE f.party IS NOT NULL
       AND f.side IS NOT NULL
     GROUP BY 1, 2, 3, 4, 5, 6, 7
     ORDER BY 1, 2, 3, 4, 5, 6, 7
    ON CONFLICT (day, party, form, side, type, said_by, what) DO UPDATE SET n = t.n + excluded.n
), gone_to AS (
    UPDATE day_tally_position p
       SET place = last.place, event_no = last.event_no
      FROM (SELECT place, event_no FROM fresh ORDER BY place DESC, event_no DESC LIMIT 1) AS last
)
SELECT count(*) FROM fresh;

-- name: days(first_day, last_day)
-- What happened on these days, both included, by corridor.
SELECT party, form, side, type, said_by, what, sum(n)::bigint AS n
  FROM day_tally
 WHERE day BETWEEN :first_day AND :last_day
 GROUP BY party, form, side, type, said_by, what
 ORDER BY party, form, side, type, said_by, what;
