-- The audit becomes a chain: each row holds the hash of the one before, so that a changed row breaks every later one.
-- A new table, as DuckDB 1.5 cannot replay the change of one whose columns have functions as defaults.
CREATE TABLE audit_moved AS FROM audit;
DROP TABLE audit;
CREATE TABLE audit (
    action VARCHAR NOT NULL,
    actor VARCHAR NOT NULL,
    contact_id VARCHAR,
    data JSON NOT NULL,
    time TIMESTAMP NOT NULL DEFAULT make_timestamp(epoch_us(now())),
    seq BIGINT,
    prev VARCHAR,
    hash VARCHAR
);
INSERT INTO audit (action, actor, contact_id, data, time) SELECT action, actor, contact_id, data, time FROM audit_moved;
DROP TABLE audit_moved;

-- What people asked of the business (LGPD, art. 18 and 20), one row a step; the steps of a number tell where it stands.
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
