-- Creating the placements that agents lack in an account (R5): one run per request, one row per agent.
CREATE TABLE placement_runs (
    id                TEXT PRIMARY KEY,
    agency_id         TEXT NOT NULL REFERENCES agencies (id),
    -- Whose key it is; NULL: the agency's own.
    client_id         TEXT REFERENCES clients (id),
    key_id            TEXT NOT NULL REFERENCES provider_keys (id),
    key_version       BIGINT NOT NULL,
    account_id        TEXT NOT NULL REFERENCES provider_accounts (id),
    provider          TEXT NOT NULL,
    state             TEXT NOT NULL,
    total             BIGINT NOT NULL,
    created_count     BIGINT NOT NULL DEFAULT 0,
    failed_count      BIGINT NOT NULL DEFAULT 0,
    skipped_count     BIGINT NOT NULL DEFAULT 0,
    unconfirmed_count BIGINT NOT NULL DEFAULT 0,
    failures_in_a_row BIGINT NOT NULL DEFAULT 0,
    waiting_until     BIGINT,
    waiting_reason    TEXT,
    error_code        TEXT,
    error_message     TEXT,
    requested_by      TEXT REFERENCES users (id),
    created_at        BIGINT NOT NULL,
    started_at        BIGINT,
    finished_at       BIGINT,
    -- Grows with each write, so that a worker whose lease was lost cannot write over the one that goes on.
    revision          BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX placement_runs_by_agency ON placement_runs (agency_id, created_at, id);
-- One at a time per account: two would make the same agents.
CREATE UNIQUE INDEX placement_runs_active ON placement_runs (account_id) WHERE state IN ('queued', 'running', 'waiting');

CREATE TABLE placement_items (
    id            TEXT PRIMARY KEY,
    run_id        TEXT NOT NULL REFERENCES placement_runs (id),
    agency_id     TEXT NOT NULL REFERENCES agencies (id),
    agent_id      TEXT NOT NULL REFERENCES agents (id),
    account_id    TEXT NOT NULL REFERENCES provider_accounts (id),
    -- What it is called at the provider; a list that tells nothing else of an agent tells its name.
    name          TEXT NOT NULL,
    state         TEXT NOT NULL,
    -- What is written into the agent at the provider, so that it is found when no answer came.
    marker        TEXT NOT NULL,
    -- An attempt before this one was never confirmed: it is looked for before it is made.
    is_look_first BOOLEAN NOT NULL,
    attempts      BIGINT NOT NULL DEFAULT 0,
    -- When the provider was asked, or is about to be.
    intended_at   BIGINT,
    remote_id     TEXT,
    error_code    TEXT,
    message       TEXT,
    finished_at   BIGINT,
    UNIQUE (run_id, agent_id)
);
CREATE INDEX placement_items_by_state ON placement_items (run_id, state, id);
CREATE INDEX placement_items_by_marker ON placement_items (account_id, marker);
CREATE INDEX placement_items_by_agent ON placement_items (agent_id, account_id);
CREATE INDEX placement_items_in_the_making ON placement_items (account_id) WHERE state = 'creating';

-- Of a placement that Ringfence made: the hash of what was placed. Its account's sync compares with that, and never writes
-- over the agent's definition with what the provider could not express.
ALTER TABLE placements ADD COLUMN placed_hash TEXT;
