-- What each sync found to be different (S8): one row for each agent or number that a run added, changed, missed or saw
-- again.
CREATE TABLE sync_changes (
    run_id     TEXT NOT NULL REFERENCES sync_runs (id),
    agency_id  TEXT NOT NULL REFERENCES agencies (id),
    subject    TEXT NOT NULL,
    subject_id TEXT NOT NULL,
    kind       TEXT NOT NULL,
    -- What it was called when the run saw it.
    name       TEXT NOT NULL,
    name_key   TEXT NOT NULL,
    -- With `changed`: which fields, as |name|prompt|.
    fields     TEXT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (run_id, subject_id)
);
CREATE INDEX sync_changes_by_name ON sync_changes (run_id, name_key, subject_id);

-- Where a list tells only a part of each agent: whether the rest has still to be read, one by one.
ALTER TABLE placements ADD COLUMN is_detail_due BOOLEAN NOT NULL DEFAULT FALSE;
-- When it was last read; the first reading is no change of the agent.
ALTER TABLE placements ADD COLUMN details_read_at BIGINT;
-- The object at the provider that holds a part of the definition and changes by itself.
ALTER TABLE placements ADD COLUMN engine_id TEXT;
ALTER TABLE placements ADD COLUMN engine_revision TEXT;
CREATE INDEX placements_with_details_due ON placements (account_id, id) WHERE is_detail_due;
CREATE INDEX placements_by_engine ON placements (account_id, engine_id) WHERE engine_id IS NOT NULL;

-- Agents whose details could not be read.
ALTER TABLE sync_runs ADD COLUMN unread_detail_count BIGINT NOT NULL DEFAULT 0;
