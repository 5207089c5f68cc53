-- Times are microseconds since 1970 in UTC, 0 for none. Columns named in
-- JSON hold what only Go code looks into.

CREATE TABLE incident (
    id           INTEGER PRIMARY KEY,
    prefix       TEXT NOT NULL,
    number       INTEGER NOT NULL,
    kind         TEXT NOT NULL,
    drill        INTEGER NOT NULL,
    title        TEXT NOT NULL,
    impact       TEXT NOT NULL,
    status       TEXT NOT NULL,
    components   TEXT NOT NULL, -- JSON
    created_at   BIGINT NOT NULL,
    resolved_at  BIGINT NOT NULL,
    next_update  BIGINT NOT NULL,
    begins       BIGINT NOT NULL,
    ends         BIGINT NOT NULL,
    UNIQUE (prefix, number)
);

-- What was said: one row per update, one per wording of it.
CREATE TABLE said (
    incident     BIGINT NOT NULL REFERENCES incident (id),
    n            INTEGER NOT NULL,
    status       TEXT NOT NULL,
    impact       TEXT NOT NULL,
    components   TEXT NOT NULL, -- JSON
    next_update  BIGINT NOT NULL,
    author       TEXT NOT NULL,
    approved_by  TEXT NOT NULL, -- JSON
    published_at BIGINT NOT NULL,
    retraction   TEXT NOT NULL, -- JSON, null while it stands
    PRIMARY KEY (incident, n)
);

CREATE TABLE revision (
    incident BIGINT NOT NULL,
    n        INTEGER NOT NULL,
    r        INTEGER NOT NULL,
    title    TEXT NOT NULL,
    body     TEXT NOT NULL, -- JSON
    author   TEXT NOT NULL,
    at       BIGINT NOT NULL,
    typo     INTEGER NOT NULL,
    PRIMARY KEY (incident, n, r)
);

-- A lane is one incident on one channel, an entry one message in it: what it
-- should show is the desk's to write, what it shows (known) the engine's.
CREATE TABLE lane (
    id       INTEGER PRIMARY KEY,
    incident BIGINT NOT NULL REFERENCES incident (id),
    channel  TEXT NOT NULL,
    account  TEXT NOT NULL,
    version  BIGINT NOT NULL,
    idle     INTEGER NOT NULL,
    known    TEXT NOT NULL, -- JSON: thread, pin, head line
    UNIQUE (incident, channel)
);
CREATE INDEX lane_busy ON lane (account) WHERE idle = 0;

CREATE TABLE entry (
    id              INTEGER PRIMARY KEY,
    lane            BIGINT NOT NULL REFERENCES lane (id),
    n               INTEGER NOT NULL,
    kind            TEXT NOT NULL,
    revision        INTEGER NOT NULL,
    should_what     TEXT NOT NULL,
    should_revision INTEGER NOT NULL,
    should_why      TEXT NOT NULL,
    known           TEXT NOT NULL, -- JSON: what shows, doubts, tries
    accepted_at     BIGINT NOT NULL
);
CREATE INDEX entry_lane ON entry (lane);

-- The journal: a row is committed before an operation's bytes leave.
CREATE TABLE attempt (
    id      INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    lane    BIGINT NOT NULL,
    entry   BIGINT NOT NULL,
    step    TEXT NOT NULL, -- JSON, with the exact text
    began   BIGINT NOT NULL,
    ended   BIGINT NOT NULL,
    outcome TEXT NOT NULL
);
CREATE INDEX attempt_open ON attempt (account) WHERE ended = 0;
CREATE INDEX attempt_entry ON attempt (entry);

CREATE TABLE lease (
    account TEXT PRIMARY KEY,
    owner   TEXT NOT NULL,
    epoch   BIGINT NOT NULL,
    expires BIGINT NOT NULL
);

-- Where a platform moved a chat to.
CREATE TABLE moved (
    channel TEXT PRIMARY KEY,
    target  TEXT NOT NULL
);

CREATE TABLE freeze (
    scope  TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    who    TEXT NOT NULL,
    at     BIGINT NOT NULL
);

CREATE TABLE draft (
    number INTEGER PRIMARY KEY,
    state  TEXT NOT NULL,
    draft  TEXT NOT NULL -- JSON
);

-- Answers to commands that may be repeated.
CREATE TABLE inbox (
    key    TEXT PRIMARY KEY,
    answer TEXT NOT NULL,
    at     BIGINT NOT NULL
);

-- Each line's hash covers the one before it.
CREATE TABLE audit (
    id     INTEGER PRIMARY KEY,
    record TEXT NOT NULL, -- JSON
    hash   TEXT NOT NULL
);

-- Small things by name, such as how far a chat has been read.
CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
