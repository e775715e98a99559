-- The sessions that stand at a score or above, best first.
SELECT
    contact_id, session_id, started_at, updated_at, state, round(score, 2) AS score, completeness, turn, reason, source,
    profile
FROM sessions
WHERE score >= $score AND started_at >= $since::TIMESTAMP AND started_at < $until::TIMESTAMP
ORDER BY score DESC, updated_at DESC LIMIT $limit
