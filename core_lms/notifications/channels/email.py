"""Mail by SMTP: text and HTML, unsubscribed from by one click (RFC 8058)."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as MAIL
from email.utils import format_datetime
from typing import Literal

import aiosmtplib
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from contracts.errors import Rejected, Retryable
from core_lms.notifications.channels import Message
from core_lms.notifications.settings import settings
from core_lms.notifications.texts import page
from core_lms.unit import Unit

WORDS = {
    "en": {"unsubscribe": "No more of these mails"},
    "de": {"unsubscribe": "Keine solchen Mails mehr"},
}


class EmailSettings(BaseSettings):
    """Mail goes out where ``smtp_host`` is set: ``LMS_NOTIFICATIONS_SMTP_*``."""

    model_config = SettingsConfigDict(env_prefix="LMS_NOTIFICATIONS_", frozen=True)

    smtp_host: str = ""
    """Empty: there is no mail, and what would have been one is marked as dropped."""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """``none`` is for a relay on the same machine: names and addresses would travel readable."""
    smtp_ca_file: str | None = None
    """Certificates to trust instead of the system's."""
    smtp_username: str | None = None
    smtp_password: str | None = None
    smtp_timeout_s: float = Field(default=20.0, gt=0)
    mail_from: str = "learnstream@localhost"
    """The sender's address; its domain is that of the Message-IDs."""


class Email:
    """Repeated after a crash, a mail has the same Message-ID: mail boxes keep one of the two."""

    needs_consent = True

    def unavailable(self) -> str | None:
        if EmailSettings().smtp_host:
            return None
        return "no mail server is set (LMS_NOTIFICATIONS_SMTP_HOST)"

    async def targets(self, unit: Unit, user_id: str) -> Sequence[str]:
        return ("",)

    async def send(self, message: Message) -> None:
        own = EmailSettings()
        mail = compose(message, await message.address(), own)
        try:
            await aiosmtplib.send(
                mail,
                hostname=own.smtp_host,
                port=own.smtp_port,
                timeout=own.smtp_timeout_s,
                username=own.smtp_username,
                password=own.smtp_password,
                use_tls=own.smtp_security == "tls",
                start_tls=own.smtp_security == "starttls",
                tls_context=None if own.smtp_security == "none" else _trusting(own),
            )
        # What a server says may quote the address: only its number is kept.
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [refused.code for refused in error.recipients]
            raise _verdict(max(codes, default=451), "the recipient") from None
        except aiosmtplib.SMTPResponseException as error:
            raise _verdict(error.code, "the mail") from None
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            raise Retryable(f"the mail server does not answer: {type(error).__name__}") from None


def compose(message: Message, address: str, own: EmailSettings) -> EmailMessage:
    """The mail as it is handed over; raises ``Rejected`` for an address that cannot be written."""
    mail = EmailMessage(policy=MAIL)
    sender = Address(settings().issuer, addr_spec=own.mail_from)
    try:
        mail["To"] = Address(addr_spec=address)
    except (MessageError, ValueError, IndexError):
        raise Rejected("the address cannot be written in a mail") from None
    mail["From"] = sender
    mail["Subject"] = message.text.subject
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["Message-ID"] = f"<{message.delivery_id}@{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # nobody's absence is to answer it (RFC 3834)
    if message.unsubscribe is not None:
        mail["List-Unsubscribe"] = f"<{message.unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    words = WORDS.get(message.text.language, WORDS["en"])
    lines = [message.text.body]
    if message.link:
        lines.append(f"{message.text.action}: {message.link}" if message.text.action else "")
    if message.unsubscribe:
        lines.append(f"-- \n{words['unsubscribe']}: {message.unsubscribe}")
    mail.set_content("\n\n".join(filter(None, lines)) + "\n", cte="quoted-printable")
    mail.add_alternative(
        page(
            "mail.html",
            text=message.text,
            paragraphs=message.text.body.split("\n\n"),
            link=message.link,
            unsubscribe=message.unsubscribe,
            issuer=settings().issuer,
            words=words,
        ),
        subtype="html",
        cte="quoted-printable",
    )
    mail["Content-Language"] = message.text.language  # last: a part takes what is set before
    return mail


def _trusting(own: EmailSettings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=own.smtp_ca_file)


def _verdict(code: int, what: str) -> Retryable | Rejected:
    """4yz: not now; 5yz: never (RFC 5321, 4.2.1). A refused login is ours to repair."""
    if 500 <= code < 600 and code not in (530, 534, 535, 538):
        return Rejected(f"the mail server refuses {what}: {code}")
    return Retryable(f"the mail server does not take {what} now: {code}")


channel = Email()
