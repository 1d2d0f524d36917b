"""Schemathesis over the whole OpenAPI: no 5xx, no status that is not described, whoever asks."""

from __future__ import annotations

import time
from typing import Any
from zlib import crc32

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    status_code_conformance,
)

from contracts.ids import new_id
from core_lms.app import create_app
from stack.postgres import connect_lms
from tests.core_lms.conftest import Lms

pytestmark = pytest.mark.integration

EXAMPLES = 4
"""Per operation, each sent by one of the roles: with two hundred operations that is a minute."""

ROLES = ("anonymous", "student@institution", "instructor@institution", "admin@institution")
"""Callers; all but the first are real people of the test's institution."""
LEFT_OUT = ("/stream",)
"""Answers without an end."""

app = create_app()
schema = schemathesis.openapi.from_dict(app.openapi()).exclude(
    func=lambda context: context.operation.path.endswith(LEFT_OUT)
)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance]


@pytest.fixture(scope="module")
def tokens(http: Any, stack: Any) -> dict[str, str]:
    """A token of each role in an institution with a course and what belongs to it."""
    with connect_lms(autocommit=True) as database:
        lms = Lms(http, database, new_id())
        lms.enrollment(lms.course(), lms.user())
        found = {}
        for role in ROLES[1:]:
            person = lms.person(lms.user(role.partition("@")[0]), role)
            found[role] = str(person.token)
    return found


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_whatever_is_sent_the_answer_is_one_that_is_described(
    case: Any, tokens: dict[str, str], http: Any
) -> None:
    sent = case.as_transport_kwargs(base_url="http://testserver")
    role = ROLES[crc32(repr(sorted(sent.items(), key=str)).encode()) % len(ROLES)]
    if role in tokens:
        sent["headers"]["Authorization"] = f"Bearer {tokens[role]}"
    else:
        sent["headers"].pop("Authorization", None)
    if isinstance(sent.get("data"), (bytes, str)):
        sent["content"] = sent.pop("data")
    started = time.monotonic()
    try:
        answer = http.request(**sent)
    except (httpx.InvalidURL, UnicodeError, ValueError):
        return  # no HTTP client could send that
    assert time.monotonic() - started < 30
    case.validate_response(answer, checks=CHECKS)
