"""The parts of ``bench stream``: its own small stack, the history, the jobs, gauge, yardsticks."""
