-- How often somebody was sent a message of a round whose answer did not come,
-- and is to be sent it once more.
CREATE TABLE walk_resend (
    round      BIGINT NOT NULL REFERENCES walk_round (id),
    subscriber BIGINT NOT NULL,
    times      INTEGER NOT NULL,
    PRIMARY KEY (round, subscriber)
);
CREATE INDEX walk_resend_subscriber ON walk_resend (subscriber);
