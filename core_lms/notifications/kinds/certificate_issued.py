"""A learner has a certificate."""

from __future__ import annotations

from contracts.events.certificates import CertificateIssued
from core_lms.certificates.document import written
from core_lms.certificates.settings import settings
from core_lms.notifications.facts import CERTIFICATE, certificate_code, titles
from core_lms.notifications.kinds import Facts, Kind
from core_lms.notifications.texts import Text
from core_lms.unit import Unit


async def at_sending(unit: Unit, user_id: str, known: Facts) -> Facts | None:
    # The public link, whose code is a secret, is looked up rather than written down once more.
    code = await certificate_code(unit, known["certificate_id"])
    return None if code is None else {"link": f"{settings().public_url}/{written(code)}"}


KIND = Kind(
    event=CertificateIssued,
    about="You have a certificate",
    texts={
        "en": Text(
            "Your certificate for {{ course }}",
            "Your certificate for “{{ course }}” is ready. It has a link that you can show to "
            "anybody; you decide how your name is shown there.",
            "See the certificate",
        ),
        "de": Text(
            "Ihr Zertifikat für {{ course }}",
            "Ihr Zertifikat für „{{ course }}“ ist da. Es hat einen Link, den Sie zeigen können, "
            "wem Sie wollen; Sie entscheiden, wie Ihr Name dort erscheint.",
            "Zertifikat ansehen",
        ),
    },
    facts=titles("certificate_id"),
    example=CERTIFICATE,
    link="/api/v1/certificates/{certificate_id}",
    at_sending=at_sending,
)
