"""A small institution in which everybody is somebody to somebody: ids by name of path parameter.

Everything about a person is about Ana, who is the ``self``. A context whose routes have other path
parameters adds ``tests/core_lms/<context>/world.py`` with ``things(lms, ids) -> dict[str, str]``:
what it makes, by parameter, about Ana and her course.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core_lms.access import operator
from gateway.tokens import issue

CALLERS = (
    "anonymous",
    "stranger",
    "learner",
    "instructor",
    "other_instructor",
    "guardian",
    "self",
    "admin",
    "machine",
)
"""The columns of ``access.csv``; ``learner`` is another one in Ana's course, ``stranger`` a student
who is not in it, ``machine`` has the permission and nothing else."""


@dataclass
class World:
    """``ids`` by path parameter, ``people`` by column."""

    lms: Any
    ids: dict[str, str] = field(default_factory=dict)
    people: dict[str, str] = field(default_factory=dict)

    def token(self, caller: str, action: str) -> str | None:
        """The credentials of a column for a request that does ``action``."""
        if caller == "anonymous":
            return None
        institution = self.lms.institution_id
        if caller == "machine":
            return issue(operator.ring(), institution, permissions=[action], name="robot")
        role = {"admin": "admin", "instructor": "instructor", "other_instructor": "instructor"}
        return str(
            self.lms.person(self.people[caller], f"{role.get(caller, 'student')}@institution").token
        )


def make(lms: Any) -> World:
    world = World(lms)
    world.people = {
        "self": lms.user(),
        "learner": lms.user(),
        "stranger": lms.user(),
        "guardian": lms.user(),
        "instructor": lms.user("instructor"),
        "other_instructor": lms.user("instructor"),
        "admin": lms.user("admin"),
    }
    body = {"title": "Statistics", "instructor_id": world.people["instructor"]}
    course_id = str(lms.made("/courses", body)["id"])
    item_id, assessment_id = lms.item(course_id), lms.assessment(course_id)
    published = lms.post(f"/courses/{course_id}/publish")
    assert published.status_code == 200, published.text
    ana = world.people["self"]
    enrollment_id = lms.enrollment(course_id, ana)
    lms.enrollment(course_id, world.people["learner"])
    submission = lms.made(f"/assessments/{assessment_id}/submissions", {"user_id": ana})
    lms.database.execute(
        "INSERT INTO guardians (guardian_id, learner_id, verified_at, institution_id) "
        "VALUES (%s, %s, now(), %s)",
        [world.people["guardian"], ana, lms.institution_id],
    )
    world.ids = {
        "user_id": ana,
        "course_id": course_id,
        "item_id": item_id,
        "assessment_id": assessment_id,
        "enrollment_id": enrollment_id,
        "submission_id": str(submission["id"]),
    }
    for path in sorted(Path(__file__).parent.parent.glob("*/world.py")):
        if path.parent.name != "access":
            spec = importlib.util.spec_from_file_location(f"{path.parent.name}_world", path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            world.ids |= module.things(lms, world.ids)
    return world
