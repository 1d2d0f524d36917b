"""A real SMTP server that keeps what it is sent."""

from __future__ import annotations

from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller


class Mailbox:
    """Takes every mail; the texts of what went to an address, oldest first."""

    def __init__(self, port: int) -> None:
        self._mails: list[tuple[list[str], str]] = []
        self._server = Controller(self, hostname="127.0.0.1", port=port)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        message = message_from_bytes(envelope.content, _class=EmailMessage, policy=policy.default)
        body = message.get_body(("plain",))
        self._mails.append((list(envelope.rcpt_tos), "" if body is None else body.get_content()))
        return "250 kept"

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def to(self, address: str) -> list[str]:
        return [text for recipients, text in list(self._mails) if address in recipients]
