-- The tables of the history in a lake: the same names and columns as the file's newest schema. A lake has neither
-- indexes nor default expressions, so who writes fills every column in.

CREATE TABLE archived_sessions (
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
    archived_at TIMESTAMP NOT NULL,
    reached VARCHAR,
    source VARCHAR,
    said BIGINT,
    qualified_at TIMESTAMP,
    said_to_qualify BIGINT
);

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

CREATE TABLE turns (
    session_id VARCHAR NOT NULL,
    contact_id VARCHAR NOT NULL,
    started_at TIMESTAMP NOT NULL,
    version BIGINT NOT NULL,
    turn BIGINT NOT NULL,
    commit_id VARCHAR NOT NULL,
    time TIMESTAMP NOT NULL,
    sent_at TIMESTAMP,
    state VARCHAR NOT NULL,
    score DOUBLE,
    completeness DOUBLE,
    model VARCHAR,
    usage JSON NOT NULL,
    cost DECIMAL(18, 9),
    duration_ms BIGINT,
    record JSON NOT NULL,
    source VARCHAR,
    asked VARCHAR
);

CREATE TABLE message_history (
    id VARCHAR NOT NULL,
    session_id VARCHAR NOT NULL,
    contact_id VARCHAR NOT NULL,
    role VARCHAR NOT NULL,
    content VARCHAR NOT NULL,
    time TIMESTAMP NOT NULL
);

CREATE TABLE facts (
    session_id VARCHAR NOT NULL,
    contact_id VARCHAR NOT NULL,
    version BIGINT NOT NULL,
    field VARCHAR NOT NULL,
    old JSON,
    new JSON,
    message VARCHAR,
    author VARCHAR NOT NULL,
    time TIMESTAMP NOT NULL
);

CREATE TABLE events (
    session_id VARCHAR NOT NULL,
    contact_id VARCHAR NOT NULL,
    version BIGINT NOT NULL,
    kind VARCHAR NOT NULL,
    message VARCHAR,
    data JSON NOT NULL,
    time TIMESTAMP NOT NULL
);

CREATE TABLE dead_letters (
    entry_id VARCHAR NOT NULL,
    "partition" BIGINT NOT NULL,
    contact_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    error VARCHAR NOT NULL,
    body BLOB NOT NULL,
    time TIMESTAMP NOT NULL
);

CREATE TABLE deliveries (
    contact_id VARCHAR NOT NULL,
    session_id VARCHAR NOT NULL,
    version BIGINT NOT NULL,
    kind VARCHAR NOT NULL,
    time TIMESTAMP NOT NULL
);

CREATE TABLE audit (
    action VARCHAR NOT NULL,
    actor VARCHAR NOT NULL,
    contact_id VARCHAR,
    data JSON NOT NULL,
    time TIMESTAMP NOT NULL,
    seq BIGINT,
    prev VARCHAR,
    hash VARCHAR
);

CREATE TABLE requests (
    number BIGINT NOT NULL,
    contact_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    step VARCHAR NOT NULL,
    actor VARCHAR NOT NULL,
    message VARCHAR,
    due TIMESTAMP NOT NULL,
    time TIMESTAMP NOT NULL
);

CREATE TABLE erasures (
    contact_id VARCHAR NOT NULL,
    at_ms BIGINT NOT NULL
);

CREATE TABLE offsets (
    "partition" BIGINT NOT NULL,
    entry_id VARCHAR NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    entries BIGINT
);

CREATE VIEW sessions AS
SELECT * EXCLUDE (archived_at) FROM archived_sessions UNION ALL FROM open_sessions;

CREATE VIEW consents AS
SELECT
    contact_id, session_id, version,
    coalesce(data ->> 'purpose', 'service') AS purpose,
    coalesce(data ->> 'action', CASE WHEN (data ->> 'given')::BOOLEAN THEN 'given' ELSE 'refused' END) AS action,
    (data ->> 'given')::BOOLEAN AS given,
    data ->> 'version' AS text_version,
    data ->> 'sha256' AS text_sha256,
    data ->> 'channel' AS channel,
    message, data, time
FROM events WHERE kind = 'consent';
