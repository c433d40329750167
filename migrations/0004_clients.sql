-- An agency's customers. An archived one keeps everything and calls nothing.
CREATE TABLE clients (
    id          TEXT PRIMARY KEY,
    agency_id   TEXT NOT NULL REFERENCES agencies (id),
    name        TEXT NOT NULL,
    -- Lower-cased name, for sorting and search.
    name_key    TEXT NOT NULL,
    archived_at BIGINT,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL
);
CREATE INDEX clients_by_name ON clients (agency_id, name_key, id);
-- Two clients that people call the same would be mistaken for each other where a key is saved.
CREATE UNIQUE INDEX clients_in_use ON clients (agency_id, name_key) WHERE archived_at IS NULL;

-- Whom an agent works for; NULL: the agency itself.
ALTER TABLE agents ADD COLUMN client_id TEXT REFERENCES clients (id);
CREATE INDEX agents_by_client ON agents (agency_id, client_id, name_key, id);

-- The breaker (R8): `closed` or `open`, and how many definite rejections came in a row.
ALTER TABLE provider_keys ADD COLUMN breaker TEXT NOT NULL DEFAULT 'closed';
ALTER TABLE provider_keys ADD COLUMN rejections_in_a_row BIGINT NOT NULL DEFAULT 0;
ALTER TABLE provider_keys ADD COLUMN breaker_opened_at BIGINT;
-- When a check of the key is due; NULL: as the schedule has it.
ALTER TABLE provider_keys ADD COLUMN next_check_at BIGINT;
CREATE INDEX provider_keys_by_scope ON provider_keys (scope_kind, scope_id, provider);
-- The same key in two scopes (K11).
CREATE INDEX provider_key_versions_by_fingerprint ON provider_key_versions (agency_id, fingerprint);

-- Who still needs a version of a key, such as a call that began on it: it is not shredded meanwhile (K10).
CREATE TABLE provider_key_holds (
    key_id    TEXT NOT NULL,
    version   BIGINT NOT NULL,
    holder    TEXT NOT NULL,
    agency_id TEXT NOT NULL REFERENCES agencies (id),
    held_at   BIGINT NOT NULL,
    PRIMARY KEY (key_id, version, holder),
    FOREIGN KEY (key_id, version) REFERENCES provider_key_versions (key_id, version)
);
