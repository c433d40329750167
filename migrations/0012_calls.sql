-- Calls (C4): a row is committed, with its route and its lease, before the provider is asked. Imported ones (C6) have the key
-- that listed them.
CREATE TABLE calls (
    id              TEXT PRIMARY KEY,
    agency_id       TEXT NOT NULL REFERENCES agencies (id),
    client_id       TEXT REFERENCES clients (id),
    -- NULL: an agent that is not known here.
    agent_id        TEXT REFERENCES agents (id),
    provider        TEXT NOT NULL,
    account_id      TEXT NOT NULL REFERENCES provider_accounts (id),
    -- The key and the version of it that the call began with, and ends with (R4).
    key_id          TEXT NOT NULL REFERENCES provider_keys (id),
    key_version     BIGINT NOT NULL,
    -- Whose key: `client` or `agency`. Its account pays.
    payer           TEXT NOT NULL,
    -- `api`, `app`, `test` or `imported`.
    origin          TEXT NOT NULL,
    direction       TEXT NOT NULL,
    requested_by    TEXT REFERENCES users (id),
    -- The platform API key that asked, and what its concurrent calls are counted by.
    api_key_id      TEXT,
    -- The provider's id; NULL until it has told one.
    remote_id       TEXT,
    to_number       TEXT,
    from_number     TEXT,
    phone_number_id TEXT REFERENCES phone_numbers (id),
    state           TEXT NOT NULL,
    provider_status TEXT NOT NULL DEFAULT '',
    -- The provider's own words, scrubbed (K13).
    ended_reason    TEXT,
    end_cause       TEXT,
    -- Why it was not placed.
    error_code      TEXT,
    error_message   TEXT,
    -- The route as it was resolved (R6), JSON.
    route           TEXT NOT NULL,
    cost_micros     BIGINT,
    cost_currency   TEXT,
    duration_ms     BIGINT,
    created_at      BIGINT NOT NULL,
    updated_at      BIGINT NOT NULL,
    started_at      BIGINT,
    ended_at        BIGINT,
    -- Who may not place too many at once (A6), and until when this one counts at the latest; NULL: it counts no more.
    lease_holder    TEXT,
    lease_until     BIGINT,
    -- When the provider is asked about it, unless a webhook tells before; NULL: not any more.
    look_at         BIGINT,
    look_count      BIGINT NOT NULL DEFAULT 0,
    -- Grows with each write, so that two who report at once do not write over each other.
    revision        BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX calls_by_agency ON calls (agency_id, created_at, id);
CREATE INDEX calls_by_client ON calls (agency_id, client_id, created_at, id);
CREATE INDEX calls_by_agent ON calls (agent_id, created_at);
CREATE INDEX calls_by_change ON calls (agency_id, updated_at);
CREATE UNIQUE INDEX calls_by_remote ON calls (account_id, remote_id);
-- An account may have two rows here while nothing proves that they are one; its calls are imported once all the same.
CREATE INDEX calls_by_remote_id ON calls (agency_id, remote_id);
CREATE INDEX calls_to_look_at ON calls (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX calls_live ON calls (key_id) WHERE ended_at IS NULL;
CREATE INDEX calls_under_way ON calls (agency_id, lease_holder, lease_until) WHERE lease_until IS NOT NULL;

-- What a provider's webhooks told: each event counts once, however often it is delivered (C5).
CREATE TABLE call_events (
    account_id  TEXT NOT NULL REFERENCES provider_accounts (id),
    dedupe_key  TEXT NOT NULL,
    agency_id   TEXT NOT NULL REFERENCES agencies (id),
    event       TEXT NOT NULL,
    at          BIGINT,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, dedupe_key)
);
CREATE INDEX call_events_by_time ON call_events (received_at);

-- How far an account's list of calls was walked (C6), and when its webhooks last told of one (C5); made when either first happens.
CREATE TABLE call_imports (
    account_id      TEXT PRIMARY KEY REFERENCES provider_accounts (id),
    agency_id       TEXT NOT NULL REFERENCES agencies (id),
    -- Every call made before has been listed; NULL: no walk has come to its end.
    watermark       BIGINT,
    -- The walk under way: since when it lists, when it began, where it stands, and whether it has seen all so far.
    walk_since      BIGINT,
    walk_began_at   BIGINT,
    page_cursor     TEXT,
    is_walk_whole   BOOLEAN NOT NULL,
    -- Whether the last walk that came to its end saw them all.
    is_complete     BOOLEAN NOT NULL,
    polled_at       BIGINT,
    next_poll_at    BIGINT NOT NULL,
    failures        BIGINT NOT NULL,
    -- Why the list was not read at the last attempt, as `calls::import::Problem` writes it, and since when.
    problem         TEXT,
    problem_at      BIGINT,
    last_webhook_at BIGINT,
    revision        BIGINT NOT NULL
);
CREATE INDEX call_imports_by_agency ON call_imports (agency_id, account_id);

-- Whether Ringfence made the agent there, so that it has no webhook of its own. (A `placed_hash` proves less: an imported
-- agent that was changed from here may have one.)
ALTER TABLE placements ADD COLUMN is_made_here BOOLEAN NOT NULL DEFAULT FALSE;

-- Requests that name themselves (C3): the first answer stands for a day, whichever key asks again. Of the request itself a hash
-- is kept, no word.
CREATE TABLE idempotent_requests (
    agency_id      TEXT NOT NULL REFERENCES agencies (id),
    route          TEXT NOT NULL,
    request_key    TEXT NOT NULL,
    request_hash   TEXT NOT NULL,
    call_id        TEXT NOT NULL REFERENCES calls (id),
    -- Where the call stood in the first answer; NULL: nobody has been answered yet.
    answered_state TEXT,
    created_at     BIGINT NOT NULL,
    PRIMARY KEY (agency_id, route, request_key)
);
CREATE INDEX idempotent_requests_by_time ON idempotent_requests (created_at);
