"""Open Redis's shell, with read rights.

It reads every key and writes none; --write makes it the operator's. Options for redis-cli follow
--: `learnstream redis -- --scan --pattern 'live:*'`.
"""

from __future__ import annotations

import argparse
import os
import shutil

from redis.connection import parse_url

from contracts.errors import Misconfigured
from stack.principals import READER, password
from stack.profile import profile
from stack.redis import RedisSettings

GROUP = "data"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--write", action="store_true", help="as the operator, who may everything")
    parser.add_argument("words", nargs="*", metavar="COMMAND", help="none: interactive")


def run(args: argparse.Namespace) -> int | None:
    parts = parse_url(RedisSettings().url)  # type: ignore[no-untyped-call]
    if not args.write:
        parts |= {"username": READER, "password": password(READER)}
    address = ["-h", parts.get("host", "127.0.0.1"), "-p", str(parts.get("port", 6379))]
    address += ["-n", str(parts.get("db", 0))]
    if parts.get("username"):
        address += ["--user", parts["username"]]
    if RedisSettings().url.startswith("rediss:"):
        address.append("--tls")
        # redis-cli reads the same files under names of its own.
        files = {"ssl_ca_certs": "--cacert", "ssl_certfile": "--cert", "ssl_keyfile": "--key"}
        for name, option in files.items():
            address += [option, parts[name]] if name in parts else []
    environment = {"REDISCLI_AUTH": parts["password"]} if parts.get("password") else {}
    program = _program()
    os.execve(program, [program, *address, *args.words], {**os.environ, **environment})


def _program() -> str:
    ours = profile().programs / "redis/usr/bin/redis-cli"
    found = str(ours) if ours.exists() else shutil.which("redis-cli")
    if found is None:
        raise Misconfigured("redis-cli is not installed: `learnstream up redis` brings one")
    return found
