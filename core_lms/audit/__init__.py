"""The audit log: who read or changed what about whom, append-only and tamper-evident."""
