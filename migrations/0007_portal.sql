-- People of a client: a membership with the role `portal` names the client, and says which rooms it opens, as
-- |view_agents|manage_integrations|.
ALTER TABLE memberships ADD COLUMN client_id TEXT REFERENCES clients (id);
ALTER TABLE memberships ADD COLUMN portal_permissions TEXT NOT NULL DEFAULT '';
CREATE INDEX memberships_by_client ON memberships (agency_id, client_id, user_id);
-- Whether the agency lets its clients' people hand in keys (P4).
ALTER TABLE agencies ADD COLUMN allows_hand_ins BOOLEAN NOT NULL DEFAULT TRUE;

-- Links with which a client's person chooses a password and logs in, once (only their hashes).
CREATE TABLE log_in_links (
    token_hash BYTEA PRIMARY KEY,
    agency_id  TEXT NOT NULL REFERENCES agencies (id),
    user_id    TEXT NOT NULL REFERENCES users (id),
    expires_at BIGINT NOT NULL
);
CREATE INDEX log_in_links_by_user ON log_in_links (user_id);

-- Keys that a client's person handed in and that wait for an admin (P4). The key is sealed like a stored one.
CREATE TABLE key_hand_ins (
    id            TEXT PRIMARY KEY,
    agency_id     TEXT NOT NULL REFERENCES agencies (id),
    client_id     TEXT NOT NULL REFERENCES clients (id),
    provider      TEXT NOT NULL,
    region        TEXT NOT NULL,
    health        TEXT NOT NULL,
    last_four     TEXT NOT NULL,
    -- What the key opens, as far as its check told.
    account_name  TEXT,
    cipher        TEXT NOT NULL,
    master_key_id TEXT NOT NULL,
    -- Both NULL once it is decided.
    wrapped_key   BYTEA,
    sealed        BYTEA,
    -- waiting, accepted, declined, or replaced by a later hand-in.
    state         TEXT NOT NULL,
    handed_in_by  TEXT NOT NULL REFERENCES users (id),
    handed_in_at  BIGINT NOT NULL,
    decided_by    TEXT REFERENCES users (id),
    decided_at    BIGINT
);
CREATE UNIQUE INDEX key_hand_ins_waiting ON key_hand_ins (agency_id, client_id, provider) WHERE state = 'waiting';
CREATE INDEX key_hand_ins_by_agency ON key_hand_ins (agency_id, handed_in_at, id);
