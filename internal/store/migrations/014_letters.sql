-- Messages to rooms and operators that whoever holds their account is to send.
-- They are stored with what they tell of, and gone once they have been sent.
CREATE TABLE letter (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    account TEXT NOT NULL,
    room    TEXT NOT NULL, -- the chat that it goes to; empty where it goes to operators
    draft   TEXT NOT NULL, -- that it is about; empty where it is about none
    letter  TEXT NOT NULL, -- JSON
    tries   INTEGER NOT NULL, -- how often it may have been sent
    until   BIGINT NOT NULL -- after which it is of no use
);
CREATE INDEX letter_account ON letter (account);
CREATE INDEX room_message_subject ON room_message (subject);
