-- The events that somebody outside was told about, such as hand-overs. An event is (session_id, version, kind).
CREATE TABLE deliveries (
    contact_id VARCHAR NOT NULL,
    session_id VARCHAR NOT NULL,
    version BIGINT NOT NULL,
    kind VARCHAR NOT NULL,
    time TIMESTAMP NOT NULL DEFAULT make_timestamp(epoch_us(now()))
);
