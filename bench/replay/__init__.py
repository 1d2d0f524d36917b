"""The modules of ``bench stream``: its small stack, the history, the jobs, gauge, yardsticks."""
