-- What has changed about an incident and is said with the next update, and
-- the template of an update that nobody typed.
ALTER TABLE incident ADD COLUMN pending TEXT NOT NULL DEFAULT '{}'; -- JSON
ALTER TABLE said ADD COLUMN template TEXT NOT NULL DEFAULT '';
