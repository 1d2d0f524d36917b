-- Messages whose event was archived before: written in the transaction that passes over them, and
-- taken away once the jobs have been told on lms.duplicates, for the jobs counted them.
CREATE TABLE archive_duplicates (
    message_key text  PRIMARY KEY,
    value       bytea NOT NULL
);
