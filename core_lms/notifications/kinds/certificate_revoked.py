"""A certificate was taken back."""

from __future__ import annotations

from contracts.events.certificates import CertificateRevoked
from core_lms.notifications.facts import CERTIFICATE, titles
from core_lms.notifications.kinds import Kind
from core_lms.notifications.texts import Text

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
    facts=titles("certificate_id"),
    example=CERTIFICATE,
    essential=True,
    link="/api/v1/certificates/{certificate_id}",
)
