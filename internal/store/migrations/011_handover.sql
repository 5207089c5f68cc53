-- When the right of whoever held an account before ended, by the database's clock.
ALTER TABLE lease ADD COLUMN freed BIGINT NOT NULL DEFAULT 0;
