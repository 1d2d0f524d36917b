"""Issuing, showing, verifying and taking back certificates."""

from __future__ import annotations

import base64
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from contracts.errors import Rejected
from contracts.events.certificates import CertificateIssued, CertificateRevoked
from contracts.ids import new_id
from core_lms import pages
from core_lms.certificates import keys, resource
from core_lms.certificates.document import Document, facts, holder, new_code, written
from core_lms.certificates.repository import SQL, Completion, StoredCertificate, VerifiedCertificate
from core_lms.certificates.schemas import Certificate, NameChoice, Reissue, Revocation
from core_lms.certificates.settings import settings
from core_lms.courses import service as courses
from core_lms.idempotency import claim
from core_lms.sealing.person import opened
from core_lms.unit import Unit, found
from core_lms.users import service as users
from gateway.errors import Conflict
from gateway.etags import Check
from gateway.pages import Window

SOURCE = "certificate-service"
REISSUED = "replaced by a new certificate"


async def award(unit: Unit, enrollment_id: str) -> StoredCertificate | None:
    """The certificate of a completed course; None where none is due.

    None is due to an erased person, for a course whose metadata say ``"certificate": false``, and
    where there is or was one already. Raises ``Rejected`` for an unknown enrollment, and for one
    that is not completed.
    """
    completion = await unit.one(Completion, SQL["completion"], enrollment_id=enrollment_id)
    if completion is None:
        raise Rejected(f"there is no enrollment {enrollment_id}", enrollment_id=enrollment_id)
    if completion.completed_at is None:
        raise Rejected(f"enrollment {enrollment_id} is not completed", enrollment_id=enrollment_id)
    if completion.erased or not completion.certified or completion.issued_before:
        return None
    return await _issue(unit, enrollment_id, completion, completion.completed_at)


async def _issue(
    unit: Unit,
    enrollment_id: object,
    completion: Completion,
    completed_at: datetime,
    *,
    id_: str | None = None,
    replaces: StoredCertificate | None = None,
) -> StoredCertificate:
    id_, code, now = id_ or new_id(), new_code(), datetime.now(UTC)
    text = Document(
        id=id_,
        code=code,
        institution_id=unit.institution_id,
        course_id=str(completion.course_id),
        course_title=completion.title,
        holder=holder(code, completion.user_id),
        completed_on=completed_at.date().isoformat(),
        issued_at=now.isoformat().replace("+00:00", "Z"),
    ).text()
    kid, signature = await keys.sign(unit.cursor, text)
    values = {
        "enrollment_id": enrollment_id,
        "user_id": completion.user_id,
        "course_id": completion.course_id,
        "code": code,
        "document": text,
        "signature": signature,
        "kid": kid,
        "shown_name": replaces and replaces.shown_name,
        "issued_at": now,
        "replaces_id": replaces and replaces.id,
    }
    row = await _certificate(unit, "insert", id_, **values)
    replaced = str(replaces.id) if replaces else None
    unit.emit(CertificateIssued(**_ids(row), replaces_id=replaced), source=SOURCE, at=now)
    return row


async def get(unit: Unit, id_: object) -> StoredCertificate:
    """Raises ``NotFound``."""
    return await _certificate(unit, "get", id_)


async def _certificate(unit: Unit, name: str, id_: object, /, **values: Any) -> StoredCertificate:
    what = f"certificate {id_}"
    return await unit.need(StoredCertificate, SQL[name], what, id=id_, **values)


async def page(
    unit: Unit, of: Literal["user", "course"], id_: UUID, window: Window
) -> dict[str, Any]:
    """The certificates of a learner or a course, oldest first."""
    await (users.get(unit, id_) if of == "user" else courses.get(unit, id_))
    which: dict[str, Any] = {f"{of}_id": id_}
    listed = await pages.read(unit, StoredCertificate, SQL[f"of_{of}"], window, **which)
    return listed | {"items": [shown(row) for row in listed["items"]]}


async def choose_name(unit: Unit, id_: UUID, choice: NameChoice, check: Check) -> StoredCertificate:
    """How the link shows the holder's name."""
    check(shown(await _certificate(unit, "lock", id_)))
    return await _certificate(unit, "show_name", id_, shown_name=choice.shown_name)


