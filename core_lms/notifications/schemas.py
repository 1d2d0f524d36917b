"""Notifications as they cross HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from gateway.text import Body, example

Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9_*]+$")]


class Notification(BaseModel):
    """One entry of a person's list. ``number`` counts in the order of appearing."""

    id: UUID
    number: int
    kind: str
    subject: str
    body: str
    action: str | None
    link: str | None
    language: str
    created_at: datetime
    read_at: datetime | None


class Unread(BaseModel):
    """How the list stands: ``last`` is the newest entry's number, 0 where there is none."""

    last: int
    unread: int


class ReadUpTo(Body):
    """The number of the newest entry that was read."""

    model_config = example(up_to=7)

    up_to: Annotated[int, Field(ge=0, le=2**31 - 1)]


class Preference(BaseModel):
    """Whether a person is notified of a kind on a channel; a ``fixed`` one cannot be changed."""

    kind: str
    about: str
    channel: str
    enabled: bool
    fixed: bool
    by_default: bool


class Preferences(BaseModel):
    """Every kind on every channel. Beyond what is essential, mail and push also need the person's
    consent to ``communication``."""

    items: list[Preference]


class PreferenceChoice(Body):
    """Kind ``*`` is every kind that is not essential and has no choice of its own."""

    kind: Name
    channel: Name
    enabled: bool


class PreferenceChange(Body):
    """Choices to be made; the others stay."""

    model_config = example(
        choices=[{"kind": "feedback_given", "channel": "email", "enabled": False}]
    )

    choices: Annotated[list[PreferenceChoice], Field(min_length=1, max_length=200)]


class PushKeys(Body):
    """As the browser's ``PushSubscription`` gives them, base64url."""

    p256dh: Annotated[str, Field(min_length=80, max_length=100, pattern=r"^[A-Za-z0-9_=-]+$")]
    auth: Annotated[str, Field(min_length=20, max_length=30, pattern=r"^[A-Za-z0-9_=-]+$")]


class NewPushSubscription(Body):
    """What ``PushManager.subscribe`` returned."""

    model_config = example(
        endpoint="https://updates.push.services.mozilla.com/wpush/v2/gAAAAABk",
        keys={
            "p256dh": "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1X"
            "bjhazAkj7I99e8QcYP7DkM",
            "auth": "tBHItJI5svbpez7KI4CCXg",
        },
    )

    endpoint: Annotated[str, Field(min_length=10, max_length=2000, pattern=r"^https?://[!-~]+$")]
    keys: PushKeys
    expirationTime: float | None = None  # the browser's name


class PushSubscription(BaseModel):
    """A browser that is notified; its address is not shown again."""

    id: UUID
    created_at: datetime


class PushSubscriptions(BaseModel):
    items: list[PushSubscription]


class PushServer(BaseModel):
    """``public_key`` is the ``applicationServerKey`` to subscribe with."""

    public_key: str
