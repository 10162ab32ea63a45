-- name: insert_entry
INSERT INTO entries (id, at, provider, requested_model, served_model, end_state, session, entry)
VALUES (:id, :at, :provider, :requested_model, :served_model, :end_state, :session, :entry)
ON CONFLICT (id) DO NOTHING;

-- name: update_entry
UPDATE entries
SET provider = :provider, served_model = :served_model, end_state = :end_state, session = :session, entry = :entry
WHERE id = :id;

-- name: insert_tag
INSERT INTO entry_tags (name, value, id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;

-- name: put_open_call
INSERT INTO open_calls (id, run, intent) VALUES (?, ?, ?)
ON CONFLICT (id) DO UPDATE SET run = excluded.run, intent = excluded.intent, since = excluded.since;

-- name: delete_open_call
DELETE FROM open_calls WHERE id = ?;

-- name: put_position
INSERT INTO positions (segment, byte_offset) VALUES (?, ?)
ON CONFLICT (segment) DO UPDATE SET byte_offset = excluded.byte_offset;

-- name: delete_position
DELETE FROM positions WHERE segment = ?;

-- name: insert_unreadable
INSERT INTO unreadable (segment, byte_offset, payload) VALUES (?, ?, ?) ON CONFLICT DO NOTHING;

-- name: insert_audit
INSERT INTO audits (id, input_tokens, exactness, low, high, output_tokens) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- name: put_lesson
INSERT INTO lessons (sort, key, version, state) VALUES (?, ?, ?, ?)
ON CONFLICT (sort, key) DO UPDATE SET version = excluded.version, state = excluded.state, used = excluded.used;

-- name: delete_lesson
DELETE FROM lessons WHERE sort = ? AND key = ?;

-- name: delete_old_lessons
DELETE FROM lessons WHERE version <> ?;

-- name: lessons
SELECT sort, key, state FROM lessons WHERE version = ? ORDER BY used, key;

-- name: put_label
INSERT INTO labels (id, kind, source, score, at, target, comment, checks) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id, kind, source) DO UPDATE
SET score = excluded.score, at = excluded.at, target = excluded.target, comment = excluded.comment,
    checks = excluded.checks;

-- name: labels
SELECT score, source, kind, at, target, comment, checks FROM labels WHERE id = ? ORDER BY at, kind, source;

-- name: put_taught
INSERT INTO taught (sort, key, state) VALUES (?, ?, ?)
ON CONFLICT (sort, key) DO UPDATE SET state = excluded.state, used = excluded.used;

-- name: delete_taught
DELETE FROM taught WHERE sort = ? AND key = ?;

-- name: taught
SELECT sort, key, state FROM taught ORDER BY used, key;

-- name: positions
SELECT segment, byte_offset FROM positions;

-- name: open_calls
SELECT id, run, intent FROM open_calls;

-- name: entry
SELECT entry, input_tokens, exactness, low, high, output_tokens,
    EXISTS (SELECT 1 FROM labels WHERE labels.id = entries.id)
FROM entries LEFT JOIN audits USING (id) WHERE id = :id
-- name: entries
SELECT entry, input_tokens, exactness, low, high, output_tokens,
    EXISTS (SELECT 1 FROM labels WHERE labels.id = entries.id)
FROM entries LEFT JOIN audits USING (id) WHERE true
-- Not those that a delivery record may still change; but for no longer than 0.7 s, whatever the clock does.
-- name: entries_confirmed
AND NOT EXISTS (
    SELECT 1 FROM open_calls
    WHERE open_calls.id = entries.id AND abs((julianday('now') - 2440587.5) * 86400.0 - since) < 0.7
)
-- name: entries_since
AND id >= :since
-- name: entries_before
AND id < :before
-- name: entries_provider
AND provider = :provider
-- name: entries_model
AND (served_model = :model OR requested_model = :model)
-- name: entries_end_state
AND end_state = :end_state
-- name: entries_session
AND session = :session
-- name: entries_tag_name
AND id IN (SELECT id FROM entry_tags WHERE name = :name_#)
-- name: entries_tag
AND id IN (SELECT id FROM entry_tags WHERE name = :name_# AND value = :value_#)
-- name: entries_unpriced
AND json_extract(entry, '$.unpriced')
-- name: entries_newest
ORDER BY id DESC LIMIT :limit;

-- Not those that a delivery record may still change: the ingest works on a copy of them.
-- name: entries_to_rewrite
SELECT entry FROM entries
WHERE id > :after AND (:before IS NULL OR id < :before)
  AND NOT EXISTS (SELECT 1 FROM open_calls WHERE open_calls.id = entries.id)
ORDER BY id LIMIT :limit;

-- name: rewrite_entry
UPDATE entries SET entry = :entry WHERE id = :id;

-- name: unpriced_models
SELECT provider, served_model, count(*), min(at) FROM entries
WHERE json_extract(entry, '$.unpriced') AND id >= :since
GROUP BY provider, served_model ORDER BY count(*) DESC, provider, served_model LIMIT :limit;

-- Of a call that was answered without re-routing the baseline is its cost.
-- name: session_totals
SELECT count(*), coalesce(sum(json_extract(entry, '$.unpriced')), 0),
    coalesce(sum(json_extract(entry, '$.cost_picodollars')), 0),
    coalesce(sum(coalesce(json_extract(entry, '$.baseline_picodollars'), json_extract(entry, '$.cost_picodollars'))), 0),
    coalesce(sum(json_extract(entry, '$.saved_picodollars')), 0),
    (SELECT served_model FROM entries WHERE session = :session ORDER BY id DESC LIMIT 1)
FROM entries WHERE session = :session;
