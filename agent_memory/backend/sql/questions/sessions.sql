-- A contact's sessions, newest first. Sorted after a materialized step: only so is the index on contact_id used.
WITH found AS MATERIALIZED (
    SELECT * EXCLUDE (archived_at) FROM archived_sessions WHERE contact_id = $contact
    UNION ALL
    FROM open_sessions WHERE contact_id = $contact
)
SELECT * REPLACE (profile::VARCHAR AS profile) FROM found ORDER BY started_at DESC LIMIT $limit
