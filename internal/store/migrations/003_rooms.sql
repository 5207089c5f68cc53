-- What a message in a room is about, so that a reply to it needs no reference:
-- a card (INC-12) or a preview (D-17).
CREATE TABLE room_message (
    account TEXT NOT NULL,
    chat    TEXT NOT NULL,
    message TEXT NOT NULL,
    subject TEXT NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (account, chat, message)
);

-- The card of an incident in a room, and what it says.
CREATE TABLE card (
    ref     TEXT NOT NULL,
    account TEXT NOT NULL,
    chat    TEXT NOT NULL,
    message TEXT NOT NULL,
    said    TEXT NOT NULL, -- JSON: the text and buttons it shows
    PRIMARY KEY (ref, account, chat)
);
