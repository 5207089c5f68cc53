-- The audit becomes a chain over digests: hash = SHA-256(hash before, digest),
-- digest = SHA-256(record), so that a record can be erased (made empty) and the
-- chain still holds. The lines that are there are taken over by the program, in
-- this same transaction.
ALTER TABLE audit ADD COLUMN digest TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE audit ADD COLUMN incident TEXT NOT NULL DEFAULT ''; -- reference; * for what may concern every incident
ALTER TABLE audit ADD COLUMN draft TEXT NOT NULL DEFAULT '';
CREATE INDEX audit_incident ON audit (incident) WHERE incident <> '';
CREATE INDEX audit_draft ON audit (draft) WHERE draft <> '';
