-- How many sessions reached each state, and how many ended there. One bit a state and one group a session, keyed by a
-- 64-bit hash: a third of the work of counting distinct session ids.
WITH states AS MATERIALIZED (
    SELECT list(DISTINCT state ORDER BY state) AS names FROM turns
),
seen AS (
    SELECT bit_or(1::BIGINT << list_position((SELECT names FROM states), state)) AS bits
    FROM turns
    WHERE started_at >= $since::TIMESTAMP AND started_at < $until::TIMESTAMP
    GROUP BY hash(session_id)
),
sets AS MATERIALIZED (
    SELECT bits, count(*) AS sessions FROM seen GROUP BY bits
),
reached AS (
    SELECT name AS state, sum(sessions)::BIGINT AS reached
    FROM (SELECT unnest(names) AS name, generate_subscripts(names, 1) AS place FROM states)
    JOIN sets ON (bits >> place::INTEGER) & 1 = 1
    GROUP BY name
),
ended AS (
    SELECT state, count(*) AS ended FROM archived_sessions
    WHERE started_at >= $since::TIMESTAMP AND started_at < $until::TIMESTAMP
    GROUP BY state
)
SELECT state, reached, coalesce(ended, 0) AS ended, round(coalesce(ended, 0) / reached, 4) AS drop_off
FROM reached LEFT JOIN ended USING (state)
ORDER BY reached DESC, state
