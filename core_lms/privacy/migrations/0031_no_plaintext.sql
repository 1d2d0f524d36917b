-- Accounts from before are sealed by `learnstream migrate`, which then validates this.
ALTER TABLE users ADD CONSTRAINT users_hold_no_plaintext CHECK (
    email = id::TEXT || '@sealed.invalid' AND name = 'sealed' AND profile = '{}'
    AND (erased_at IS NULL OR (email_encrypted IS NULL AND name_encrypted IS NULL
                               AND profile_encrypted IS NULL AND email_index IS NULL))
) NOT VALID;
