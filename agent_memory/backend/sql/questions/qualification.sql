-- How many sessions qualified, and what it took: minutes since the session began, and messages that the person sent.
SELECT
    count(*) AS sessions,
    count(qualified_at) AS qualified,
    round(count(qualified_at) / nullif(count(*), 0), 4) AS share,
    round(quantile_cont(epoch(qualified_at - started_at) / 60, 0.5), 2) AS median_minutes,
    round(quantile_cont(epoch(qualified_at - started_at) / 60, 0.9), 2) AS p90_minutes,
    quantile_cont(said_to_qualify, 0.5) AS median_messages,
    quantile_cont(said_to_qualify, 0.9) AS p90_messages
FROM sessions
WHERE started_at >= $since::TIMESTAMP AND started_at < $until::TIMESTAMP
