-- What needs somebody's attention. One stands per trouble: it ends by itself (resolved_at), and a person may put it aside
-- before that (dismissed_at), which keeps it from coming back while the trouble lasts.
CREATE TABLE alerts (
    id           TEXT PRIMARY KEY,
    agency_id    TEXT NOT NULL REFERENCES agencies (id),
    kind         TEXT NOT NULL,
    -- Id of what it is about: a key, a webhook endpoint.
    subject      TEXT NOT NULL,
    provider     TEXT,
    client_id    TEXT REFERENCES clients (id),
    -- Whose, what, next: for people.
    summary      TEXT NOT NULL,
    -- Agents that cannot call because of it, when it was raised.
    agent_count  BIGINT,
    raised_at    BIGINT NOT NULL,
    resolved_at  BIGINT,
    dismissed_at BIGINT,
    dismissed_by TEXT REFERENCES users (id)
);
CREATE UNIQUE INDEX alerts_standing ON alerts (agency_id, kind, subject) WHERE resolved_at IS NULL;
CREATE INDEX alerts_by_agency ON alerts (agency_id, id);

-- Where an agency wants to be told by HTTP. The signing secret is sealed like a provider key (E1).
CREATE TABLE webhook_endpoints (
    id                TEXT PRIMARY KEY,
    agency_id         TEXT NOT NULL REFERENCES agencies (id),
    url               TEXT NOT NULL,
    description       TEXT NOT NULL,
    -- As |provider_key.invalid|sync.failed|.
    events            TEXT NOT NULL,
    is_enabled        BOOLEAN NOT NULL,
    -- When Ringfence itself switched it off, and why.
    disabled_at       BIGINT,
    failures_in_a_row BIGINT NOT NULL,
    secret_version    BIGINT NOT NULL,
    cipher            TEXT NOT NULL,
    master_key_id     TEXT NOT NULL,
    wrapped_key       BYTEA NOT NULL,
    sealed            BYTEA NOT NULL,
    created_by        TEXT REFERENCES users (id),
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL
);
CREATE INDEX webhook_endpoints_by_agency ON webhook_endpoints (agency_id, id);

-- What was sent there, or is to be: one row per event and endpoint, and one more for each time it was sent again by hand.
CREATE TABLE webhook_deliveries (
    id              TEXT PRIMARY KEY,
    agency_id       TEXT NOT NULL REFERENCES agencies (id),
    endpoint_id     TEXT NOT NULL REFERENCES webhook_endpoints (id) ON DELETE CASCADE,
    -- The same for all endpoints and all attempts: receivers know a repetition by it.
    event_id        TEXT NOT NULL,
    event           TEXT NOT NULL,
    payload         TEXT NOT NULL,
    state           TEXT NOT NULL,
    attempts        BIGINT NOT NULL,
    next_attempt_at BIGINT,
    last_attempt_at BIGINT,
    status_code     BIGINT,
    duration_ms     BIGINT,
    error           TEXT,
    created_at      BIGINT NOT NULL,
    finished_at     BIGINT
);
CREATE INDEX webhook_deliveries_by_endpoint ON webhook_deliveries (endpoint_id, id);
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_at);

-- Keys whose next check has a time of its own.
CREATE INDEX provider_keys_to_check ON provider_keys (next_check_at) WHERE active_version IS NOT NULL;
