"""Accounts as they cross HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from contracts.events.users import Role, UserStatus
from core_lms.text import Body, JsonObject, Line

Email = Annotated[
    Line,
    Field(pattern=r"^[^@\s]+@[^@\s]+$"),
    AfterValidator(str.lower),  # one person, one account: addresses differ by more than case
]


class Registration(Body):
    """A new account."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"email": "mira@example.org", "name": "Mira Okafor", "role": "student"}
        }
    )

    email: Email
    name: Line
    role: Role = "student"
    profile: JsonObject = Field(default_factory=dict)


class User(BaseModel):
    """An account."""

    id: UUID
    institution_id: UUID
    email: str
    name: str
    role: Role
    status: UserStatus
    profile: dict[str, Any]
    created_at: datetime
    updated_at: datetime
