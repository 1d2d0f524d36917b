"""The audit log: who read or changed what about whom, append-only and tamper-evident."""

from core_lms.audit.record import INSERT, PERSON_FACT, begin, entry, record, shown

__all__ = ["INSERT", "PERSON_FACT", "begin", "entry", "record", "shown"]