async def revoke(unit: Unit, id_: UUID, revocation: Revocation) -> StoredCertificate:
    """What was revoked already stays as it is."""
    row = await _certificate(unit, "lock", id_)
    return row if row.revoked_at else await _revoke(unit, row, revocation.reason)


async def _revoke(unit: Unit, row: StoredCertificate, reason: str) -> StoredCertificate:
    now, by = datetime.now(UTC), unit.caller.user_id
    unit.emit(CertificateRevoked(**_ids(row), revoked_by=by), source=SOURCE, at=now)
    return await _certificate(unit, "revoke", row.id, at=now, revoked_by=by, reason=reason)


async def reissue(unit: Unit, id_: UUID) -> StoredCertificate:
    """A new certificate in the place of one, which is revoked if it still counted.

    The title is the course's as it is now. Raises ``Conflict`` for an erased holder, and
    where another certificate of the enrollment counts.
    """
    new = await claim(
        unit, "certificate", Reissue(), id_, shown=("certificate.read", resource.Certificate)
    )
    if unit.repeated:
        return await get(unit, new)
    row = await _certificate(unit, "lock", id_)
    enrollment_id = row.enrollment_id
    completion = await unit.one(Completion, SQL["completion"], enrollment_id=enrollment_id)
    if completion is None or completion.erased:
        raise Conflict(f"the holder of certificate {id_} was erased")
    if row.revoked_at is None:
        row = await _revoke(unit, row, REISSUED)
    elif await unit.value(SQL["counts"], enrollment_id=enrollment_id) is not None:
        raise Conflict(f"certificate {id_} was replaced already: reissue the newer one")
    completed_at = datetime.fromisoformat(facts(row.document)["completed_on"])
    return await _issue(unit, enrollment_id, completion, completed_at, id_=new, replaces=row)


def shown(row: StoredCertificate) -> Certificate:
    """A row as the API shows it: without what is signed, with the link."""
    code = written(row.code)
    status = "revoked" if row.revoked_at else "valid"
    made = {"code": code, "url": f"{settings().public_url}/{code}", "status": status}
    return Certificate(**asdict(row) | made)


async def verify(unit: Unit, code: str) -> dict[str, Any]:
    """What the link of a certificate shows whoever has it; raises ``NotFound``.

    What it says comes from the signed document, not from the row beside it: whoever changed the row
    changed nothing, or made the signature wrong (``invalid``).
    """
    row = found(
        await unit.one(VerifiedCertificate, SQL["verification"], code=code),
        "there is no certificate with this code",
    )
    signed = facts(row.document)
    genuine = (
        keys.verifies(row.public_key, row.signature, row.document)
        and signed["code"] == code
        and signed["holder"] == holder(code, row.user_id)
        and signed["institution_id"] == unit.institution_id
    )
    status = "invalid" if not genuine else "revoked" if row.revoked_at else "valid"
    return {
        "status": status,
        "code": written(code),
        "course": signed["course_title"],
        "completed_on": signed["completed_on"],
        "issued_at": signed["issued_at"],
        "revoked_at": row.revoked_at,
        "holder": _name(row) if genuine else None,
        "document": row.document,
        "signature": base64.urlsafe_b64encode(bytes(row.signature)).rstrip(b"=").decode(),
        "key_id": row.kid,
    }


def _name(row: VerifiedCertificate) -> str | None:
    """The holder's name as they want it shown; whoever opted out of the directory gets initials."""
    choice = row.shown_name or ("initials" if row.directory_opt_out else "full")
    if choice == "none" or row.erased_at is not None:
        return None
    name = opened(asdict(row) | {"id": row.holder_id})["name"]
    if choice == "full":
        return str(name)
    return " ".join(f"{word[0].upper()}." for word in name.split() if word[0].isalnum()) or None


def _ids(row: StoredCertificate) -> dict[str, Any]:
    named = {name: str(getattr(row, name)) for name in ("enrollment_id", "user_id", "course_id")}
    return {"certificate_id": str(row.id), **named}
