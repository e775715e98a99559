-- How far archiving is, for each partition, and what could not be read.
SELECT
    "partition", entry_id, entries, updated_at,
    (SELECT max(version) FROM migrations) AS schema,
    (SELECT count(*) FROM dead_letters) AS dead_letters
FROM offsets ORDER BY "partition"
