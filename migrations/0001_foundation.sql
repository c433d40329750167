-- One text for SQLite and PostgreSQL. Times are Unix milliseconds, ids are UUID v7 text made in Rust, JSON is TEXT.

-- Facts of the installation: one row each, read at start.
CREATE TABLE instance_facts (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Rows sealed by the master key itself: the canary (E4), the fingerprint key and the audit key (E3).
CREATE TABLE vault_rows (
    name          TEXT PRIMARY KEY,
    cipher        TEXT NOT NULL,
    master_key_id TEXT NOT NULL,
    wrapped_key   BYTEA NOT NULL,
    sealed        BYTEA NOT NULL,
    created_at    BIGINT NOT NULL
);

CREATE TABLE agencies (
    id             TEXT PRIMARY KEY,
    slug           TEXT NOT NULL UNIQUE,
    name           TEXT NOT NULL,
    plan           TEXT NOT NULL,
    voice_provider TEXT,
    created_at     BIGINT NOT NULL
);

CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    email         TEXT NOT NULL,
    email_key     TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    suspended_at  BIGINT,
    created_at    BIGINT NOT NULL
);

CREATE TABLE memberships (
    agency_id  TEXT NOT NULL REFERENCES agencies (id),
    user_id    TEXT NOT NULL REFERENCES users (id),
    role       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (agency_id, user_id)
);
CREATE INDEX memberships_by_user ON memberships (user_id, agency_id);

CREATE TABLE sessions (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES users (id),
    user_agent   TEXT,
    created_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id, created_at);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- The set-up page's single-use tokens (only their hashes).
CREATE TABLE set_up_tokens (
    token_hash BYTEA PRIMARY KEY,
    expires_at BIGINT NOT NULL
);

