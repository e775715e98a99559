-- A contact's sessions, newest first. Not asked of the view `sessions`, and sorted after a materialized step: only so
-- are the indexes on contact_id used.
WITH closed AS MATERIALIZED (FROM archived_sessions WHERE contact_id = $contact),
own AS MATERIALIZED (SELECT * EXCLUDE (record), rowid AS place FROM turns WHERE contact_id = $contact),
open AS (
    FROM own ANTI JOIN closed USING (session_id)
    QUALIFY row_number() OVER (PARTITION BY session_id ORDER BY version DESC, place DESC) = 1
),
found AS (
    SELECT
        session_id, contact_id, started_at, version, state, turn, profile::VARCHAR AS profile, summary, score,
        completeness, created_at, updated_at, reason
    FROM closed
    UNION ALL
    SELECT
        session_id, contact_id, started_at, version, state, turn, '{}', '', score,
        completeness, started_at, time, 'open'
    FROM open
)
FROM found ORDER BY started_at DESC LIMIT $limit
