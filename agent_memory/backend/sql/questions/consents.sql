-- What a contact decided about the use of their data, oldest first.
SELECT session_id, version, purpose, action, text_version, text_sha256, channel, message, data::VARCHAR AS data, time
FROM consents WHERE contact_id = $contact ORDER BY time LIMIT $limit
