-- How many rows of the audit belong to no chain.
SELECT count(*) AS unchained, (SELECT count(*) FROM audit WHERE seq IS NOT NULL) AS chained FROM audit WHERE seq IS NULL
