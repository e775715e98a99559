-- How each session got where it is, kept up to date by the archiver in the transaction of its turns, so that the
-- questions of a business read one row a session and neither every turn nor any text.

-- A table loses its default before it is altered, and who writes fills the column in: DuckDB 1.5 cannot replay the log of
-- a table that is altered while a default calls a function. A kill before the checkpoint would leave a file for good.
ALTER TABLE offsets ALTER updated_at DROP DEFAULT;
ALTER TABLE offsets ADD COLUMN entries BIGINT;  -- of the last batch

ALTER TABLE turns ADD COLUMN source VARCHAR;    -- what led the person here, such as `ad:120210`
ALTER TABLE turns ADD COLUMN asked VARCHAR;     -- the profile fields that the reply asks for, with commas between them

ALTER TABLE archived_sessions ALTER archived_at DROP DEFAULT;
ALTER TABLE archived_sessions ADD COLUMN reached VARCHAR;         -- its states as first reached, with commas between
ALTER TABLE archived_sessions ADD COLUMN source VARCHAR;          -- the first source of its turns
ALTER TABLE archived_sessions ADD COLUMN said BIGINT;             -- messages of the person
ALTER TABLE archived_sessions ADD COLUMN qualified_at TIMESTAMP;
ALTER TABLE archived_sessions ADD COLUMN said_to_qualify BIGINT;

-- Sessions that go on, as their newest turn left them. A row moves to archived_sessions when its session is closed.
CREATE TABLE open_sessions (
    session_id VARCHAR NOT NULL,
    contact_id VARCHAR NOT NULL,
    started_at TIMESTAMP NOT NULL,
    version BIGINT NOT NULL,
    state VARCHAR NOT NULL,
    turn BIGINT NOT NULL,
    profile JSON NOT NULL,
    summary VARCHAR NOT NULL,
    score DOUBLE,
    completeness DOUBLE,
    created_at TIMESTAMP NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    reason VARCHAR NOT NULL,
    reached VARCHAR,
    source VARCHAR,
    said BIGINT,
    qualified_at TIMESTAMP,
    said_to_qualify BIGINT
);

CREATE TEMP TABLE walked AS
SELECT
    contact_id, session_id, min(started_at) AS started_at, max(version) AS version, max(turn) AS turn,
    arg_max(state, (version, rowid)) AS state, arg_max(score, (version, rowid)) AS score,
    arg_max(completeness, (version, rowid)) AS completeness, max(time) AS updated_at,
    string_agg(state, ',' ORDER BY version, rowid) AS states
FROM turns GROUP BY contact_id, session_id;

CREATE TEMP TABLE spoken AS
SELECT contact_id, session_id, count(*) AS said FROM message_history WHERE role = 'user' GROUP BY contact_id, session_id;

CREATE TEMP TABLE won AS
SELECT
    events.contact_id, events.session_id, min(events.time) AS qualified_at,
    count(history.id) FILTER (history.time <= events.time) AS said_to_qualify
FROM (SELECT contact_id, session_id, min(time) AS time FROM events WHERE kind = 'qualified' GROUP BY ALL) AS events
LEFT JOIN message_history AS history
    ON history.contact_id = events.contact_id AND history.session_id = events.session_id AND history.role = 'user'
GROUP BY events.contact_id, events.session_id;

CREATE TEMP TABLE progress AS
SELECT
    walked.*, list_aggregate(list_filter(parts, lambda one, place: list_position(parts, one) = place), 'string_agg', ',')
        AS reached,
    coalesce(said, 0) AS said, qualified_at, said_to_qualify
FROM (SELECT *, string_split(states, ',') AS parts FROM walked) AS walked
LEFT JOIN spoken USING (contact_id, session_id)
LEFT JOIN won USING (contact_id, session_id);

UPDATE archived_sessions SET
    reached = progress.reached, said = progress.said, qualified_at = progress.qualified_at,
    said_to_qualify = progress.said_to_qualify
FROM progress
WHERE progress.contact_id = archived_sessions.contact_id AND progress.session_id = archived_sessions.session_id;

INSERT INTO open_sessions BY NAME
SELECT
    session_id, contact_id, started_at, version, state, turn, '{}' AS profile, '' AS summary, score, completeness,
    started_at AS created_at, updated_at, 'open' AS reason, reached, said, qualified_at,
    said_to_qualify
FROM progress ANTI JOIN archived_sessions USING (contact_id, session_id);

DROP TABLE progress;
DROP TABLE won;
DROP TABLE spoken;
DROP TABLE walked;

CREATE OR REPLACE VIEW sessions AS
SELECT * EXCLUDE (archived_at) FROM archived_sessions UNION ALL FROM open_sessions;
