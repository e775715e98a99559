-- The newest messages of one session, the newest first, by the order in which they were committed. Collected as in transcript.
WITH found AS MATERIALIZED (
    SELECT id, session_id, contact_id, role, content, time, rowid AS place
    FROM message_history WHERE contact_id = $contact AND session_id = $session
)
SELECT id, session_id, contact_id, role, content, time FROM found ORDER BY place DESC LIMIT $limit
