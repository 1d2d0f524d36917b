"""The live counters in Redis (``contracts.live``), from what the Flink jobs publish."""
