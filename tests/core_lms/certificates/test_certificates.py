"""Certificates: issued once, verified by anybody, shown as the holder wants, taken back."""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from psycopg.rows import dict_row

from contracts.envelope import wrap
from contracts.events.enrollments import CourseCompleted
from contracts.ids import new_id
from core_lms.certificates import keys
from core_lms.certificates.consumers import issue
from core_lms.certificates.document import new_code, read_code, written
from core_lms.units import transaction
from gateway.caller import service as consumer
from stack.postgres import PostgresSettings, pool

pytestmark = pytest.mark.integration


def _world() -> Any:
    spec = importlib.util.spec_from_file_location("w", Path(__file__).with_name("world.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


award = _world().award


@pytest.fixture
def held(lms: Any) -> dict[str, Any]:
    """A certificate with its people; the course has an instructor of its own."""
    instructor = lms.user("instructor")
    course_id = str(
        lms.made("/courses", {"title": "Stätistics & <b>R</b>", "instructor_id": instructor})["id"]
    )
    lms.item(course_id)
    assert lms.post(f"/courses/{course_id}/publish").status_code == 200
    learner = lms.user()
    enrollment_id = lms.enrollment(course_id, learner)
    row = award(lms.institution_id, enrollment_id)
    return row | {"learner": learner, "instructor": instructor, "enrollment": enrollment_id}


def verified(lms: Any, code: str, accept: str = "application/json") -> Any:
    return lms.http.get(f"/certificates/{code}", headers={"Accept": accept})


def test_completing_a_course_issues_one_certificate_however_often_it_is_told(lms: Any) -> None:
    course_id = lms.course(published=False)
    item = lms.item(course_id)
    assert lms.post(f"/courses/{course_id}/publish").status_code == 200
    learner = lms.user()
    lms.enrollment(course_id, learner)
    done = {"event_type": "content.completed", "user_id": learner}
    assert lms.post(f"/courses/{course_id}/items/{item}/events", done).status_code in (201, 202)
    [completed] = [e for e in lms.events() if e["event_type"] == "course.completed"]
    envelope = wrap(
        CourseCompleted(**completed["payload"]),
        institution_id=lms.institution_id,
        source_service="course-service",
    )

    async def emitted() -> None:
        async with pool(PostgresSettings().app_url) as database:
            for _ in range(2):
                async with transaction(database, consumer("test", lms.institution_id)) as unit:
                    await issue.CONSUMER.handle(unit, envelope)

    asyncio.run(emitted())
    page = lms.person(learner).get(f"/users/{learner}/certificates").json()
    assert [row["status"] for row in page["items"]] == ["valid"]
    assert lms.types().count("certificate.issued") == 1
    [event] = [e for e in lms.events() if e["event_type"] == "certificate.issued"]
    assert set(event["payload"]) == {
        "certificate_id", "enrollment_id", "user_id", "course_id", "replaces_id",
    }, "identifiers only: neither name nor code"  # fmt: skip


def test_whoever_has_the_link_can_check_the_signature_without_us(lms: Any, held: Any) -> None:
    found = verified(lms, written(held["code"]).lower()).json()
    assert found["status"] == "valid"
    known = lms.http.get("/certificates/keys.json").json()["keys"]
    [key] = [key for key in known if key["kid"] == found["key_id"]]
    public = Ed25519PublicKey.from_public_bytes(_unpadded(key["x"]))
    public.verify(_unpadded(found["signature"]), found["document"].encode())
    with pytest.raises(InvalidSignature):
        public.verify(_unpadded(found["signature"]), found["document"].encode() + b" ")
    facts = json.loads(found["document"])
    assert facts["course_title"] == "Stätistics & <b>R</b>"
    assert held["learner"] not in found["document"], "the document does not say whose it is"


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_the_page_escapes_what_people_wrote_and_loads_nothing(lms: Any, held: Any) -> None:
    page = verified(lms, held["code"], "text/html")
    assert page.status_code == 200
    assert "Stätistics &amp; &lt;b&gt;R&lt;/b&gt;" in page.text
    assert "Sam Doe" in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert page.headers["cache-control"] == "no-store"


def test_an_unknown_code_is_said_to_be_unknown(lms: Any) -> None:
    assert verified(lms, new_code()).status_code == 404
    assert verified(lms, "no-code").json()["title"] == "Not Found"
    page = verified(lms, new_code(), "text/html")
    assert page.status_code == 404
    assert "There is no certificate with this code" in page.text


@pytest.mark.parametrize(("choice", "shown"), [("initials", "S. D."), ("none", None)])
def test_the_holder_decides_how_the_name_is_shown(
    lms: Any, held: Any, choice: str, shown: str | None
) -> None:
    me = lms.person(held["learner"])
    path = f"/certificates/{held['id']}"
    assert me.call("PATCH", path, json={"shown_name": choice}).status_code == 428
    tag = me.get(path).headers["etag"]
    changed = me.call("PATCH", path, json={"shown_name": choice}, headers={"If-Match": tag})
    assert changed.json()["shown_name"] == choice
    assert me.call(
        "PATCH", path, json={"shown_name": None}, headers={"If-Match": tag}
    ).status_code == 412  # fmt: skip
    assert verified(lms, held["code"]).json()["holder"] == shown


def test_who_opted_out_of_the_directory_is_shown_by_initials(lms: Any, held: Any) -> None:
    lms.database.execute(
        "UPDATE users SET directory_opt_out = TRUE WHERE id = %s", [held["learner"]]
    )
    assert verified(lms, held["code"]).json()["holder"] == "S. D."


def test_a_revoked_certificate_says_so_and_why_stays_inside(lms: Any, held: Any) -> None:
    teacher = lms.person(held["instructor"], "instructor@institution")
    path = f"/certificates/{held['id']}/revoke"
    assert lms.person(held["learner"]).post(path, {"reason": "mine"}).status_code == 403
    body = {"reason": "the work was copied"}
    assert teacher.post(path, body).json()["status"] == "revoked"
    assert teacher.post(path, {"reason": "another one"}).json()["reason"] == body["reason"]
    assert lms.types().count("certificate.revoked") == 1
    found = verified(lms, held["code"])
    assert found.json()["status"] == "revoked"
    assert "copied" not in found.text
    assert "This certificate was revoked." in verified(lms, held["code"], "text/html").text


def test_a_new_certificate_replaces_the_old_one_once(lms: Any, held: Any) -> None:
    teacher = lms.person(held["instructor"], "instructor@institution")
    path, key = f"/certificates/{held['id']}/reissue", new_id()
    first = teacher.post(path, key=key)
    assert first.status_code == 201, first.text
    assert first.json()["replaces_id"] == str(held["id"])
    again = teacher.post(path, key=key)
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert teacher.post(path).status_code == 409
    assert verified(lms, held["code"]).json()["status"] == "revoked"
    assert verified(lms, first.json()["code"]).json()["status"] == "valid"


def test_changing_the_stored_row_is_found_out(lms: Any, held: Any) -> None:
    changed = held["document"].replace("Stätistics", "Surgery")
    lms.database.execute(
        "UPDATE certificates SET document = %s WHERE id = %s", [changed, held["id"]]
    )
    found = verified(lms, held["code"]).json()
    assert (found["status"], found["holder"]) == ("invalid", None)
    lms.database.execute(
        "UPDATE certificates SET document = %s, user_id = %s WHERE id = %s",
        [held["document"], held["instructor"], held["id"]],
    )
    assert verified(lms, held["code"]).json()["status"] == "invalid", "given to somebody else"


def test_after_a_rotation_the_old_key_verifies_and_never_signs_again(lms: Any, held: Any) -> None:
    async def rotate() -> str | None:
        async with (
            await psycopg.AsyncConnection.connect(PostgresSettings().app_url) as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            return await keys.rotate(cursor)

    kid = asyncio.run(rotate())
    assert verified(lms, held["code"]).json()["status"] == "valid"
    learner = lms.user()
    enrollment = lms.enrollment(str(held["course_id"]), learner)
    assert award(lms.institution_id, enrollment)["kid"] == kid
    [row] = lms.database.execute(
        "SELECT private_sealed FROM certificate_keys WHERE kid = %s", [held["kid"]]
    ).fetchall()
    assert row == (None,)


def test_a_course_may_do_without_certificates(lms: Any) -> None:
    teacher = lms.user("instructor")
    body = {"title": "A taste", "instructor_id": teacher, "metadata": {"certificate": False}}
    course_id = str(lms.made("/courses", body)["id"])
    lms.item(course_id)
    assert lms.post(f"/courses/{course_id}/publish").status_code == 200
    enrollment = lms.enrollment(course_id, lms.user())
    with pytest.raises(AssertionError):
        award(lms.institution_id, enrollment)


def test_codes_are_read_as_people_type_them() -> None:
    code = new_code()
    assert read_code(written(code).lower()) == code
    assert read_code("O1IL" + "0" * 16) == "0111" + "0" * 16
    assert read_code("U" * 20) is None
    assert read_code(code + "0") is None
