-- Accounts whose audience may still be written to although that was frozen:
-- until whoever walks there has seen it.
CREATE TABLE fence (
    id      INTEGER PRIMARY KEY,
    account TEXT NOT NULL
);
