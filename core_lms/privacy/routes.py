"""What people may have done with their data: consent, guardians, directory, export, erasure."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from contracts.consent import Purpose
from core_lms import audit_trail
from core_lms.courses.resource import Course
from core_lms.privacy import consent, erasing, exporting, resource, schemas, service
from core_lms.units import Units, action
from core_lms.users import service as users
from core_lms.users.resource import Person
from gateway.pages import InWindow, Page
from gateway.problems import RESPONSES

router = APIRouter(tags=["privacy"], responses=RESPONSES)


@router.get("/users/{user_id}/consents", response_model=schemas.Consents)
async def list_consents(
    user_id: UUID, units: Annotated[Units, action("consent.read")]
) -> dict[str, Any]:
    """List what a person agrees to now."""
    async with units.begin(Person(user_id)) as unit:
        return await consent.all_of(unit, user_id)


@router.get("/users/{user_id}/consents/history", response_model=Page[schemas.ConsentChange])
async def list_consent_history(
    user_id: UUID, units: Annotated[Units, action("consent.read")], window: InWindow
) -> dict[str, Any]:
    """List every change of a person's consents, oldest first."""
    async with units.begin(Person(user_id)) as unit:
        return await consent.history(unit, user_id, window)


@router.put("/users/{user_id}/consents/{purpose}", response_model=schemas.Consent)
async def update_consent(
    user_id: UUID,
    purpose: Purpose,
    body: schemas.ConsentChoice,
    units: Annotated[Units, action("consent.update")],
) -> dict[str, Any]:
    """Give or withdraw a consent; emits `consent.given` or `consent.withdrawn` where it changes.

    Without If-Match: taking back has to be as easy as agreeing, and the last word counts.
    """
    async with units.begin(Person(user_id)) as unit:
        return await consent.choose(unit, user_id, purpose, body.given)


@router.get("/users/{user_id}/guardians", response_model=schemas.Guardians)
async def list_guardians(
    user_id: UUID, units: Annotated[Units, action("guardian.list")]
) -> dict[str, Any]:
    """List who acts for a learner, verified or not yet."""
    async with units.begin(Person(user_id)) as unit:
        return await service.guardians(unit, user_id)


@router.get("/users/{user_id}/wards", response_model=schemas.Guardians)
async def list_wards(user_id: UUID, units: Annotated[Units, action("ward.list")]) -> dict[str, Any]:
    """List the learners for whom a person acts, verified or not yet."""
    async with units.begin(Person(user_id)) as unit:
        return await service.wards(unit, user_id)


@router.post("/users/{user_id}/guardians", status_code=HTTPStatus.CREATED)
async def create_guardian(
    user_id: UUID,
    body: schemas.NewGuardian,
    units: Annotated[Units, action("guardian.add", keyed=True)],
) -> schemas.Guardian:
    """Name somebody who shall act for a learner; they may nothing until it is verified.

    The pair is its own idempotency key: once more is answered with 200.
    """
    async with units.begin(Person(user_id)) as unit:
        return await service.add_guardian(unit, user_id, body.guardian_id)


@router.post("/users/{user_id}/guardians/{guardian_id}/verify")
async def verify_guardian(
    user_id: UUID, guardian_id: UUID, units: Annotated[Units, action("guardian.verify")]
) -> schemas.Guardian:
    """Confirm that somebody is a learner's guardian; from now on they see what the learner sees."""
    async with units.begin(resource.Guardianship(user_id, guardian_id)) as unit:
        return await service.verify_guardian(unit, user_id, guardian_id)


@router.delete("/users/{user_id}/guardians/{guardian_id}", status_code=HTTPStatus.NO_CONTENT)
async def delete_guardian(
    user_id: UUID, guardian_id: UUID, units: Annotated[Units, action("guardian.remove")]
) -> None:
    """End a guardianship, at once."""
    async with units.begin(resource.Guardianship(user_id, guardian_id)) as unit:
        await service.remove_guardian(unit, user_id, guardian_id)


@router.get("/users/{user_id}/directory", response_model=schemas.Directory)
async def get_directory_choice(
    user_id: UUID, units: Annotated[Units, action("directory.read")]
) -> dict[str, Any]:
    """Say whether classmates are kept from seeing the person's name."""
    async with units.begin(Person(user_id)) as unit:
        return await service.directory(unit, user_id)


@router.put("/users/{user_id}/directory", response_model=schemas.Directory)
async def update_directory_choice(
    user_id: UUID,
    body: schemas.DirectoryChoice,
    units: Annotated[Units, action("directory.update")],
) -> dict[str, Any]:
    """Opt out of directory information (FERPA, 34 CFR 99.37), or in again."""
    async with units.begin(Person(user_id)) as unit:
        return await service.set_directory(unit, user_id, body.opted_out)


@router.get("/courses/{course_id}/people", response_model=Page[schemas.Classmate])
async def list_course_people(
    course_id: UUID, units: Annotated[Units, action("directory.list")], window: InWindow
) -> dict[str, Any]:
    """List the class; for its teachers everybody with address, for its learners names not
    withheld."""
    async with units.begin(Course(course_id)) as unit:
        return await service.class_list(unit, course_id, window)


@router.post(
    "/users/{user_id}/export",
    response_class=StreamingResponse,
    responses={200: {"content": {exporting.MEDIA_TYPE: {}}, "description": "a zip"}},
)
async def export_user(
    user_id: UUID, units: Annotated[Units, action("user.export")]
) -> StreamingResponse:
    """Export everything about a person; every table of every store that has them, as JSON and
    CSV."""
    async with units.begin(Person(user_id)) as unit:
        await users.get(unit, user_id)
        audit_trail.record(unit, user_id)  # with this unit: what is sent cannot be taken back
        analytics = await exporting.connect()
    return StreamingResponse(
        exporting.export(units.pools.primary, analytics, units.caller, user_id),
        media_type=exporting.MEDIA_TYPE,
        headers={
            "Content-Disposition": f'attachment; filename="learnstream-{user_id}.zip"',
            "Cache-Control": "no-store",
        },
    )


@router.post("/users/{user_id}/erase")
async def erase_user(
    user_id: UUID, units: Annotated[Units, action("user.erase")]
) -> schemas.Erased:
    """Erase a person for good; emits `user.deleted`. The same again finds nobody.

    One's own account: after a login of the last ten minutes.
    """
    async with units.begin(Person(user_id)) as unit:
        return await erasing.erase(unit, user_id)
