-- The newest messages of one contact over all sessions, newest first. A limit that is no constant keeps DuckDB from reading
-- every block for the largest rowids.
SELECT id, session_id, contact_id, time, role, content FROM message_history
WHERE contact_id = $contact ORDER BY rowid DESC LIMIT (SELECT $limit::BIGINT)
