-- Version 3 of the registry: when the note of a pinned row was written anew, and by whom; the row stays pinned since before.

ALTER TABLE pin ADD COLUMN changed INTEGER;
ALTER TABLE pin ADD COLUMN changed_by TEXT;
