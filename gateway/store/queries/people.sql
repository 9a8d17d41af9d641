-- People sign in.

-- name: begin_sign_in(state_digest, browser_digest, nonce, verifier, return_to, at, forgotten)!
-- Remember a sign-in that has begun; those begun before :forgotten are dropped.
WITH dropped AS (
    DELETE FROM sign_in WHERE begun_at < :forgotten
)
INSERT INTO sign_in (state_digest, browser_digest, nonce, verifier, return_to, begun_at)
VALUES (:state_digest, :browser_digest, :nonce, :verifier, :return_to, :at);

-- name: take_sign_in(state_digest, browser_digest, forgotten)^
-- Take a sign-in that comes back, once, by the browser that began it. No row: there is none.
DELETE FROM sign_in
 WHERE state_digest = :state_digest
   AND browser_digest = :browser_digest
   AND begun_at >= :forgotten
RETURNING nonce, verifier, return_to;

-- name: refuse_sign_in(at, who, reason, address)!
-- Tell of a sign-in that was refused.
INSERT INTO event (at, what, who, detail)
VALUES (:at, 'session:refused', :who,
        jsonb_build_object('reason', :reason::text, 'address', :address::text));

-- name: open_session(session_digest, subject, name, roles, organisation, provider, address, agent, at)$
-- Open a session; its session_no.
WITH opened AS (
    INSERT INTO session
           (session_digest, subject, name, roles, organisation, provider, address, agent, begun_at, seen_at)
    VALUES (:session_digest, :subject, :name, :roles::text[], :organisation, :provider, :address, :agent,
            :at::timestamptz, :at::timestamptz)
    RETURNING session_no, subject, roles, address
), told AS (
    INSERT INTO event (at, what, who, detail)
    SELECT :at::timestamptz, 'session:begun', subject,
           jsonb_build_object('session', session_no, 'roles', roles, 'address', address)
      FROM opened
)
SELECT session_no FROM opened;

-- name: session(session_digest, seen_since, begun_since)^
-- The session of this cookie. No row: there is none, it has ended, or its time is over.
SELECT session_no, subject, name, roles, organisation, provider, address, agent, begun_at, seen_at
  FROM session
 WHERE session_digest = :session_digest
   AND ended_at IS NULL
   AND seen_at >= :seen_since
   AND begun_at >= :begun_since;

-- name: prolong_session(session_no, at)!
-- Its holder has just been seen.
UPDATE session SET seen_at = :at WHERE session_no = :session_no AND ended_at IS NULL AND seen_at < :at;

-- name: sessions(subject, seen_since, begun_since)
-- The sessions that live, of one person or, without :subject, of everybody; the latest seen first.
SELECT session_no, subject, name, roles, organisation, provider, address, agent, begun_at, seen_at
  FROM session
 WHERE ended_at IS NULL
   AND seen_at >= :seen_since
   AND begun_at >= :begun_since
   AND (:subject::text IS NULL OR subject = :subject)
 ORDER BY seen_at DESC, session_no
 LIMIT 500;

-- name: end_session(session_no, subject, who, at)$
-- End a session, of one person only where :subject is given. No row: it has ended, or is another's.
WITH ended AS (
    UPDATE session
       SET ended_at = :at::timestamptz, ended_by = :who::text
     WHERE session_no = :session_no
       AND ended_at IS NULL
       AND (:subject::text IS NULL OR subject = :subject)
    RETURNING session_no, subject
), told AS (
    INSERT INTO event (at, what, who, detail)
    SELECT :at::timestamptz, 'session:ended', :who::text,
           jsonb_build_object('session', session_no, 'subject', subject)
      FROM ended
)
SELECT session_no FROM ended;
