-- Every event of a contact, oldest first.
SELECT session_id, contact_id, version, kind, message, data::VARCHAR AS data, time
FROM events WHERE contact_id = $contact ORDER BY time LIMIT $limit
