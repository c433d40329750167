-- Agents that are made from here (R5). A run that makes a new agent has that agent alone; others make what agents lack.
ALTER TABLE placement_runs ADD COLUMN new_agent_id TEXT REFERENCES agents (id);
-- What the caller named its request, so that a repeated one makes no second agent; and what it asked for.
ALTER TABLE placement_runs ADD COLUMN request_id TEXT;
ALTER TABLE placement_runs ADD COLUMN request_hash TEXT;
CREATE UNIQUE INDEX placement_runs_by_request ON placement_runs (agency_id, request_id);
CREATE INDEX placement_runs_by_new_agent ON placement_runs (new_agent_id) WHERE new_agent_id IS NOT NULL;
-- One at a time per account, of those that make what agents lack. Nobody else makes a new agent of its run.
DROP INDEX placement_runs_active;
CREATE UNIQUE INDEX placement_runs_active ON placement_runs (account_id)
    WHERE state IN ('queued', 'running', 'waiting') AND new_agent_id IS NULL;

-- While somebody changes an agent at its providers nobody else does; until this time at the latest.
ALTER TABLE agents ADD COLUMN changing_until BIGINT;
