"""Accounts as they cross HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, Field, model_validator

from contracts.events.users import Role, UserStatus
from gateway.text import Body, JsonObject, Line, example

Email = Annotated[
    Line,
    Field(pattern=r"^[^@\s]+@[^@\s]+$"),
    AfterValidator(str.lower),  # one person, one account: addresses differ by more than case
]


class Registration(Body):
    """A new account."""

    model_config = example(email="mira@example.org", name="Mira Okafor", role="student")

    email: Email
    name: Line
    role: Role = "student"
    profile: JsonObject = Field(default_factory=dict)


class SelfRegistration(Body):
    """Somebody who wants an account; the password is set with the link that is mailed."""

    model_config = example(email="mira@example.org", name="Mira Okafor")

    email: Email
    name: Line
    profile: JsonObject = Field(default_factory=dict)


class UserChange(Body):
    """What of an account shall be different; fields left out stay. `profile` is replaced whole."""

    model_config = example(profile={"language": "en", "pronouns": "she/her"})

    name: Line | None = None
    profile: JsonObject | None = None

    @model_validator(mode="after")
    def _something(self) -> UserChange:
        if self.name is None and self.profile is None:
            raise ValueError("say what shall change: name, profile or both")
        return self


class EmailChange(Body):
    """Another address; it has to be verified again."""

    model_config = example(email="mira.o@example.org")

    email: Email


class StatusChange(Body):
    """`suspended` and `inactive` end every session of the person at once."""

    model_config = example(status="suspended")

    status: UserStatus


class RoleChange(Body):
    """What the account is in its institution, from now on."""

    model_config = example(role="instructor")

    role: Role


_COURSE_SCOPE = r"course:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class RoleGrant(Body):
    """One more role: in the `institution`, in the whole installation (`global`), or in a course."""

    model_config = example(
        role_name="instructor", scope="course:01a2061c-f7c7-78eb-baaf-244bc2b01e93"
    )

    role_name: Role
    scope: Annotated[str, Field(pattern=rf"^(global|institution|{_COURSE_SCOPE})$")]

    @property
    def course_id(self) -> str | None:
        kind, _, id_ = self.scope.partition(":")
        return id_ if kind == "course" else None


class UserRole(BaseModel):
    """A role that somebody has."""

    id: UUID
    user_id: UUID
    role_name: str
    scope: str
    granted_by: UUID | None
    created_at: datetime


class UserRoles(BaseModel):
    """All roles of one person."""

    items: list[UserRole]


class Accepted(BaseModel):
    """The request was taken; whether it leads to a mail is between us and the address."""

    detail: str = "if there is something to send, a mail is on its way"


class User(BaseModel):
    """An account."""

    id: UUID
    institution_id: UUID
    email: str
    name: str
    role: Role
    status: UserStatus
    profile: dict[str, Any]
    invented: bool = False
    """Nobody's account: made by a catalogue, or said to be when it was made."""
    email_verified_at: datetime | None = None
    created_at: datetime
    updated_at: datetime


class Relations(BaseModel):
    """What the caller is to a person; both are empty for strangers, and for ids of nobody."""

    relations: list[Literal["self", "guardian"]]
    courses: list[UUID] = Field(description="in which the caller teaches them")
