"""Invitations into courses: of teachers, to whoever shall learn there."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Response

from core_lms.courses.resource import Course
from core_lms.enrollments import invitations, resource
from core_lms.enrollments.schemas import Enrollment, Invitation, NewInvitation, WaitlistEntry
from core_lms.units import Units, action
from core_lms.users.resource import Person
from gateway.pages import InWindow, Page

router = APIRouter()


@router.post("/courses/{course_id}/invitations", status_code=HTTPStatus.CREATED)
async def create_invitation(
    course_id: UUID,
    body: NewInvitation,
    units: Annotated[Units, action("invitation.create", keyed=True)],
) -> Invitation:
    """Ask somebody into a published course; emits `enrollment.invited`."""
    async with units.begin(Course(course_id)) as unit:
        return await invitations.invite(unit, course_id, body)


@router.get("/courses/{course_id}/invitations", response_model=Page[Invitation])
async def list_course_invitations(
    course_id: UUID, units: Annotated[Units, action("invitation.list")], window: InWindow
) -> dict[str, Any]:
    """List who was asked into a course and what came of it, oldest first."""
    async with units.begin(Course(course_id)) as unit:
        return await invitations.page(unit, "course", course_id, window)


@router.get("/users/{user_id}/course-invitations", response_model=Page[Invitation])
async def list_user_invitations(
    user_id: UUID, units: Annotated[Units, action("invitation.list")], window: InWindow
) -> dict[str, Any]:
    """List into which courses somebody was asked, oldest first."""
    async with units.begin(Person(user_id)) as unit:
        return await invitations.page(unit, "user", user_id, window)


@router.get("/invitations/{invitation_id}")
async def get_invitation(
    invitation_id: UUID, units: Annotated[Units, action("invitation.read")]
) -> Invitation:
    """Read one invitation."""
    async with units.begin(resource.Invitation(invitation_id)) as unit:
        return await invitations.get(unit, invitation_id)


@router.post(
    "/invitations/{invitation_id}/accept",
    status_code=HTTPStatus.CREATED,
    responses={
        200: {"model": Enrollment, "description": "It was accepted before"},
        202: {"model": WaitlistEntry, "description": "The course is full: waiting"},
    },
)
async def accept_invitation(
    invitation_id: UUID, units: Annotated[Units, action("invitation.accept")], response: Response
) -> Enrollment | WaitlistEntry:
    """Accept an invitation; emits `enrollment.created` with the invitation's id.

    In a full course the learner waits instead (202). What enrolling asks holds here too: a price
    that was not paid is a 402.
    """
    async with units.begin(resource.Invitation(invitation_id)) as unit:
        enrollment = await invitations.accept(unit, invitation_id)
    if enrollment.status == "waitlisted":
        response.status_code = HTTPStatus.ACCEPTED
    return enrollment


@router.post("/invitations/{invitation_id}/decline")
async def decline_invitation(
    invitation_id: UUID, units: Annotated[Units, action("invitation.decline")]
) -> Invitation:
    """Decline an invitation; the course's teachers cannot ask again. Emits
    `enrollment.invitation.declined`.
    """
    async with units.begin(resource.Invitation(invitation_id)) as unit:
        return await invitations.decline(unit, invitation_id)


@router.delete("/invitations/{invitation_id}", status_code=HTTPStatus.NO_CONTENT)
async def withdraw_invitation(
    invitation_id: UUID, units: Annotated[Units, action("invitation.withdraw")]
) -> None:
    """Take back an invitation that is open; emits `enrollment.invitation.withdrawn`."""
    async with units.begin(resource.Invitation(invitation_id)) as unit:
        await invitations.withdraw(unit, invitation_id)
