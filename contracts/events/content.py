"""What learners do with content: each event names learner, course, item and the item's kind."""

from typing import Annotated

from pydantic import Field

from contracts.event import Event, Id, Kind, PersonId, Seconds
from contracts.topics import CONTENT

Device = Kind | None
"""The learner's device, where the sender knows it: ``phone``, ``tablet``, ``desktop``."""


class ContentViewed(
    Event, type="content.viewed", topic=CONTENT, key="user_id", learner_action=True
):
    """A learner opened an item; a source that counts per day says how many clicks it was."""

    user_id: PersonId
    course_id: Id
    item_id: Id
    kind: Kind
    clicks: Annotated[int, Field(ge=1, le=2**31 - 1)] = 1
    device: Device = None


class ContentCompleted(
    Event, type="content.completed", topic=CONTENT, key="user_id", learner_action=True
):
    """A learner finished an item."""

    user_id: PersonId
    course_id: Id
    item_id: Id
    kind: Kind
    device: Device = None


class ContentDownloaded(
    Event, type="content.downloaded", topic=CONTENT, key="user_id", learner_action=True
):
    """A learner took a copy of an item."""

    user_id: PersonId
    course_id: Id
    item_id: Id
    kind: Kind
    device: Device = None


class VideoPlayed(Event, type="video.played", topic=CONTENT, key="user_id", learner_action=True):
    """Playback began or went on."""

    user_id: PersonId
    course_id: Id
    item_id: Id
    kind: Kind
    position_s: Seconds
    device: Device = None


class VideoPaused(Event, type="video.paused", topic=CONTENT, key="user_id", learner_action=True):
    """Playback stopped."""

    user_id: PersonId
    course_id: Id
    item_id: Id
    kind: Kind
    position_s: Seconds
    device: Device = None


class VideoSeeked(Event, type="video.seeked", topic=CONTENT, key="user_id", learner_action=True):
    """The learner jumped within the video."""

    user_id: PersonId
    course_id: Id
    item_id: Id
    kind: Kind
    from_s: Seconds
    to_s: Seconds
    device: Device = None


class VideoWatched(Event, type="video.watched", topic=CONTENT, key="user_id", learner_action=True):
    """A span of a video was played without a jump, told when it ended; ``to_s`` is its end."""

    user_id: PersonId
    course_id: Id
    item_id: Id
    kind: Kind
    from_s: Seconds
    to_s: Seconds
    device: Device = None


class ForumPosted(Event, type="forum.posted", topic=CONTENT, key="user_id", learner_action=True):
    """A learner wrote in a forum item; the text stays in the LMS."""

    user_id: PersonId
    course_id: Id
    item_id: Id
    kind: Kind
    post_id: Id
    device: Device = None
