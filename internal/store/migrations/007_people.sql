-- Who subscribed to a Telegram bot. An id is never given twice, so that the
-- order of ids is the order in which a walk meets people, and a number kept in
-- a receipt never comes to mean somebody else. There is no name here, and
-- nothing that a person typed.
CREATE TABLE subscriber (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    bot        TEXT NOT NULL,
    chat       BIGINT NOT NULL,
    language   TEXT NOT NULL,
    impact     INTEGER NOT NULL, -- the least that concerns this chat: 0 none to 3 critical
    components TEXT NOT NULL, -- empty is all, otherwise ids between spaces; one space is none
    incidents  TEXT NOT NULL, -- references between spaces of single incidents followed besides
    state      INTEGER NOT NULL, -- 0 active, 1 stopped by the person, 2 blocked, 3 gone
    changed    BIGINT NOT NULL, -- when the state changed, in seconds: what left is erased some time after
    UNIQUE (bot, chat)
);
