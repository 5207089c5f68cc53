-- People whom a message did not surely reach are told once more, in a round of
-- their own, or left be.
ALTER TABLE walk_round ADD COLUMN again INTEGER NOT NULL DEFAULT 0; -- it is for those whom others did not surely reach, and for nobody else
ALTER TABLE walk_round ADD COLUMN ask_unsure BIGINT NOT NULL DEFAULT 0; -- of unsure, who waits for a person to settle it
ALTER TABLE walk_round ADD COLUMN ask_failed BIGINT NOT NULL DEFAULT 0; -- of failed, the same
ALTER TABLE walk_exception ADD COLUMN settled BIGINT NOT NULL DEFAULT 0; -- the round that tells him once more, -1 where he is left be, 0 where neither
CREATE INDEX walk_exception_settled ON walk_exception (settled, subscriber) WHERE settled > 0;
CREATE INDEX walk_exception_subscriber ON walk_exception (subscriber);
