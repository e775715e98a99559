-- The newest messages of one session, the newest first, by the order in which they were committed. The limit: as in transcript.
SELECT id, session_id, contact_id, role, content, time FROM message_history
WHERE contact_id = $contact AND session_id = $session ORDER BY rowid DESC LIMIT (SELECT $limit::BIGINT)
