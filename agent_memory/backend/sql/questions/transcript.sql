-- The newest messages of one contact over all sessions, oldest first.
WITH found AS MATERIALIZED (
    SELECT session_id, time, role, content, rowid AS place FROM message_history WHERE contact_id = $contact
),
newest AS (FROM found ORDER BY place DESC LIMIT $limit)
SELECT session_id, time, role, content FROM newest ORDER BY place
