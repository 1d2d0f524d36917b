"""Issuing, showing, verifying and taking back certificates."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from psycopg.rows import DictRow

from contracts.errors import Rejected
from contracts.events.certificates import CertificateIssued, CertificateRevoked
from contracts.ids import new_id
from core_lms import pages
from core_lms.certificates import keys, repository, resource
from core_lms.certificates.document import Document, facts, holder, new_code, written
from core_lms.certificates.schemas import NameChoice, Reissue, Revocation
from core_lms.certificates.settings import settings
from core_lms.courses import service as courses
from core_lms.idempotency import claim
from core_lms.sealing.person import opened
from core_lms.unit import Unit
from core_lms.users import service as users
from gateway.errors import Conflict, NotFound

SOURCE = "certificate-service"
REISSUED = "replaced by a new certificate"


async def award(unit: Unit, enrollment_id: str) -> DictRow | None:
    """The certificate of a completed course; None where none is due.

    None is due to an erased person, for a course whose metadata say ``"certificate": false``, and
    where there is or was one already. Raises ``Rejected`` for an unknown enrollment, and for one
    that is not completed.
    """
    found = await repository.completion(unit, enrollment_id)
    if found is None:
        raise Rejected(f"there is no enrollment {enrollment_id}", enrollment_id=enrollment_id)
    if found["completed_at"] is None:
        raise Rejected(f"enrollment {enrollment_id} is not completed", enrollment_id=enrollment_id)
    if found["erased"] or not found["certified"] or found["issued_before"]:
        return None
    return await _issue(unit, enrollment_id, found, found["completed_at"])


async def _issue(
    unit: Unit,
    enrollment_id: object,
    found: DictRow,
    completed_at: datetime,
    *,
    id_: str | None = None,
    replaces: DictRow | None = None,
) -> DictRow:
    id_, code, now = id_ or new_id(), new_code(), datetime.now(UTC)
    text = Document.of(
        id_=id_,
        code=code,
        institution_id=unit.institution_id,
        user_id=found["user_id"],
        course_id=found["course_id"],
        course_title=found["title"],
        completed_at=completed_at,
        issued_at=now,
    ).text()
    kid, signature = await keys.sign(unit.cursor, text)
    row = await repository.insert(
        unit,
        id=id_,
        enrollment_id=enrollment_id,
        user_id=found["user_id"],
        course_id=found["course_id"],
        code=code,
        document=text,
        signature=signature,
        kid=kid,
        shown_name=replaces and replaces["shown_name"],
        issued_at=now,
        replaces_id=replaces and replaces["id"],
    )
    replaced = str(replaces["id"]) if replaces else None
    unit.emit(CertificateIssued(**_ids(row), replaces_id=replaced), source=SOURCE, at=now)
    return row


async def get(unit: Unit, id_: UUID) -> DictRow:
    return _found(await repository.get(unit, id_), id_)


async def page(
    unit: Unit, of: Literal["user", "course"], id_: UUID, cursor: str | None, limit: int
) -> dict[str, Any]:
    """The certificates of a learner or a course, oldest first."""
    await (users.get(unit, id_) if of == "user" else courses.get(unit, id_))
    after = pages.decode(cursor, datetime)
    found = pages.page(await repository.page(unit, of, id_, after, limit + 1), limit)
    return found | {"items": [shown(row) for row in found["items"]]}


async def choose_name(
    unit: Unit, id_: UUID, choice: NameChoice, check: Callable[[DictRow], None]
) -> DictRow:
    row = _found(await repository.lock(unit, id_), id_)
    check(row)
    return _found(await repository.show_name(unit, id_, choice.shown_name), id_)


async def revoke(unit: Unit, id_: UUID, revocation: Revocation) -> DictRow:
    """What was revoked already stays as it is."""
    row = _found(await repository.lock(unit, id_), id_)
    return row if row["revoked_at"] else await _revoke(unit, row, revocation.reason)


async def _revoke(unit: Unit, row: DictRow, reason: str) -> DictRow:
    now, by = datetime.now(UTC), unit.caller.user_id
    event = CertificateRevoked(**_ids(row), revoked_by=by)
    unit.emit(event, source=SOURCE, at=now)
    return _found(await repository.revoke(unit, row["id"], now, by, reason), row["id"])


async def reissue(unit: Unit, id_: UUID) -> tuple[DictRow, bool]:
    """A new certificate in the place of one, which is revoked if it still counted; and whether it
    is new. The title is the course's as it is now. Raises ``Conflict`` for an erased holder, and
    where another certificate of the enrollment counts.
    """
    new, repeated = await claim(
        unit, "certificate", Reissue(), id_, shown=("certificate.read", resource.Certificate)
    )
    if repeated:
        return _found(await repository.get(unit, new), new), False
    row = _found(await repository.lock(unit, id_), id_)
    found = await repository.completion(unit, row["enrollment_id"])
    if found is None or found["erased"]:
        raise Conflict(f"the holder of certificate {id_} was erased")
    if row["revoked_at"] is None:
        row = await _revoke(unit, row, REISSUED)
    elif await repository.counts(unit, row["enrollment_id"]):
        raise Conflict(f"certificate {id_} was replaced already: reissue the newer one")
    completed_at = datetime.fromisoformat(facts(row["document"])["completed_on"])
    issued = await _issue(unit, row["enrollment_id"], found, completed_at, id_=new, replaces=row)
    return issued, True


def shown(row: DictRow) -> dict[str, Any]:
    """A row as the API shows it: without what is signed, with the link."""
    return {
        **{name: value for name, value in row.items() if name not in ("document", "signature")},
        "code": written(row["code"]),
        "url": f"{settings().public_url}/{written(row['code'])}",
        "status": "revoked" if row["revoked_at"] else "valid",
    }


async def verify(unit: Unit, code: str) -> dict[str, Any]:
    """What the link of a certificate shows whoever has it; raises ``NotFound``.

    What it says comes from the signed document, not from the row beside it: whoever changed the row
    changed nothing, or made the signature wrong (``invalid``).
    """
    row = await repository.verification(unit, code)
    if row is None:
        raise NotFound("there is no certificate with this code")
    signed = facts(row["document"])
    genuine = (
        keys.verifies(row["public_key"], row["signature"], row["document"])
        and signed["code"] == code
        and signed["holder"] == holder(code, row["user_id"])
        and signed["institution_id"] == unit.institution_id
    )
    status = "invalid" if not genuine else "revoked" if row["revoked_at"] else "valid"
    return {
        "status": status,
        "code": written(code),
        "course": signed["course_title"],
        "completed_on": signed["completed_on"],
        "issued_at": signed["issued_at"],
        "revoked_at": row["revoked_at"],
        "holder": _name(row) if genuine else None,
        "document": row["document"],
        "signature": base64.urlsafe_b64encode(bytes(row["signature"])).rstrip(b"=").decode(),
        "key_id": row["kid"],
    }


def _name(row: DictRow) -> str | None:
    """The holder's name as they want it shown; whoever opted out of the directory gets initials."""
    choice = row["shown_name"] or ("initials" if row["directory_opt_out"] else "full")
    if choice == "none" or row["erased_at"] is not None:
        return None
    sealed = ("erased_at", "name_encrypted", "wrapped_key")
    name = opened({"id": row["holder_id"], **{field: row[field] for field in sealed}})["name"]
    if choice == "full":
        return str(name)
    return " ".join(f"{word[0].upper()}." for word in name.split() if word[0].isalnum()) or None


def _ids(row: DictRow) -> dict[str, Any]:
    return {
        "certificate_id": str(row["id"]),
        "enrollment_id": str(row["enrollment_id"]),
        "user_id": str(row["user_id"]),
        "course_id": str(row["course_id"]),
    }


def _found(row: DictRow | None, id_: object) -> DictRow:
    if row is None:
        raise NotFound(f"there is no certificate {id_}")
    return row
