"""Keys with which machines act for an institution: scoped, expiring, revocable at once."""
