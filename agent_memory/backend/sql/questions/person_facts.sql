-- Every profile change of a contact, oldest first; version 0 is what a session began with.
SELECT session_id, contact_id, version, field, old::VARCHAR AS old, new::VARCHAR AS new, message, author, time
FROM facts WHERE contact_id = $contact ORDER BY split_part(session_id, ':', 2)::BIGINT, version, time LIMIT $limit
