-- Every committed turn of a contact whose record is kept, oldest first.
SELECT session_id, contact_id, started_at, version, turn, commit_id, time, sent_at, state, score, completeness, model,
    usage::VARCHAR AS usage, cost::VARCHAR AS cost, duration_ms, record::VARCHAR AS record
FROM turns WHERE contact_id = $contact AND record::VARCHAR <> 'null' ORDER BY started_at, version LIMIT $limit
