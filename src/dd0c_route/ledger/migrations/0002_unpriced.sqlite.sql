-- Calls without a price are looked for by the console and by `doctor`, and there should be none.
CREATE INDEX entries_unpriced ON entries (id, provider, served_model) WHERE json_extract(entry, '$.unpriced');
