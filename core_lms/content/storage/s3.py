"""Files in a bucket of S3, or of any server with its interface.

What a killed upload leaves is invisible and costs storage: give the bucket a lifecycle rule that
aborts incomplete multipart uploads after a day.
"""

from __future__ import annotations

from typing import Any

from obstore.store import S3Store

from contracts.errors import Misconfigured
from core_lms.content.settings import ContentSettings
from core_lms.content.storage._objects import Objects


def open_storage(settings: ContentSettings) -> Objects:
    if not settings.s3_bucket:
        raise Misconfigured(
            "LMS_CONTENT_STORAGE is s3: name the bucket in LMS_CONTENT_S3_BUCKET",
            setting="LMS_CONTENT_S3_BUCKET",
        )
    options: dict[str, Any] = {"region": settings.s3_region}
    if settings.s3_endpoint:
        options["endpoint"] = settings.s3_endpoint
        options["client_options"] = {"allow_http": settings.s3_endpoint.startswith("http://")}
    if settings.s3_access_key:
        options["access_key_id"] = settings.s3_access_key
        options["secret_access_key"] = settings.s3_secret_key.get_secret_value()
    return Objects(S3Store(settings.s3_bucket, **options))
