"""People with passwords, as the sessions' tests make them."""

from tests.core_lms.sessions.conftest import anybody, mira

__all__ = ["anybody", "mira"]
