-- One row a call. Columns are what is filtered by; `entry` is the whole of it as JSON.
CREATE TABLE entries (
    id TEXT NOT NULL PRIMARY KEY,
    at TEXT NOT NULL,
    provider TEXT NOT NULL,
    requested_model TEXT NOT NULL,
    served_model TEXT NOT NULL,
    end_state TEXT NOT NULL,
    session TEXT,
    entry TEXT NOT NULL
) STRICT;

CREATE INDEX entries_session ON entries (session, id) WHERE session IS NOT NULL;

CREATE INDEX entries_failed ON entries (end_state, id) WHERE end_state <> 'complete';

CREATE TABLE entry_tags (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (name, value, id)
) STRICT, WITHOUT ROWID;

-- Calls that the journals still owe a settlement (intent is there) or a delivery (intent is NULL).
CREATE TABLE open_calls (
    id TEXT NOT NULL PRIMARY KEY,
    run TEXT NOT NULL,
    intent BLOB,
    since REAL NOT NULL DEFAULT ((julianday('now') - 2440587.5) * 86400.0)  -- seconds since 1970
) STRICT, WITHOUT ROWID;

-- How far each journal segment is stored: moved in the transaction that stores its records.
CREATE TABLE positions (
    segment TEXT NOT NULL PRIMARY KEY,
    byte_offset INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE unreadable (
    segment TEXT NOT NULL,
    byte_offset INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (segment, byte_offset)
) STRICT, WITHOUT ROWID;
