-- Messages of a contact that were given up.
SELECT entry_id, "partition", contact_id, kind, error, hex(body) AS body, time
FROM dead_letters WHERE contact_id = $contact ORDER BY time LIMIT $limit
