"""Who is logged in: sessions in Redis, and marks of tokens that no longer count."""
