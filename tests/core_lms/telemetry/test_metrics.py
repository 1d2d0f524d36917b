"""``/metrics`` and the page of the API, as they are answered."""

from __future__ import annotations

import re
from typing import Any

import pytest

from gateway.operations import REFERENCE

pytestmark = pytest.mark.integration


def test_requests_are_counted_by_template_and_status_and_never_by_id(lms: Any) -> None:
    learner = lms.user()
    lms.get(f"/users/{learner}")
    lms.get(f"/users/{learner}/nothing-there")
    text = lms.http.get("/metrics").text
    found = re.search(
        r'lms_requests_total\{method="GET",route="(\S*/users/\{user_id\})",status="200"\}', text
    )
    assert found is not None
    assert 'route="none",status="404"' in text
    assert learner not in text
    for name in (
        "lms_request_seconds_bucket",
        'lms_pool_connections{pool="primary",state="used"}',
        'lms_limit_requests_total{verdict="taken"}',
        "lms_cache_requests_total",
        "lms_outbox_lag_seconds",
    ):
        assert name in text, name


def test_the_page_of_the_api_loads_nothing_from_elsewhere(lms: Any) -> None:
    answer = lms.http.get("/docs")
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert not re.search(rb"(?:src|href)=\"(?:https?:)?//", REFERENCE)
    assert b"/openapi.json" in REFERENCE
    assert lms.http.get("/openapi.json").status_code == 200
