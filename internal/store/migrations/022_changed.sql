-- Whether people could read wrong words for more than a minute decides whether they are told aloud, and an edit may come late.
ALTER TABLE walk_batch ADD COLUMN changed INTEGER NOT NULL DEFAULT 0; -- when its messages were last edited or deleted; 0 is never
ALTER TABLE walk_batch ADD COLUMN showed INTEGER NOT NULL DEFAULT 0; -- what they showed before the edits that are under way, where shows is 0
