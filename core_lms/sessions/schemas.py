"""Logging in and out, and passwords, as they cross HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from core_lms.sessions.password_rules import MAX_LENGTH
from core_lms.users.schemas import Email
from gateway.text import Body, Text, example

Password = Annotated[Text, Field(min_length=1, max_length=MAX_LENGTH)]
"""What is typed in; whether it is good enough as a new one is decided where it is set."""
OneTimeToken = Annotated[Text, Field(min_length=1, max_length=200)]


class Login(Body):
    """Address and password of an account in the institution."""

    model_config = example(email="mira@example.org", password="ocean green lamp")

    email: Email
    password: Password


class SignInLink(Body):
    """What follows the # in a link of `learnstream sign-in`; it is good once."""

    model_config = example(token="lsl1_AAAA…")

    token: OneTimeToken


class Refresh(Body):
    """The refresh token of the last answer; it is good for one more."""

    model_config = example(refresh_token="lsr1_AAAA…")

    refresh_token: Annotated[Text, Field(min_length=1, max_length=200)]


class Forgotten(Body):
    """Whose password is forgotten."""

    model_config = example(email="mira@example.org")

    email: Email


class NewPassword(Body):
    """A password, with what follows the # in the link that was mailed."""

    model_config = example(token="lsl1_AAAA…", password="ocean green lamp")

    token: OneTimeToken
    password: Password


class PasswordChange(Body):
    """The password as it is and as it shall be."""

    model_config = example(current="ocean green lamp", new="seven quiet harbours")

    current: Password
    new: Password


class Session(BaseModel):
    """Where somebody is logged in."""

    id: UUID
    method: str = Field(description="`password`, `sso:<provider>` or `link`")
    agent: str = Field(description="the program, as it called itself at the login")
    created_at: datetime
    refreshed_at: datetime
    expires_at: datetime
    current: bool = Field(description="whether the request came from it")


class SessionList(BaseModel):
    """Every session that could still be refreshed, the newest first."""

    items: list[Session]


class BorrowedToken(BaseModel):
    """An access token of an invented learner; nothing renews it."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int = Field(description="seconds")
    user_id: UUID


class Tokens(BaseModel):
    """An access token for `Authorization: Bearer …`, and what renews it."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int = Field(description="seconds")
    refresh_token: str = Field(description="for one use; send it to `/sessions/refresh`")
    session_id: UUID
    user_id: UUID
    institution_id: UUID
