"""Redis's own list of users, out of ``redis.acl`` and the principals' passwords."""

from __future__ import annotations

import hashlib
from pathlib import Path

from stack.principals import password

RULES = Path(__file__).with_name("redis.acl")
_FIRST = "resetkeys resetchannels -@all +ping +hello +quit +select +client|id +client|setinfo"


def rules() -> dict[str, str]:
    """What each user may, by principal."""
    lines = RULES.read_text(encoding="utf-8").splitlines()
    users = [line.split(maxsplit=2) for line in lines if line.startswith("user ")]
    return {name: granted for _, name, granted in users}


def users() -> str:
    """The text of an ``aclfile``: it holds hashes of passwords, never one itself."""
    lines = ["user default off resetkeys resetchannels -@all"]
    for name, granted in rules().items():
        digest = hashlib.sha256(password(name).encode()).hexdigest()
        lines.append(f"user {name} on #{digest} {_FIRST} {granted}")
    return "\n".join(lines) + "\n"
