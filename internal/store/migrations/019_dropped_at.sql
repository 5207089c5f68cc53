-- When an audience was last to be told nothing of what a freeze held. What was found
-- wrong by then is not told aloud, what is found wrong later is. Of what was dropped
-- before this was kept it is now.
ALTER TABLE walk ADD COLUMN dropped_at BIGINT NOT NULL DEFAULT 0;
UPDATE walk SET dropped_at = (SELECT coalesce(max(at), 0) FROM audit) WHERE dropped > 0;
