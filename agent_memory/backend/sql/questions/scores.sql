-- How the sessions' last scores are spread, in bands of ten points.
WITH last AS (
    SELECT score FROM sessions
    WHERE score IS NOT NULL AND started_at >= $since::TIMESTAMP AND started_at < $until::TIMESTAMP
)
SELECT
    (least(floor(score / 10), 9) * 10)::BIGINT AS score_from,
    count(*) AS sessions,
    round(count(*) / sum(count(*)) OVER (), 4) AS share
FROM last GROUP BY score_from ORDER BY score_from
