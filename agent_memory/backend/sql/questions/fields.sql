-- What is asked most and left empty: for each profile field in how many sessions the agent asked for it, how often, in how
-- many it was filled, and of those that were asked the share that left it empty. What a session began with is of version 0:
-- filled, in no turn.
WITH begun AS MATERIALIZED (
    SELECT contact_id, session_id FROM sessions
    WHERE started_at >= $since::TIMESTAMP AND started_at < $until::TIMESTAMP
),
questions AS (
    SELECT session_id, unnest(string_split(asked, ',')) AS field
    FROM turns
    WHERE asked IS NOT NULL AND started_at >= $since::TIMESTAMP AND started_at < $until::TIMESTAMP
),
asked AS (
    SELECT session_id, field, count(*) AS times FROM questions GROUP BY ALL
),
filled AS (
    SELECT facts.session_id, field, min(version) AS first, count(*) AS changes
    FROM facts SEMI JOIN begun USING (contact_id, session_id)
    WHERE new IS NOT NULL
    GROUP BY facts.session_id, field
)
SELECT
    field,
    count(times) AS asked_sessions,
    coalesce(sum(times), 0)::BIGINT AS asked_times,
    count(first) AS filled,
    (SELECT count(*) FROM begun) - count(first) AS empty,
    count(*) FILTER (times IS NOT NULL AND first IS NULL) AS asked_and_empty,
    round(count(*) FILTER (times IS NOT NULL AND first IS NULL) / nullif(count(times), 0), 4) AS empty_share,
    count(*) FILTER (changes > 1) AS corrected,
    quantile_disc(first, 0.5) FILTER (first > 0) AS median_turn
FROM asked FULL JOIN filled USING (session_id, field)
GROUP BY field ORDER BY asked_and_empty DESC, empty DESC, field
