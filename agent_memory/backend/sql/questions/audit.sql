-- The audit after a place in its chain, oldest first. `contact` is a contact's id, or empty for all.
SELECT seq, prev, action, actor, contact_id, data::VARCHAR AS data, strftime(time, '%Y-%m-%dT%H:%M:%S.%f') AS stamp, hash
FROM audit WHERE seq > $after AND ($contact = '' OR contact_id = $contact) ORDER BY seq LIMIT $limit
