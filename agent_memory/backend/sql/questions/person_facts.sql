-- Every profile change of a contact, oldest first.
SELECT session_id, contact_id, version, field, old::VARCHAR AS old, new::VARCHAR AS new, message, author, time
FROM facts WHERE contact_id = $contact ORDER BY time LIMIT $limit
