-- Names are kept to a length that names have, and what lists are sorted by to one that a cursor can carry.
UPDATE agents SET name_key = substr(name_key, 1, 200) WHERE length(name_key) > 200;
UPDATE agents SET name = substr(name, 1, 999) || '…' WHERE length(name) > 1000;
UPDATE phone_numbers SET name_key = substr(name_key, 1, 200) WHERE length(name_key) > 200;
UPDATE phone_numbers SET sort_key = substr(sort_key, 1, 200) WHERE length(sort_key) > 200;
UPDATE phone_numbers SET name = substr(name, 1, 999) || '…' WHERE length(name) > 1000;
UPDATE voices SET name = substr(name, 1, 999) || '…' WHERE length(name) > 1000;
UPDATE sync_changes SET name_key = substr(name_key, 1, 200) WHERE length(name_key) > 200;
UPDATE sync_changes SET name = substr(name, 1, 999) || '…' WHERE length(name) > 1000;
