"""A certificate was taken back."""

from __future__ import annotations

from contracts.envelope import Envelope
from contracts.events.certificates import CertificateRevoked
from core_lms.notifications.facts import of_course
from core_lms.notifications.kinds import Facts, Kind
from core_lms.notifications.texts import Text
from core_lms.unit import Unit


async def facts(unit: Unit, envelope: Envelope) -> Facts | None:
    event = envelope.payload
    assert isinstance(event, CertificateRevoked)
    found = await of_course(unit, event.course_id)
    return found and found | {"certificate_id": event.certificate_id}


KIND = Kind(
    event=CertificateRevoked,
    about="A certificate of yours was taken back",
    texts={
        "en": Text(
            "Your certificate for {{ course }} was revoked",
            "Your certificate for “{{ course }}” no longer counts. The reason is with it.",
            "See the certificate",
        ),
        "de": Text(
            "Ihr Zertifikat für {{ course }} wurde widerrufen",
            "Ihr Zertifikat für „{{ course }}“ gilt nicht mehr. Der Grund steht dabei.",
            "Zertifikat ansehen",
        ),
    },
    facts=facts,
    example={
        "certificate_id": "01a2061c-f7c7-78eb-baaf-244bc2b01e95",
        "course_id": "01a2061c-f7c7-78eb-baaf-244bc2b01e93",
        "course": "Statistics",
    },
    essential=True,
    link="/api/v1/certificates/{certificate_id}",
)
