-- The audit becomes a chain: each row holds the hash of the one before, so that a changed row breaks every later one.
ALTER TABLE audit ADD COLUMN seq BIGINT;
ALTER TABLE audit ADD COLUMN prev VARCHAR;
ALTER TABLE audit ADD COLUMN hash VARCHAR;

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
