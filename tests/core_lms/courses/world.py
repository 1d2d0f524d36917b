"""A module and a cohort of Ana's course, for the access table."""

from __future__ import annotations

from typing import Any


def things(lms: Any, ids: dict[str, str]) -> dict[str, str]:
    course = f"/courses/{ids['course_id']}"
    return {
        "module_id": str(lms.made(f"{course}/modules", {"title": "Week 1"})["id"]),
        "cohort_id": str(lms.made(f"{course}/cohorts", {"name": "Evening group"})["id"]),
    }
