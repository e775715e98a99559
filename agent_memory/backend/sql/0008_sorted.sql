-- Rows of one contact lie together instead of being found by an index: at ten million messages the indexes were a third of
-- the file, doubled the time of writing it anew, and reading a contact's rows through them took longer. Each rewrite of
-- the file sorts these tables; `layout` tells how many rows of a table were sorted, those behind came since.
DROP INDEX archived_sessions_of;
DROP INDEX turns_of;
DROP INDEX messages_of;

CREATE TABLE layout (
    table_name VARCHAR NOT NULL,
    rows BIGINT NOT NULL
);
