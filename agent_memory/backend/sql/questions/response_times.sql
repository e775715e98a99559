-- Seconds from when the person sent the (first) message of a turn, by the channel's clock, to the reply's commit.
SELECT
    strftime(time, '%Y-%m-%d') AS day,
    count(*) AS turns,
    round(quantile_cont(epoch(time - sent_at), 0.5), 3) AS median_s,
    round(quantile_cont(epoch(time - sent_at), 0.9), 3) AS p90_s,
    round(max(epoch(time - sent_at)), 3) AS longest_s
FROM turns
WHERE sent_at IS NOT NULL AND started_at >= $since::TIMESTAMP AND started_at < $until::TIMESTAMP
GROUP BY day ORDER BY day
