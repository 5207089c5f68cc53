-- SQLite only: what a walk reads of each subscriber, in the order in which it reads
-- them, made when somebody chooses and not for each message. The expressions are
-- those of the statement in page.go. PostgreSQL would look at the row all the same.
CREATE INDEX subscriber_line ON subscriber (('' || bot), id, (
    id || CASE impact WHEN 0 THEN 'a' WHEN 1 THEN 'b' WHEN 2 THEN 'c' ELSE 'd' END || chat ||
        CASE WHEN components || incidents = '' AND topic = 0 AND state = 0 THEN '|'
            ELSE '|' || topic || '|' || state || '|' || components || '|' || incidents || '|' END || language));
