-- A walk is the news of one incident on its way through an audience. What was
-- said is the desk's to write, everything else the walker's.
CREATE TABLE walk (
    id       INTEGER PRIMARY KEY,
    incident BIGINT NOT NULL REFERENCES incident (id),
    channel  TEXT NOT NULL,
    account  TEXT NOT NULL,
    version  BIGINT NOT NULL,
    idle     INTEGER NOT NULL,
    said     TEXT NOT NULL, -- numbers of the updates for this audience, between spaces
    dropped  INTEGER NOT NULL, -- updates up to this one are not told any more
    paid     BIGINT NOT NULL, -- messages that may have cost money
    UNIQUE (incident, channel)
);
CREATE INDEX walk_busy ON walk (channel) WHERE idle = 0;

-- A round takes one thing once through the audience, in the order of
-- subscribers' ids, beginning after one of them and ending with it.
CREATE TABLE walk_round (
    id       INTEGER PRIMARY KEY,
    walk     BIGINT NOT NULL REFERENCES walk (id),
    kind     TEXT NOT NULL, -- post, correction or retraction
    n        INTEGER NOT NULL, -- update
    revision INTEGER NOT NULL,
    state    TEXT NOT NULL, -- open, done, superseded
    start    BIGINT NOT NULL,
    place    BIGINT NOT NULL, -- where it stands
    wrapped  INTEGER NOT NULL, -- it has come to the end and begun with the first
    span     BIGINT NOT NULL, -- the widest of its batches
    passed   BIGINT NOT NULL, -- people who are written to, whether or not it concerns them
    told     BIGINT NOT NULL,
    unsure   BIGINT NOT NULL,
    failed   BIGINT NOT NULL,
    audience BIGINT NOT NULL, -- people who are written to, in all; 0 while nobody has counted
    speed    BIGINT NOT NULL, -- messages in a thousand seconds
    began    BIGINT NOT NULL,
    changed  BIGINT NOT NULL
);
CREATE INDEX walk_round_walk ON walk_round (walk);

-- A batch is who was told by one stretch of a round. While it is open it names
-- those who may be, afterwards those who were, with the messages: a few bytes
-- each. Neighbours become one row.
CREATE TABLE walk_batch (
    id       INTEGER PRIMARY KEY,
    walk     BIGINT NOT NULL REFERENCES walk (id),
    round    BIGINT NOT NULL REFERENCES walk_round (id),
    kind     TEXT NOT NULL,
    n        INTEGER NOT NULL,
    revision INTEGER NOT NULL, -- that was posted
    shows    INTEGER NOT NULL, -- revision, or -1 a tombstone, -2 removed
    lo       BIGINT NOT NULL, -- everybody after this
    hi       BIGINT NOT NULL, -- up to this
    wrapped  INTEGER NOT NULL,
    people   INTEGER NOT NULL,
    is_open  INTEGER NOT NULL,
    epoch    BIGINT NOT NULL,
    journal  TEXT NOT NULL, -- which knows how far an open batch got
    receipts BLOB NOT NULL,
    at       BIGINT NOT NULL
);
CREATE INDEX walk_batch_place ON walk_batch (round, hi);
CREATE INDEX walk_batch_shows ON walk_batch (walk, n, shows);
CREATE INDEX walk_batch_open ON walk_batch (walk) WHERE is_open = 1;

-- What did not simply succeed.
CREATE TABLE walk_exception (
    round      BIGINT NOT NULL REFERENCES walk_round (id),
    subscriber BIGINT NOT NULL,
    kind       TEXT NOT NULL, -- unsure, failed
    detail     TEXT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (round, subscriber)
);
