"""The compose file, read by compose itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from stack.flink import FlinkSettings
from stack.http import HttpSettings
from stack.kafka import KafkaSettings
from stack.local import debian
from stack.local.catalogue import PARTS
from stack.local.processes import PROCESSES
from stack.postgres import PostgresSettings
from stack.profile import REPOSITORY
from stack.qdrant import QdrantSettings
from stack.redis import RedisSettings
from stack.secrets import SecretSettings

pytestmark = pytest.mark.integration

SECRETS = (
    "LMS_POSTGRES_PASSWORD",
    "LMS_POSTGRES_APP_PASSWORD",
    "LMS_REDIS_PASSWORD",
    "LMS_QDRANT_API_KEY",
    "LMS_GRAFANA_PASSWORD",
)
SETTINGS = (
    FlinkSettings,
    HttpSettings,
    KafkaSettings,
    PostgresSettings,
    QdrantSettings,
    RedisSettings,
    SecretSettings,
)


@pytest.fixture(scope="session")
def compose() -> Path:
    """Compose is one static binary; no engine is needed to read a file."""
    tree = debian.fetch("docker-compose", "trixie", ["docker-compose"], [], lambda doing: None)
    return tree / "usr/libexec/docker/cli-plugins/docker-compose"


def _config(compose: Path, env: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [compose, "--env-file", env, "-f", REPOSITORY / "docker-compose.yml", "config", *options],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(env.parent)},
    )


@pytest.fixture(scope="session")
def services(compose: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    env = tmp_path_factory.mktemp("compose") / "env"
    env.write_text("".join(f"{name}=value-of-{name}\n" for name in SECRETS))
    done = _config(compose, env, "--format", "json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout)["services"])


def test_every_server_and_every_process_of_ours_is_there(services: dict[str, Any]) -> None:
    servers = {"qdrant", "grafana", "prometheus", "pgbouncer"}
    assert set(PARTS) | servers <= services.keys()


@pytest.mark.parametrize("missing", SECRETS)
def test_a_missing_secret_stops_it_with_the_name(
    compose: Path, tmp_path: Path, missing: str
) -> None:
    env = tmp_path / "env"
    env.write_text("".join(f"{name}=x\n" for name in SECRETS if name != missing))
    done = _config(compose, env, "--quiet")
    assert done.returncode != 0
    assert missing in done.stderr


def test_the_example_names_every_secret_and_holds_none() -> None:
    lines = (REPOSITORY / ".env.example").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == [f"{name}=" for name in SECRETS]


def test_what_stays_up_has_a_health_check(services: dict[str, Any]) -> None:
    once = {
        name for name, service in services.items() if service.get("restart") != "unless-stopped"
    }
    assert once == {"setup", "jobs", "checkpoints"}
    assert [name for name in services.keys() - once if "healthcheck" not in services[name]] == []


def test_everything_is_published_on_loopback_only(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert published
    assert {port["host_ip"] for port in published} == {"127.0.0.1"}


def test_what_keeps_data_keeps_it_in_a_volume(services: dict[str, Any]) -> None:
    for name in ("kafka", "postgres", "redis", "qdrant", "grafana", "prometheus", "jobmanager"):
        assert "volume" in {volume["type"] for volume in services[name]["volumes"]}, name


def test_mounted_files_exist(services: dict[str, Any]) -> None:
    mounted = [
        Path(volume["source"])
        for service in services.values()
        for volume in service.get("volumes", [])
        if volume["type"] == "bind"
    ]
    assert mounted
    assert [path for path in mounted if not path.exists()] == []


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_our_processes_run_the_same_module_with_settings_we_read(
    services: dict[str, Any], process: Any
) -> None:
    service = services[process.name]
    assert service["command"] == ["python", "-m", process.module]
    known = {
        f"{settings.model_config['env_prefix']}{field}".upper()
        for settings in SETTINGS
        for field in settings.model_fields
    }
    assert set(service["environment"]) <= known
