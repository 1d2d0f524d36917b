"""Sends what is due."""

from __future__ import annotations

from core_lms.inbox import Loop
from core_lms.notifications.sender import NAME, run

LOOP = Loop(NAME, run)
