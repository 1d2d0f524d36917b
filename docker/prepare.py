"""Writes .env for `docker compose up`: passwords, service keys, and the digest of each image.

What .env has already stays; `--pin` asks the registry for the digests anew. Without Docker's
buildx at hand, a digest is left empty, and compose says which. Needs Python 3.9 and nothing else.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from core_lms.api_keys import keys  # noqa: E402  # the standard library is all it imports

_VARIABLE = re.compile(r"\$\{(LMS_[A-Z0-9_]+):\?")
_PINNED = re.compile(r"([\w./-]+:[\w.-]+)@\$\{(LMS_DIGEST_[A-Z]+):\?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pin", action="store_true", help="ask for the digests anew")
    args = parser.parse_args()
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    path = ROOT / ".env"
    have = read(path)
    images = {variable: image for image, variable in _PINNED.findall(compose)}
    missing = []
    for variable in dict.fromkeys(_VARIABLE.findall(compose)):
        if have.get(variable) and not (args.pin and variable in images):
            continue
        value = digest(images[variable]) if variable in images else new_secret(variable)
        if value is None:
            missing.append(images[variable])
        else:
            have[variable] = value
    write(path, have)
    for image in missing:
        print(f"no digest of {image}: `docker buildx imagetools inspect {image}`", file=sys.stderr)
    return 1 if missing else 0


def read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    given = [line.split("=", 1) for line in lines if "=" in line and not line.startswith("#")]
    return {name.strip(): value.strip() for name, value in given}


def write(path: Path, values: dict[str, str]) -> None:
    """Whole or not at all, and for this user alone."""
    fresh = path.with_name(".env.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in values.items())
    fresh.replace(path)


def new_secret(variable: str) -> str:
    return keys.new() if "SERVICE_KEY" in variable else secrets.token_urlsafe(24)


def digest(image: str) -> str | None:
    """What the registry has under this tag now."""
    command = ["docker", "buildx", "imagetools", "inspect", image]
    try:
        done = subprocess.run(
            [*command, "--format", "{{.Manifest.Digest}}"],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return None
    found = _DIGEST.fullmatch(done.stdout.strip())
    return found and found.group()


if __name__ == "__main__":
    sys.exit(main())
