-- Which kinds of subscribers there are, each once, for as long as there is somebody
-- of it. A walk asks kinds whom something concerns, and only then the index for
-- people. Ids are given in order and never twice, so that whoever has read the kinds
-- up to one reads only those after it. Triggers see to it, so that a kind is never
-- missing, whoever writes: also a server of an older version, on another machine.
CREATE TABLE audience_kind (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    bot  TEXT NOT NULL,
    name TEXT NOT NULL, -- the expression of the index subscriber_kind
    UNIQUE (bot, name)
);

-- From one bot to the next, and for each from one kind to the next.
INSERT INTO audience_kind (bot, name)
    WITH RECURSIVE a (bot) AS (
        SELECT (SELECT min(bot) FROM subscriber)
        UNION ALL SELECT (SELECT min(bot) FROM subscriber WHERE bot > a.bot) FROM a WHERE bot IS NOT NULL),
    kind (bot, name) AS (
        SELECT a.bot, (SELECT min(language || '/' || CAST(impact AS VARCHAR) || '/' || incidents || '/' || substr(components, 1, 500)) FROM subscriber WHERE bot = a.bot) FROM a WHERE bot IS NOT NULL
        UNION ALL SELECT kind.bot, (SELECT min(language || '/' || CAST(impact AS VARCHAR) || '/' || incidents || '/' || substr(components, 1, 500)) FROM subscriber WHERE bot = kind.bot AND language || '/' || CAST(impact AS VARCHAR) || '/' || incidents || '/' || substr(components, 1, 500) > kind.name) FROM kind WHERE name IS NOT NULL)
    SELECT bot, name FROM kind WHERE name IS NOT NULL;

-- Whether there is somebody left of a kind is asked in the order of the index, so
-- that it is not found out by looking at everybody.
CREATE TRIGGER kind_comes AFTER INSERT ON subscriber FOR EACH ROW BEGIN
    INSERT INTO audience_kind (bot, name) VALUES (NEW.bot, NEW.language || '/' || CAST(NEW.impact AS VARCHAR) || '/' || NEW.incidents || '/' || substr(NEW.components, 1, 500)) ON CONFLICT (bot, name) DO NOTHING;
END;

CREATE TRIGGER kind_changes AFTER UPDATE OF language, impact, incidents, components ON subscriber FOR EACH ROW
WHEN (NEW.language || '/' || CAST(NEW.impact AS VARCHAR) || '/' || NEW.incidents || '/' || substr(NEW.components, 1, 500)
    <> OLD.language || '/' || CAST(OLD.impact AS VARCHAR) || '/' || OLD.incidents || '/' || substr(OLD.components, 1, 500)) BEGIN
    INSERT INTO audience_kind (bot, name) VALUES (NEW.bot, NEW.language || '/' || CAST(NEW.impact AS VARCHAR) || '/' || NEW.incidents || '/' || substr(NEW.components, 1, 500)) ON CONFLICT (bot, name) DO NOTHING;
    DELETE FROM audience_kind WHERE bot = OLD.bot AND name = OLD.language || '/' || CAST(OLD.impact AS VARCHAR) || '/' || OLD.incidents || '/' || substr(OLD.components, 1, 500)
        AND (SELECT id FROM subscriber WHERE bot = OLD.bot AND language || '/' || CAST(impact AS VARCHAR) || '/' || incidents || '/' || substr(components, 1, 500) = OLD.language || '/' || CAST(OLD.impact AS VARCHAR) || '/' || OLD.incidents || '/' || substr(OLD.components, 1, 500) ORDER BY id + 0 LIMIT 1) IS NULL;
END;

CREATE TRIGGER kind_goes AFTER DELETE ON subscriber FOR EACH ROW BEGIN
    DELETE FROM audience_kind WHERE bot = OLD.bot AND name = OLD.language || '/' || CAST(OLD.impact AS VARCHAR) || '/' || OLD.incidents || '/' || substr(OLD.components, 1, 500)
        AND (SELECT id FROM subscriber WHERE bot = OLD.bot AND language || '/' || CAST(impact AS VARCHAR) || '/' || incidents || '/' || substr(components, 1, 500) = OLD.language || '/' || CAST(OLD.impact AS VARCHAR) || '/' || OLD.incidents || '/' || substr(OLD.components, 1, 500) ORDER BY id + 0 LIMIT 1) IS NULL;
END;
