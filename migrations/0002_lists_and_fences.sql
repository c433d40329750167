-- Lists: the voices' index follows their order, and a number's name is searched in any letters, as an agent's is.
DROP INDEX voices_by_agency;
CREATE INDEX voices_by_agency ON voices (agency_id, engine, id);

-- Lower-cased name, empty where there is none; the next sync writes what lower() leaves as it is.
ALTER TABLE phone_numbers ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
UPDATE phone_numbers SET name_key = lower(COALESCE(name, ''));

-- Grows with each write of a run, so that a worker whose lease was lost cannot write over the one that goes on.
ALTER TABLE sync_runs ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;
