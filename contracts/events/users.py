"""Accounts: who exists, without a name or an address."""

from typing import Literal

from contracts.event import Event, PersonId
from contracts.topics import USERS

Role = Literal["student", "instructor", "admin"]
UserStatus = Literal["active", "inactive", "suspended"]


class UserCreated(Event, type="user.created", topic=USERS, key="user_id"):
    """An account was registered or imported."""

    user_id: PersonId
    role: Role
    status: UserStatus


class UserUpdated(Event, type="user.updated", topic=USERS, key="user_id"):
    """Role, status or profile changed; what the profile says stays in the LMS."""

    user_id: PersonId
    role: Role
    status: UserStatus


class UserDeleted(Event, type="user.deleted", topic=USERS, key="user_id"):
    """The person was erased: every store forgets them."""

    user_id: PersonId


class UserVerificationRequested(
    Event, type="user.verification.requested", topic=USERS, key="user_id"
):
    """A mail shall prove that the account's address is the person's; it carries the secret."""

    user_id: PersonId


class UserPasswordResetRequested(
    Event, type="user.password.reset.requested", topic=USERS, key="user_id"
):
    """Somebody who says to be the person forgot the password; only a mail may help them."""

    user_id: PersonId


class UserPasswordChanged(Event, type="user.password.changed", topic=USERS, key="user_id"):
    """The password was set or changed; the person is told, in case it was somebody else."""

    user_id: PersonId
