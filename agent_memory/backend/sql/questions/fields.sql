-- What is asked for and left empty: of the sessions with a turn, how many filled each profile field, and when.
WITH begun AS (
    SELECT contact_id, session_id FROM turns
    WHERE version = 1 AND started_at >= $since::TIMESTAMP AND started_at < $until::TIMESTAMP
),
changes AS (
    SELECT facts.session_id, field, min(version) AS first, count(*) AS changes
    FROM facts SEMI JOIN begun USING (contact_id, session_id)
    WHERE new IS NOT NULL
    GROUP BY facts.session_id, field
)
SELECT
    field,
    count(*) AS filled,
    (SELECT count(*) FROM begun) - count(*) AS empty,
    round(1 - count(*) / (SELECT count(*) FROM begun), 4) AS empty_share,
    count(*) FILTER (changes > 1) AS corrected,
    quantile_disc(first, 0.5) AS median_turn
FROM changes GROUP BY field ORDER BY empty DESC, field
