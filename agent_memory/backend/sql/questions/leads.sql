-- The sessions that stand at a score or above, best first. The profile of one that goes on is not stored here: `facts` has
-- the newest value of each of its fields, as {field: [version, value]}; version 0 is what the session began with.
WITH found AS MATERIALIZED (
    FROM sessions
    WHERE score >= $score AND started_at >= $since::TIMESTAMP AND started_at < $until::TIMESTAMP
    ORDER BY score DESC, updated_at DESC LIMIT $limit
),
newest AS (
    SELECT contact_id, session_id, json_group_object(field, json_array(version, new)) AS facts
    FROM (
        FROM facts SEMI JOIN (FROM found WHERE reason = 'open') USING (contact_id, session_id)
        QUALIFY row_number() OVER (PARTITION BY contact_id, session_id, field ORDER BY version DESC) = 1
    )
    GROUP BY contact_id, session_id
)
SELECT
    contact_id, session_id, started_at, updated_at, state, round(found.score, 2) AS score, completeness, turn, reason, source,
    profile::VARCHAR AS profile, facts::VARCHAR AS facts
FROM found LEFT JOIN newest USING (contact_id, session_id)
ORDER BY found.score DESC, updated_at DESC
