"""A document to read or take along: a file of the course or an address."""

from __future__ import annotations

from core_lms.content.types._generic import VIEWED, File, Generic


class Document(Generic):
    """Opened, downloaded, completed when the learner says so."""

    about = "A file to read or keep: metadata.media_id or metadata.url"
    metadata = File
    interactions = VIEWED | {"content.downloaded"}


content_type = Document()
