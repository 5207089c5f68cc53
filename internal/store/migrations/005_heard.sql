-- What was heard in a chat and has no answer yet. It is stored with its effect
-- and removed once it is answered, so that a crash between the two loses no
-- answer.
CREATE TABLE unanswered (
    account TEXT NOT NULL,
    key     TEXT NOT NULL,
    event   TEXT NOT NULL, -- JSON
    at      BIGINT NOT NULL,
    PRIMARY KEY (account, key)
);

-- A command that was unclear, and what it may have meant. There is one for
-- each event that raised it; settled is the event that answered it, or empty.
CREATE TABLE question (
    id       INTEGER PRIMARY KEY,
    key      TEXT NOT NULL UNIQUE,
    question TEXT NOT NULL, -- JSON
    settled  TEXT NOT NULL,
    at       BIGINT NOT NULL
);
