"""``/users``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from psycopg.rows import DictRow

from core_lms.access.resource import Institution
from core_lms.problems import RESPONSES
from core_lms.users import service
from core_lms.users.resource import Person
from core_lms.users.schemas import Registration, User
from core_lms.work import Work, does

router = APIRouter(prefix="/users", tags=["users"], responses=RESPONSES)


@router.post("", status_code=HTTPStatus.CREATED, response_model=User)
async def register(
    body: Registration, work: Annotated[Work, does("user.register", keyed=True)], response: Response
) -> DictRow:
    """Register a person; emits `user.created`."""
    async with work.begin(Institution()) as unit:
        user, created = await service.register(unit, body)
    if not created:
        response.status_code = HTTPStatus.OK
    return user


@router.get("/{user_id}", response_model=User)
async def get(user_id: UUID, work: Annotated[Work, does("user.read")]) -> DictRow:
    """One account."""
    async with work.begin(Person(user_id)) as unit:
        return await service.get(unit, user_id)
