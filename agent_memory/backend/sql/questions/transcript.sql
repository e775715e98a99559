-- The newest messages of one contact over all sessions, newest first. Collected first: a limit beside the condition has
-- DuckDB look for the largest rowids in every block.
WITH found AS MATERIALIZED (
    SELECT id, session_id, contact_id, time, role, content, rowid AS place FROM message_history WHERE contact_id = $contact
)
SELECT id, session_id, contact_id, time, role, content FROM found ORDER BY place DESC LIMIT $limit
