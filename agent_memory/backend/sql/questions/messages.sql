-- The newest messages of one session, oldest first: in the order in which they were committed.
WITH found AS MATERIALIZED (
    SELECT id, session_id, contact_id, role, content, time, rowid AS place
    FROM message_history WHERE contact_id = $contact AND session_id = $session
),
newest AS (FROM found ORDER BY place DESC LIMIT $limit)
SELECT id, session_id, contact_id, role, content, time FROM newest ORDER BY place
