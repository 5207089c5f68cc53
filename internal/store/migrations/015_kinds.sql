-- Subscribers of a kind, who read one language and chose the same, stand together
-- here in the order of their ids, so that a walk comes to the next whom something
-- concerns past a million whom it does not. A long choice of components is cut,
-- since PostgreSQL takes no long entries. The id is an expression so that no other
-- index gives its order. How statements write both is in kinds.go.
CREATE INDEX subscriber_kind ON subscriber (bot, (language || '/' || CAST(impact AS VARCHAR) || '/' || incidents || '/' || substr(components, 1, 500)), (id + 0));
