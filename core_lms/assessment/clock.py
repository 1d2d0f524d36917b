"""The server's clock, as routes take it: time limits are decided by it and by no client's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends


def clock() -> datetime:
    """Now, in UTC; a test overrides this dependency."""
    return datetime.now(UTC)


Now = Annotated[datetime, Depends(clock)]
