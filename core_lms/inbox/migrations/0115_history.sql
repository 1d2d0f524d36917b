-- What follows from an event that is applied later is history if the event was.
ALTER TABLE inbox_failures ADD COLUMN history BOOLEAN NOT NULL DEFAULT FALSE;
