-- A contact's sessions, newest first. Collected as in transcript.
WITH found AS MATERIALIZED (FROM sessions WHERE contact_id = $contact)
SELECT * REPLACE (profile::VARCHAR AS profile) FROM found ORDER BY started_at DESC LIMIT $limit
