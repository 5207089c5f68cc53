-- Which topic of a group gets what concerns it: that in which it subscribed. 0 is
-- no topic, or the general one.
ALTER TABLE subscriber ADD COLUMN topic BIGINT NOT NULL DEFAULT 0;
