"""An invitation of Ana's, into another course of her teacher."""

from __future__ import annotations

from typing import Any


def things(lms: Any, ids: dict[str, str]) -> dict[str, str]:
    teacher = lms.get(f"/courses/{ids['course_id']}").json()["instructor_id"]
    course = lms.made("/courses", {"title": "Algebra", "instructor_id": teacher})["id"]
    lms.item(course, "page", title="Welcome", required=False)
    assert lms.post(f"/courses/{course}/publish").status_code == 200
    invitation = lms.made(f"/courses/{course}/invitations", {"user_id": ids["user_id"]})
    return {"invitation_id": str(invitation["id"])}
