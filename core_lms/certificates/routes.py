"""``/certificates`` of the API, and those of a learner or a course."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter

from core_lms.certificates import resource, service
from core_lms.certificates.schemas import Certificate, NameChoice, Revocation
from core_lms.courses.resource import Course
from core_lms.units import Units, action
from core_lms.users.resource import Person
from gateway import etags
from gateway.etags import InReader, InWriter
from gateway.pages import InWindow, Page
from gateway.problems import RESPONSES

router = APIRouter(tags=["certificates"], responses=RESPONSES)


@router.get("/users/{user_id}/certificates", response_model=Page[Certificate])
async def list_user_certificates(
    user_id: UUID, units: Annotated[Units, action("certificate.list")], window: InWindow
) -> dict[str, Any]:
    """List a learner's certificates, oldest first; revoked ones stay in the list."""
    async with units.begin(Person(user_id)) as unit:
        return await service.page(unit, "user", user_id, window)


@router.get("/courses/{course_id}/certificates", response_model=Page[Certificate])
async def list_course_certificates(
    course_id: UUID, units: Annotated[Units, action("certificate.list")], window: InWindow
) -> dict[str, Any]:
    """List the certificates of a course, oldest first."""
    async with units.begin(Course(course_id)) as unit:
        return await service.page(unit, "course", course_id, window)


@router.get("/certificates/{certificate_id}", response_model=Certificate, responses=etags.READ)
async def get_certificate(
    certificate_id: UUID, units: Annotated[Units, action("certificate.read")], reader: InReader
) -> Any:
    """Read one certificate."""
    async with units.begin(resource.Certificate(certificate_id)) as unit:
        return reader.answer(service.shown(await service.get(unit, certificate_id)))


@router.patch("/certificates/{certificate_id}", response_model=Certificate, responses=etags.UPDATE)
async def update_certificate(
    certificate_id: UUID,
    body: NameChoice,
    units: Annotated[Units, action("certificate.update")],
    writer: InWriter,
) -> Any:
    """Choose how the name is shown to whoever has the certificate's link."""
    async with units.begin(resource.Certificate(certificate_id)) as unit:
        row = await service.choose_name(unit, certificate_id, body, writer.check)
        return writer.answer(service.shown(row))


@router.post("/certificates/{certificate_id}/revoke")
async def revoke_certificate(
    certificate_id: UUID, body: Revocation, units: Annotated[Units, action("certificate.revoke")]
) -> Certificate:
    """Take a certificate back; its link says so. Emits `certificate.revoked` the first time."""
    async with units.begin(resource.Certificate(certificate_id)) as unit:
        return service.shown(await service.revoke(unit, certificate_id, body))


@router.post("/certificates/{certificate_id}/reissue", status_code=HTTPStatus.CREATED)
async def reissue_certificate(
    certificate_id: UUID, units: Annotated[Units, action("certificate.reissue", keyed=True)]
) -> Certificate:
    """Issue a new certificate in the place of one; which is revoked if it still counted. It has the
    course's title as it is now. Emits `certificate.issued`.
    """
    async with units.begin(resource.Certificate(certificate_id)) as unit:
        return service.shown(await service.reissue(unit, certificate_id))
