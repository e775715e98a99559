-- A contact's sessions, newest first.
SELECT * REPLACE (profile::VARCHAR AS profile) FROM sessions
WHERE contact_id = $contact ORDER BY started_at DESC LIMIT (SELECT $limit::BIGINT)
