-- Since when a repeated message waits to be told of: so far back an archive that was started anew
-- looks whether the one before it has told already.
ALTER TABLE archive_duplicates ADD COLUMN noted_at timestamptz NOT NULL DEFAULT now();
