-- Keys that nobody accepts any more are removed, with their private halves, by whoever rotates.
GRANT DELETE ON signing_keys TO learnstream_app;
