"""Turns what learners do into requests to the LMS, whose keys make them repeatable."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from contracts.ids import named_id
from imports.catalogue.definition import Person
from imports.catalogue.load import Rows
from imports.driving import Request
from imports.study.behaviour import Action


def requests_of(
    rows: Rows,
    person: Person,
    actions: Iterable[Action],
    run_id: str,
    starts_at: datetime,
    enrolled: Mapping[tuple[str, str], str],
) -> Iterator[tuple[float, Request]]:
    """(seconds into the hour, request) in the actions' order.

    The n-th action of a person in a run always has the same key and body, so a run that was
    interrupted can be played again: what the LMS has, it has. ``enrolled`` gives the enrollments
    there are already, by user and course: whoever is in a course does not enroll anew.
    """
    user = rows.id_of("user", person.slug)
    for number, action in enumerate(actions):
        at = (starts_at + timedelta(seconds=action.at_s)).isoformat().replace("+00:00", "Z")
        course = rows.id_of("course", action.course)
        ours = named_id(run_id, "enrollment", person.slug, action.course)
        enrollment = enrolled.get((user, course), ours)
        key: str | None = named_id(run_id, person.slug, number)
        body = {"user_id": user, "occurred_at": at} | action.details
        if action.what == "enroll":
            if enrollment != ours:
                continue
            key, path = ours, f"/courses/{course}/enrollments"
        elif action.what == "drop":
            key, path, body = None, f"/enrollments/{enrollment}/drop", {"occurred_at": at}
        elif action.what == "submit":
            key = named_id(run_id, "submission", person.slug, action.subject)
            path = f"/assessments/{rows.id_of('assessment', action.subject)}/submissions"
        elif action.what == "grade":
            submission = named_id(run_id, "submission", person.slug, action.subject)
            key, path = None, f"/submissions/{submission}/grade"
            body = {"occurred_at": at} | action.details
        else:
            body["event_type"] = action.what
            path = f"/courses/{course}/items/{rows.id_of('item', action.subject)}/events"
        yield action.at_s, Request(user, action.what, path, json.dumps(body), key)
