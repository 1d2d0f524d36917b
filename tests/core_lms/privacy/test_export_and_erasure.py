"""Everything about a person can be had, and can be forgotten, in every table there is."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import zipfile
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, cast

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from contracts.envelope import wrap
from contracts.events.content import ContentViewed
from contracts.events.recommendations import RecommendationShown
from contracts.features import FeatureRow
from contracts.ids import new_id
from core_lms.privacy import exporting, tables
from core_lms.privacy.keeping import KEEPING
from features import history, registration
from features.catalogue import VIEWS
from pipelines.archive.rows import Batch
from pipelines.archive.table import ArchiveTable
from pipelines.derive import rebuild
from pipelines.derive.engine import Engine
from stack.postgres import PostgresSettings, connect_analytics, connect_lms

pytestmark = pytest.mark.integration


def all_tables(connection: psycopg.Connection[Any]) -> list[tables.Table]:
    with connection.cursor(row_factory=dict_row) as cursor:
        keys = cursor.execute(tables.STATEMENTS["foreign_keys"]).fetchall()
        columns = cursor.execute(tables.STATEMENTS["columns"]).fetchall()
    return list(tables.tables_of(keys, columns))


def studied(lms: Any) -> tuple[str, str, str]:
    """A learner with a history: id, name, address."""
    name, email = f"Zaphira {new_id()}", f"{new_id()}@example.org"
    body = {"email": email, "name": name, "profile": {"town": name}}
    ana = str(lms.made("/users", body, key=f"register-{new_id()}")["id"])
    course_id = lms.course()
    lms.enrollment(course_id, ana)
    work = {"user_id": ana}
    submission = lms.made(f"/assessments/{lms.assessment(course_id)}/submissions", work)
    teacher = lms.user("instructor")
    said = {"given_by": teacher, "text": f"Well done, {name}"}
    lms.made(f"/submissions/{submission['id']}/feedback", said)
    lms.call("PUT", f"/users/{ana}/consents/analytics", json={"given": False})
    lms.made(f"/users/{ana}/guardians", {"guardian_id": teacher})
    return ana, name, email


def files(content: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_an_export_has_every_table_with_the_person_twice_and_opened(lms: Any) -> None:
    ana, name, email = studied(lms)
    answer = lms.person(ana).post(f"/users/{ana}/export")
    assert answer.status_code == 200
    found = files(answer.content)
    account = json.loads(found["users.json"])[0]
    assert (account["name"], account["email"], account["profile"]) == (name, email, {"town": name})
    [feedback] = json.loads(found["feedback.json"])
    assert feedback["text"] == f"Well done, {name}"
    manifest = json.loads(found["manifest.json"])
    with connect_lms() as connection:
        for table in all_tables(connection):
            if not table.owned or table.name == "person_keys":
                continue
            count = connection.execute(
                sql.SQL("SELECT count(*) FROM {} WHERE {}").format(
                    sql.Identifier(table.name), table.where
                ),
                {"user_id": ana},
            ).fetchone()
            assert count is not None
            if table.name != "audit_log":  # grows by itself
                assert manifest["tables"][table.name] == count[0], table.name
            if manifest["tables"][table.name]:
                as_json = json.loads(found[f"{table.name}.json"])
                as_csv = list(csv.DictReader(io.StringIO(found[f"{table.name}.csv"])))
                assert len(as_json) == len(as_csv) == manifest["tables"][table.name]
                assert list(as_json[0]) == list(as_csv[0])
    assert "wrapped_key" not in str(found)


def test_an_export_holds_activity_sessions_offers_with_their_reasons_and_features(
    lms: Any,
) -> None:
    ana, ben, items = lms.user(), lms.user(), [new_id() for _ in range(2)]
    course_id, offer = new_id(), new_id()
    registration.prepare()
    with connect_analytics(autocommit=True) as connection:
        for person in (ana, ben):
            seen = {"user_id": person, "course_id": course_id, "item_id": items[0], "kind": "page"}
            offered = {
                **{"recommendation_id": offer if person == ana else new_id(), "user_id": person},
                **{"item_id": items[1], "course_id": course_id, "position": 1, "model": "m"},
                **{"source": "personal", "arm": "a", "propensity": 1.0, "score": 0.75},
                "reason": f"Because you read {person}",
            }
            events = [ContentViewed(**seen), RecommendationShown(**offered)]
            batch = Batch(at=datetime.now(UTC))
            for event in events:
                batch.add(wrap(event, institution_id=lms.institution_id, source_service="test"))
            with closing(ArchiveTable()) as table:
                table.store(batch, {})
            row = FeatureRow(
                feature_view="learner_activity",
                entity_id=person,
                institution_id=lms.institution_id,
                event_timestamp=datetime.now(UTC),
                features={"last_item_id": items[0]},
            )
            history.write(connection, VIEWS["learner_activity"], [row])
        with closing(Engine()) as engine:
            rebuild.begin(engine)
            while engine.step():
                pass
    found = files(lms.person(ana).post(f"/users/{ana}/export").content)
    events = json.loads(found["analytics/activity_events.json"])
    assert {event["event_type"] for event in events} == {"content.viewed", "recommendation.shown"}
    assert len(json.loads(found["analytics/sessions.json"])) == 1
    [one] = json.loads(found["analytics/offers.json"])
    assert (one["recommendation_id"], one["score"]) == (offer, 0.75)
    assert one["reason"] == f"Because you read {ana}"
    [features] = json.loads(found["features/learner_activity.json"])
    assert features["last_item_id"] == items[0]
    assert json.loads(found["manifest.json"])["tables"]["analytics/learner_course_day"] == 1
    assert ben not in str(found)


def test_there_is_no_export_rather_than_half_of_one(
    lms: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana = lms.user()
    monkeypatch.setenv("LMS_POSTGRES_ANALYST_URL", "postgresql://nobody@127.0.0.1:9/analytics")
    assert lms.post(f"/users/{ana}/export").status_code == 503


def test_what_a_teacher_did_is_exported_without_what_it_says_about_others(lms: Any) -> None:
    ana, name, _ = studied(lms)
    row = lms.database.execute(
        "SELECT f.given_by FROM feedback f JOIN submissions s ON s.id = submission_id "
        "WHERE s.user_id = %s",
        [ana],
    ).fetchone()
    found = files(lms.post(f"/users/{row[0]}/export").content)
    [mentioned] = json.loads(found["mentions/feedback.json"])
    assert set(mentioned) == {"id", "given_by", "created_at"}
    assert name not in str(found)


def test_a_table_made_tomorrow_is_exported_and_forgotten_unasked(lms: Any) -> None:
    diary = f"diary_{new_id().replace('-', '')}"
    pages = f"{diary}_pages"
    ana = lms.user()
    lms.database.execute(
        f"CREATE TABLE {diary} (id UUID PRIMARY KEY, user_id UUID, institution_id UUID NOT NULL);"
    )
    lms.database.execute(
        f"CREATE TABLE {pages} (diary_id UUID REFERENCES {diary}(id), body TEXT, "
        "institution_id UUID NOT NULL)"
    )
    try:
        for table in (diary, pages):
            lms.database.execute("SELECT tenant_table(%s)", [table])
        id_ = new_id()
        lms.database.execute(
            f"INSERT INTO {diary} VALUES (%s, %s, %s)", [id_, ana, lms.institution_id]
        )
        lms.database.execute(
            f"INSERT INTO {pages} VALUES (%s, 'Dear diary', %s)", [id_, lms.institution_id]
        )
        found = files(lms.post(f"/users/{ana}/export").content)
        assert json.loads(found[f"{pages}.json"])[0]["body"] == "Dear diary"
        assert lms.post(f"/users/{ana}/erase").status_code == 200
        assert lms.database.execute(f"SELECT count(*) FROM {pages}").fetchone() == (0,)
        assert lms.database.execute(f"SELECT count(*) FROM {diary}").fetchone() == (0,)
    finally:
        lms.database.execute(f"DROP TABLE {pages}, {diary}")


def test_every_table_that_is_kept_exists_with_the_columns_that_are_blanked(lms: Any) -> None:
    found = {table.name: table for table in all_tables(lms.database) if table.owned}
    for name, kept in KEEPING.items():
        assert name in found, f"{name} is kept, but no table of a person"
        assert set(kept.blank) <= set(found[name].columns), name


def test_every_column_that_names_a_person_is_covered(lms: Any) -> None:
    covered = {table.name for table in all_tables(lms.database)} | set(tables.REGISTERED)
    rows = lms.database.execute(
        "SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = 'public' "
        "AND udt_name IN ('uuid', '_uuid') AND column_name ~ "
        "'^(user|learner|guardian|person|student|author|instructor)_id$|_by$|^about$'"
    ).fetchall()
    assert {name for (name,) in rows} <= covered


def test_an_export_keeps_little_in_memory() -> None:
    rows = 20_000

    async def many() -> AsyncIterator[dict[str, Any]]:
        for number in range(rows):
            yield {"id": new_id(), "number": number, "text": "=1+1"}

    out = exporting._Outgoing()
    sizes: list[int] = []

    async def write() -> int:
        total = 0
        with zipfile.ZipFile(cast(io.BytesIO, out), "w", zipfile.ZIP_DEFLATED) as archive:
            async for written in exporting._table(archive, out, "views", many()):
                if isinstance(written, int):
                    total = written
                else:
                    sizes.append(len(written))
        return total

    assert asyncio.run(write()) == rows
    assert len(sizes) > 5
    assert max(sizes) < 4 * exporting.CHUNK_BYTES


def test_erasing_twice_finds_nobody_and_tells_nobody(lms: Any) -> None:
    ana, _, email = studied(lms)
    first = lms.person(ana).post(f"/users/{ana}/erase")
    assert first.status_code == 200, first.text
    assert lms.post(f"/users/{ana}/erase").status_code == 404
    deleted = [event for event in lms.events() if event["event_type"] == "user.deleted"]
    assert [event["payload"] for event in deleted] == [{"user_id": ana}]
    assert lms.get(f"/users/{ana}").status_code == 404
    assert lms.person(ana).get(f"/users/{ana}").status_code in (401, 404)
    assert lms.post(f"/users/{ana}/export").status_code == 404
    choice = lms.call("PUT", f"/users/{ana}/consents/analytics", json={"given": True})
    assert choice.status_code == 404
    again = lms.made("/users", {"email": email, "name": "Somebody else"})  # the address is free
    assert again["id"] != ana


def test_the_request_that_registered_somebody_erased_does_not_bring_them_back(lms: Any) -> None:
    key, body = new_id(), {"email": f"{new_id()}@example.org", "name": "Ana"}
    ana = lms.made("/users", body, key=key)["id"]
    assert lms.post(f"/users/{ana}/erase").status_code == 200
    assert lms.post("/users", body, key=key).status_code == 409
    with pytest.raises(psycopg.errors.UniqueViolation, match="was erased"):
        lms.database.execute(
            "INSERT INTO users (id, email, name, role, institution_id) "
            "VALUES (%(id)s::uuid, %(id)s::text || '@sealed.invalid', 'sealed', 'student', "
            "%(institution)s)",
            {"id": ana, "institution": lms.institution_id},
        )


def test_the_application_moves_nobody_who_is_not_erased_and_no_other_institutions_people(
    lms: Any,
) -> None:
    ana = lms.user()
    with psycopg.connect(PostgresSettings().app_url, autocommit=True) as application:
        for institution_id in (lms.institution_id, new_id()):
            application.execute(
                "SELECT set_config('learnstream.institution_id', %s, false)", [institution_id]
            )
            with pytest.raises(psycopg.errors.RaiseException, match="was erased here"):
                application.execute("SELECT move_erased_person(%s)", [ana])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            application.execute("SELECT pseudonym FROM erasures")


def test_records_of_a_course_stay_under_a_new_id_and_say_nothing_of_the_person(lms: Any) -> None:
    ana, _, _ = studied(lms)
    assert lms.post(f"/users/{ana}/erase").status_code == 200
    assert lms.database.execute("SELECT FROM users WHERE id = %s", [ana]).fetchone() is None
    pseudonym, counts = after(lms, ana)
    assert pseudonym != ana
    assert counts == (1, 1, 0, 0, 0, "inactive")
    assert after(lms, ana, "user_id")[1] == (0, 0, 0, 0, 0, None)


def after(lms: Any, ana: str, column: str = "pseudonym") -> tuple[str, tuple[Any, ...]]:
    """The id that ``column`` has for somebody erased, and what there is under it."""
    row = lms.database.execute(
        f"SELECT {column}::text FROM erasures WHERE digest = digest_of_id(%s)", [ana]
    ).fetchone()
    counts = lms.database.execute(
        "SELECT (SELECT count(*) FROM enrollments WHERE user_id = %(id)s), "
        "(SELECT count(*) FROM submissions WHERE user_id = %(id)s), "
        "(SELECT count(*) FROM guardians WHERE learner_id = %(id)s), "
        "(SELECT count(*) FROM person_keys WHERE user_id = %(id)s), "
        "(SELECT count(text_sealed) FROM feedback JOIN submissions s ON s.id = submission_id "
        "WHERE s.user_id = %(id)s), (SELECT status FROM users WHERE id = %(id)s)",
        {"id": row[0]},
    ).fetchone()
    return row[0], counts
