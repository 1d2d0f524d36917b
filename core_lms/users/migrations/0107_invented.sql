-- An account that belongs to nobody: made by a catalogue, or by an administrator who says so when it is
-- made. It never changes afterwards, and nobody can say it of their own.
ALTER TABLE users ADD COLUMN invented BOOLEAN NOT NULL DEFAULT FALSE;
