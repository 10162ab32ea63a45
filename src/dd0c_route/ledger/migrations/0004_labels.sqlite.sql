-- How good answers were, in the words of each source; read with the entries. The last word of a source counts.
CREATE TABLE labels (
    id TEXT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    score REAL NOT NULL,
    at TEXT NOT NULL,
    target TEXT,
    comment TEXT,
    checks TEXT,  -- JSON: name of the check, whether it was passed
    PRIMARY KEY (id, kind, source)
) STRICT, WITHOUT ROWID;

-- What they teach, as JSON by what it is about: kept from version to version, since it is about models, not about us.
CREATE TABLE taught (
    sort TEXT NOT NULL,
    key TEXT NOT NULL,
    state TEXT NOT NULL,
    used REAL NOT NULL DEFAULT ((julianday('now') - 2440587.5) * 86400.0),  -- seconds since 1970
    PRIMARY KEY (sort, key)
) STRICT, WITHOUT ROWID;
