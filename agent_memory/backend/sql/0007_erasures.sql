-- Contacts that were erased: what they sent until then is left out when it comes late. The id is a keyed hash.
CREATE TABLE erasures (
    contact_id VARCHAR NOT NULL,
    at_ms BIGINT NOT NULL
);
