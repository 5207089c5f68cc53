-- Whoever of a batch that is paid for was not told costs nothing: the walk may pay for as many more.
ALTER TABLE walk_batch ADD COLUMN paid INTEGER NOT NULL DEFAULT 0; -- its messages are paid for
