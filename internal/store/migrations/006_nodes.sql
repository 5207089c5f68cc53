-- The nodes that are alive, so that accounts are spread over them.
CREATE TABLE node (
    name TEXT PRIMARY KEY,
    seen BIGINT NOT NULL
);
-- leaving is 1 while the holder hands the account over to a node with fewer;
-- before stays it is not given away again.
ALTER TABLE lease ADD COLUMN leaving INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lease ADD COLUMN stays BIGINT NOT NULL DEFAULT 0;

-- When an attempt began by the clock that all nodes share, so that whoever
-- takes an account over knows what was sent in the last minutes.
ALTER TABLE attempt ADD COLUMN at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX attempt_recent ON attempt (account, at);
