-- Where leads come from: sessions by what led the person here, `direct` when nothing did, and what became of them.
SELECT
    coalesce(source, 'direct') AS source,
    count(*) AS sessions,
    count(qualified_at) AS qualified,
    round(count(qualified_at) / count(*), 4) AS share,
    round(avg(score), 1) AS mean_score,
    count(*) FILTER (list_contains(string_split(reached, ','), 'human_handoff')) AS handed_over
FROM sessions
WHERE started_at >= $since::TIMESTAMP AND started_at < $until::TIMESTAMP
GROUP BY source ORDER BY sessions DESC, source
