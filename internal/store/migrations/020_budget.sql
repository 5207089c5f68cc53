-- By what the time is reckoned that a round takes where messages are paid for.
ALTER TABLE walk_round ADD COLUMN budget BIGINT NOT NULL DEFAULT 0; -- messages that will still be paid for
ALTER TABLE walk_round ADD COLUMN unpaid BIGINT NOT NULL DEFAULT 0; -- messages in a thousand seconds that are not; 0 where none is
