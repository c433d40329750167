-- A client's person belongs to the agency once they have used its log-in link, and not before: whoever knows the password
-- of a log-in with the same email address gets into nothing that its owner has not joined.
ALTER TABLE memberships ADD COLUMN joined_at BIGINT;
-- The name that the agency gave a client's person; NULL for its own people, who have the name of their log-in.
ALTER TABLE memberships ADD COLUMN name TEXT;
-- When a client's person was last seen in this agency's portal.
ALTER TABLE memberships ADD COLUMN last_seen_at BIGINT;
UPDATE memberships SET joined_at = created_at
WHERE role <> 'portal'
   OR NOT EXISTS (SELECT 1 FROM log_in_links l WHERE l.user_id = memberships.user_id AND l.agency_id = memberships.agency_id);
UPDATE memberships SET name = (SELECT u.name FROM users u WHERE u.id = memberships.user_id) WHERE role = 'portal';
