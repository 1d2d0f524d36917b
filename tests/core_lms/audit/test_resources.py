"""Every resource that is somebody's says to the audit log whose."""

from __future__ import annotations

import dataclasses

import pytest

from core_lms import services
from core_lms.audit_trail import PERSON_FACT, PERSON_FIELDS
from gateway.resource import Resource

NOBODY_S = {
    "Institution": "the tenant itself; lists note their rows",
    "Public": "nothing of any tenant",
    "Analytics": "a panel; learners are in its scope, not in its name",
    "ApiKey": "a machine's",
    "Bank": "questions of a course",
    "Question": "a question of a course",
    "Cohort": "a group; its list notes the members",
    "Verification": "a public page that names nobody beyond what the holder chose",
    "Webhook": "a receiver's address",
}
"""Resources without a person, each with its reason."""


def resources() -> list[type[Resource]]:
    services.routers()  # imports every context
    return sorted(Resource.__subclasses__(), key=lambda one: one.__name__)


@pytest.mark.parametrize("resource", resources(), ids=lambda one: one.__name__)
def test_a_resource_tells_whose_it_is_or_why_nobody_s(resource: type[Resource]) -> None:
    fields = {field.name for field in dataclasses.fields(resource)}
    says = bool(fields & set(PERSON_FIELDS)) or PERSON_FACT in (resource.SQL or "")
    assert says != (resource.__name__ in NOBODY_S), (
        f"{resource.__module__}.{resource.__name__}: SELECT … AS {PERSON_FACT} in its resources.sql"
    )
