-- The platform's own API keys (A1): only their hashes. Every row is one secret; keys of one name in an agency share a
-- lineage, and with it what is counted against their limits.
CREATE TABLE api_keys (
    id              TEXT PRIMARY KEY,
    agency_id       TEXT NOT NULL REFERENCES agencies (id),
    lineage_id      TEXT NOT NULL,
    name            TEXT NOT NULL,
    -- Lower-cased name, by which one is known again.
    name_key        TEXT NOT NULL,
    -- The last four characters.
    hint            TEXT NOT NULL,
    -- SHA-256 of the whole key.
    key_hash        BYTEA NOT NULL UNIQUE,
    -- As |read|calls:trigger|.
    scopes          TEXT NOT NULL,
    created_by      TEXT NOT NULL REFERENCES users (id),
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT,
    -- Set when it was rotated with an overlap: until then it works beside the one in its place.
    ends_at         BIGINT,
    revoked_at      BIGINT,
    -- replaced, revoked or exposed.
    revoked_because TEXT,
    last_used_at    BIGINT
);
CREATE INDEX api_keys_by_name ON api_keys (agency_id, name_key, created_at);
CREATE INDEX api_keys_by_lineage ON api_keys (agency_id, lineage_id, id);
-- One in use per name; those that overlap with it have an end.
CREATE UNIQUE INDEX api_keys_in_use ON api_keys (agency_id, name_key) WHERE revoked_at IS NULL AND ends_at IS NULL;

-- What a key was used for, by UTC day.
CREATE TABLE api_key_days (
    api_key_id    TEXT NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    -- The day's first millisecond.
    day           BIGINT NOT NULL,
    agency_id     TEXT NOT NULL REFERENCES agencies (id),
    request_count BIGINT NOT NULL,
    error_count   BIGINT NOT NULL,
    PRIMARY KEY (api_key_id, day)
);

-- Switched off, the keys stay and are answered 403 (A7).
ALTER TABLE agencies ADD COLUMN is_api_on BOOLEAN NOT NULL DEFAULT TRUE;
