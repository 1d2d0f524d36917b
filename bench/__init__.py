"""Benchmarks: each module is ``learnstream bench NAME`` and prints figures, never a verdict."""
