-- The newest messages of one contact over all sessions, oldest first.
WITH found AS MATERIALIZED (
    SELECT id, session_id, contact_id, time, role, content, rowid AS place FROM message_history WHERE contact_id = $contact
),
newest AS (FROM found ORDER BY place DESC LIMIT $limit)
SELECT id, session_id, contact_id, time, role, content FROM newest ORDER BY place