-- What a key opens at a provider. remote_id is unknown (NULL) until an answer names it.
CREATE TABLE provider_accounts (
    id         TEXT PRIMARY KEY,
    agency_id  TEXT NOT NULL REFERENCES agencies (id),
    provider   TEXT NOT NULL,
    remote_id  TEXT,
    name       TEXT,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX provider_accounts_by_remote ON provider_accounts (agency_id, provider, remote_id) WHERE remote_id IS NOT NULL;

-- One row per scope and provider; its versions hold the sealed keys.
CREATE TABLE provider_keys (
    id              TEXT PRIMARY KEY,
    agency_id       TEXT NOT NULL REFERENCES agencies (id),
    scope_kind      TEXT NOT NULL,
    scope_id        TEXT NOT NULL,
    provider        TEXT NOT NULL,
    -- The version in use; NULL when the key is cleared.
    active_version  BIGINT,
    last_version    BIGINT NOT NULL,
    health          TEXT NOT NULL,
    health_message  TEXT,
    checked_at      BIGINT,
    created_at      BIGINT NOT NULL,
    UNIQUE (agency_id, scope_kind, scope_id, provider)
);

CREATE TABLE provider_key_versions (
    key_id        TEXT NOT NULL REFERENCES provider_keys (id),
    version       BIGINT NOT NULL,
    agency_id     TEXT NOT NULL REFERENCES agencies (id),
    account_id    TEXT NOT NULL REFERENCES provider_accounts (id),
    region        TEXT NOT NULL,
    capabilities  TEXT NOT NULL,
    last_four     TEXT NOT NULL,
    fingerprint   BYTEA NOT NULL,
    cipher        TEXT NOT NULL,
    master_key_id TEXT NOT NULL,
    -- Both NULL once the version is shredded.
    wrapped_key   BYTEA,
    sealed        BYTEA,
    saved_by      TEXT REFERENCES users (id),
    saved_at      BIGINT NOT NULL,
    retired_at    BIGINT,
    shred_after   BIGINT,
    PRIMARY KEY (key_id, version)
);
CREATE INDEX provider_key_versions_by_account ON provider_key_versions (account_id, key_id, version);
CREATE INDEX provider_key_versions_to_shred ON provider_key_versions (shred_after) WHERE sealed IS NOT NULL;

CREATE TABLE agents (
    id              TEXT PRIMARY KEY,
    agency_id       TEXT NOT NULL REFERENCES agencies (id),
    provider        TEXT NOT NULL,
    name            TEXT NOT NULL,
    -- Lower-cased name, for sorting and search.
    name_key        TEXT NOT NULL,
    status          TEXT NOT NULL,
    -- The portable definition, JSON.
    definition      TEXT NOT NULL,
    definition_hash TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL
);
CREATE INDEX agents_by_name ON agents (agency_id, name_key, id);
CREATE INDEX agents_by_status ON agents (agency_id, status, id);
CREATE INDEX agents_by_created ON agents (agency_id, created_at, id);
CREATE INDEX agents_by_updated ON agents (agency_id, updated_at, id);

-- Where an agent lives at a provider: at most one placement per account.
CREATE TABLE placements (
    id                TEXT PRIMARY KEY,
    agency_id         TEXT NOT NULL REFERENCES agencies (id),
    agent_id          TEXT NOT NULL REFERENCES agents (id),
    account_id        TEXT NOT NULL REFERENCES provider_accounts (id),
    provider          TEXT NOT NULL,
    remote_id         TEXT NOT NULL,
    status            TEXT NOT NULL,
    inactive_reason   TEXT,
    voice_engine      TEXT,
    voice_id          TEXT,
    remote_updated_at BIGINT,
    last_seen_at      BIGINT NOT NULL,
    last_seen_run     TEXT NOT NULL,
    UNIQUE (account_id, remote_id),
    UNIQUE (agent_id, account_id)
);
CREATE INDEX placements_by_agency ON placements (agency_id, agent_id);
CREATE INDEX placements_by_voice ON placements (account_id, voice_engine, voice_id);
CREATE INDEX placements_unseen ON placements (account_id, status, last_seen_run, id);

CREATE TABLE phone_numbers (
    id                TEXT PRIMARY KEY,
    agency_id         TEXT NOT NULL REFERENCES agencies (id),
    account_id        TEXT NOT NULL REFERENCES provider_accounts (id),
    provider          TEXT NOT NULL,
    remote_id         TEXT NOT NULL,
    number            TEXT,
    sip_uri           TEXT,
    name              TEXT,
    -- What the list sorts by: the number, else the SIP address, else the remote id.
    sort_key          TEXT NOT NULL,
    carrier           TEXT NOT NULL,
    status            TEXT NOT NULL,
    agent_remote_id   TEXT,
    -- Whether the provider answers it by itself: an agent, a squad or a workflow is attached.
    is_answering      BOOLEAN NOT NULL,
    created_at        BIGINT NOT NULL,
    last_seen_at      BIGINT NOT NULL,
    last_seen_run     TEXT NOT NULL,
    UNIQUE (account_id, remote_id)
);
CREATE INDEX phone_numbers_by_number ON phone_numbers (agency_id, sort_key, id);
CREATE INDEX phone_numbers_by_created ON phone_numbers (agency_id, created_at, id);
CREATE INDEX phone_numbers_by_agent ON phone_numbers (account_id, agent_remote_id);

CREATE TABLE voices (
    id            TEXT PRIMARY KEY,
    agency_id     TEXT NOT NULL REFERENCES agencies (id),
    account_id    TEXT NOT NULL REFERENCES provider_accounts (id),
    provider      TEXT NOT NULL,
    engine        TEXT NOT NULL,
    voice_id      TEXT NOT NULL,
    name          TEXT,
    agent_count   BIGINT NOT NULL,
    last_seen_run TEXT NOT NULL,
    UNIQUE (account_id, engine, voice_id)
);
CREATE INDEX voices_by_agency ON voices (agency_id, engine, voice_id, id);

CREATE TABLE sync_runs (
    id                    TEXT PRIMARY KEY,
    agency_id             TEXT NOT NULL REFERENCES agencies (id),
    key_id                TEXT NOT NULL REFERENCES provider_keys (id),
    key_version           BIGINT NOT NULL,
    account_id            TEXT NOT NULL REFERENCES provider_accounts (id),
    provider              TEXT NOT NULL,
    trigger_kind          TEXT NOT NULL,
    state                 TEXT NOT NULL,
    phase                 TEXT,
    -- Where paging stands in this phase; a restart goes on from here.
    page_cursor           TEXT,
    -- FALSE once any page of the agents was partial: then nothing is marked.
    is_list_complete      BOOLEAN NOT NULL,
    removal_decision      TEXT,
    done                  BIGINT NOT NULL,
    total                 BIGINT,
    agent_count           BIGINT NOT NULL,
    phone_number_count    BIGINT NOT NULL,
    voice_count           BIGINT NOT NULL,
    added_count           BIGINT NOT NULL,
    changed_count         BIGINT NOT NULL,
    gone_count            BIGINT NOT NULL,
    returned_count        BIGINT NOT NULL,
    pending_removal_count BIGINT NOT NULL,
    failures_in_a_row     BIGINT NOT NULL,
    waiting_until         BIGINT,
    waiting_reason        TEXT,
    error_code            TEXT,
    error_message         TEXT,
    requested_by          TEXT REFERENCES users (id),
    created_at            BIGINT NOT NULL,
    started_at            BIGINT,
    finished_at           BIGINT
);
CREATE INDEX sync_runs_by_agency ON sync_runs (agency_id, created_at, id);
CREATE INDEX sync_runs_by_key ON sync_runs (key_id, created_at);
-- One sync per provider account at a time (S6).
CREATE UNIQUE INDEX sync_runs_active ON sync_runs (account_id) WHERE state IN ('queued', 'running', 'waiting', 'needs_confirmation');

CREATE TABLE jobs (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    payload     TEXT NOT NULL,
    dedup_key   TEXT NOT NULL,
    state       TEXT NOT NULL,
    run_at      BIGINT NOT NULL,
    attempts    BIGINT NOT NULL,
    locked_by   TEXT,
    lock_until  BIGINT,
    last_error  TEXT,
    created_at  BIGINT NOT NULL,
    finished_at BIGINT
);
CREATE UNIQUE INDEX jobs_live ON jobs (dedup_key) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_due ON jobs (state, run_at);

-- Append-only and chained (E7): mac covers the entry and the mac before it.
CREATE TABLE audit_entries (
    sequence  BIGINT PRIMARY KEY,
    agency_id TEXT,
    at        BIGINT NOT NULL,
    actor_id  TEXT,
    actor     TEXT NOT NULL,
    action    TEXT NOT NULL,
    subject   TEXT NOT NULL,
    provider  TEXT,
    summary   TEXT NOT NULL,
    mac       BYTEA NOT NULL
);
CREATE INDEX audit_entries_by_agency ON audit_entries (agency_id, sequence);
-- The newest entry; locked while one is appended, and what a cut-off chain is measured against.
CREATE TABLE audit_head (
    id       BIGINT PRIMARY KEY,
    sequence BIGINT NOT NULL,
    mac      BYTEA NOT NULL
);
