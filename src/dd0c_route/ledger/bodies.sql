-- name: make
CREATE TABLE IF NOT EXISTS bodies (
    id TEXT NOT NULL PRIMARY KEY,  -- of the call; ids sort by time
    kept BLOB NOT NULL             -- `Bodies` as JSON
)

-- name: put
INSERT OR REPLACE INTO bodies (id, kept) VALUES (?, ?)

-- name: get
SELECT kept FROM bodies WHERE id = ?

-- name: forget
DELETE FROM bodies WHERE id = ?

-- name: forget_between
DELETE FROM bodies WHERE id IN (SELECT id FROM bodies WHERE id >= ? AND id < ? ORDER BY id LIMIT ?)
