-- What our own counts say of calls whose providers reported theirs; read with the entries.
CREATE TABLE audits (
    id TEXT NOT NULL PRIMARY KEY,
    input_tokens INTEGER NOT NULL,
    exactness TEXT NOT NULL,
    low INTEGER NOT NULL,
    high INTEGER NOT NULL,
    output_tokens INTEGER
) STRICT, WITHOUT ROWID;

-- What they teach, as JSON by what it is about: only of the version that counted, since another counts otherwise.
CREATE TABLE lessons (
    sort TEXT NOT NULL,
    key TEXT NOT NULL,
    version TEXT NOT NULL,
    state TEXT NOT NULL,
    used REAL NOT NULL DEFAULT ((julianday('now') - 2440587.5) * 86400.0),  -- seconds since 1970
    PRIMARY KEY (sort, key)
) STRICT, WITHOUT ROWID;
