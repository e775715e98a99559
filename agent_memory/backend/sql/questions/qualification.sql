-- How many sessions qualified, and what it took: minutes since the session began, and messages that the person sent.
WITH begun AS (
    SELECT count(DISTINCT session_id) AS sessions FROM turns
    WHERE version = 1 AND started_at >= $since::TIMESTAMP AND started_at < $until::TIMESTAMP
),
qualified AS (
    SELECT turns.session_id, turns.contact_id, turns.started_at, events.time, turns.version
    FROM events JOIN turns USING (contact_id, session_id, version)
    WHERE events.kind = 'qualified' AND started_at >= $since::TIMESTAMP AND started_at < $until::TIMESTAMP
),
said AS (
    SELECT qualified.session_id, count(*) AS messages
    FROM qualified JOIN message_history AS history USING (contact_id, session_id)
    WHERE history.role = 'user' AND history.time <= qualified.time
    GROUP BY qualified.session_id
)
SELECT
    any_value(begun.sessions) AS sessions,
    count(qualified.session_id) AS qualified,
    round(count(qualified.session_id) / nullif(any_value(begun.sessions), 0), 4) AS share,
    round(quantile_cont(epoch(qualified.time - qualified.started_at) / 60, 0.5), 2) AS median_minutes,
    round(quantile_cont(epoch(qualified.time - qualified.started_at) / 60, 0.9), 2) AS p90_minutes,
    quantile_cont(said.messages, 0.5) AS median_messages,
    quantile_cont(said.messages, 0.9) AS p90_messages
FROM begun LEFT JOIN qualified ON true LEFT JOIN said USING (session_id)
