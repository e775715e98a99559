-- How many sessions reached each state, and how many ended there.
WITH walked AS MATERIALIZED (
    SELECT reached, state, reason = 'open' AS goes_on, count(*) AS sessions
    FROM sessions
    WHERE started_at >= $since::TIMESTAMP AND started_at < $until::TIMESTAMP
    GROUP BY ALL
),
seen AS (
    SELECT state, sum(sessions)::BIGINT AS reached
    FROM (SELECT unnest(string_split(reached, ',')) AS state, sessions FROM walked)
    GROUP BY state
),
ended AS (
    SELECT state, sum(sessions)::BIGINT AS ended FROM walked WHERE NOT goes_on GROUP BY state
)
SELECT state, reached, coalesce(ended, 0) AS ended, round(coalesce(ended, 0) / reached, 4) AS drop_off
FROM seen LEFT JOIN ended USING (state)
ORDER BY reached DESC, state
