"""The compose file, read by compose itself."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from core_lms.access import role
from core_lms.api_keys import keys
from stack import kafka_access, principals, redis_acl
from stack.flink import FlinkSettings
from stack.http import HttpSettings
from stack.kafka import KafkaSettings
from stack.local import debian
from stack.local.catalogue import COMPONENTS
from stack.local.processes import PROCESSES
from stack.postgres import PostgresSettings
from stack.profile import REPOSITORY
from stack.qdrant import QdrantSettings
from stack.redis import RedisSettings
from stack.secrets import SecretSettings

pytestmark = pytest.mark.integration

_TEXT = (REPOSITORY / "docker-compose.yml").read_text(encoding="utf-8")
NEEDED = sorted(set(re.findall(r"\$\{(LMS_[A-Z0-9_]+):\?", _TEXT)))
"""What has to stand in .env."""
DIGEST = "sha256:" + 64 * "a"
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
def whole(compose: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    env = tmp_path_factory.mktemp("compose") / "env"
    env.write_text("".join(f"{name}={_value(name)}\n" for name in NEEDED))
    done = _config(compose, env, "--format", "json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="session")
def services(whole: dict[str, Any]) -> dict[str, Any]:
    return dict(whole["services"])


@pytest.fixture(scope="session")
def networks(whole: dict[str, Any]) -> dict[str, Any]:
    return dict(whole["networks"])


def test_every_server_and_every_process_of_ours_is_there(services: dict[str, Any]) -> None:
    servers = {"qdrant", "grafana", "prometheus", "pgbouncer"}
    assert set(COMPONENTS) | servers <= services.keys()


def _value(name: str) -> str:
    return DIGEST if "DIGEST" in name else f"value-of-{name}"


@pytest.mark.parametrize("missing", NEEDED)
def test_a_missing_secret_or_digest_stops_it_with_the_name(
    compose: Path, tmp_path: Path, missing: str
) -> None:
    env = tmp_path / "env"
    env.write_text("".join(f"{name}=x\n" for name in NEEDED if name != missing))
    done = _config(compose, env, "--quiet")
    assert done.returncode != 0
    assert missing in done.stderr


def test_what_stays_up_has_a_health_check(services: dict[str, Any]) -> None:
    once = {
        name for name, service in services.items() if service.get("restart") != "unless-stopped"
    }
    assert once == {"setup", "jobs", "checkpoints", "users"}
    assert [name for name in services.keys() - once if "healthcheck" not in services[name]] == []


def test_pages_and_apis_alone_are_published_and_on_loopback_only(
    services: dict[str, Any],
) -> None:
    published = {
        name: {port["host_ip"] for port in service["ports"]}
        for name, service in services.items()
        if "ports" in service
    }
    pages = ("lms", "serving", "dashboards", "grafana", "prometheus")
    assert published == {name: {"127.0.0.1"} for name in pages}


@pytest.fixture(
    params=sorted(
        re.findall(
            r"^  ([a-z]+):$",
            _TEXT.split("\nservices:\n")[1].split("\nnetworks:\n")[0],
            re.MULTILINE,
        )
    )
)
def service(request: pytest.FixtureRequest, services: dict[str, Any]) -> dict[str, Any]:
    """Each service on its own."""
    found: dict[str, Any] = services[request.param]
    return found | {"name": request.param}


def test_it_may_do_no_more_than_it_needs(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert int(service["mem_limit"]) > 0
    assert int(service["pids_limit"]) > 0
    bound = [volume for volume in service.get("volumes", []) if volume["type"] == "bind"]
    assert all(volume["read_only"] for volume in bound)
    assert not any("docker.sock" in volume["source"] for volume in bound)


NOT_ROOT = {  # the user that the image itself names, where we name none
    "pgbouncer": "postgres",
    "qdrant": "1000 (unprivileged)",
    "grafana": "472",
    "prometheus": "nobody",
}


def test_nobody_is_root_but_who_gives_the_folder_of_checkpoints_away(
    service: dict[str, Any],
) -> None:
    if service["name"] == "checkpoints":
        assert service["user"] == "root"
        assert service["network_mode"] == "none"
        return
    user = service.get("user", NOT_ROOT.get(service["name"]))
    assert user is not None
    assert user.split(":")[0] not in ("root", "0")


def test_every_image_is_pinned_by_its_digest(service: dict[str, Any]) -> None:
    if "build" in service:
        images = list(service["build"]["args"].values())
        assert len(images) == 2
    else:
        images = [service["image"]]
    assert all(re.fullmatch(rf"[\w./-]+:[\w.-]+@{DIGEST}", image) for image in images)


def test_flink_has_the_connectors_of_its_jobs(services: dict[str, Any]) -> None:
    for name in FLINK:
        assert services[name]["build"]["target"] == "flink"
    stages = (REPOSITORY / "docker/Dockerfile").read_text(encoding="utf-8").split("\nFROM ")
    [stage] = [text for text in stages if " AS flink\n" in text]
    assert "COPY --from=jars /jars /opt/flink/lib" in stage


def _on(services: dict[str, Any], network: str) -> set[str]:
    return {name for name, one in services.items() if network in (one.get("networks") or {})}


FLINK = {"jobmanager", "taskmanager"}
OPERATORS = {"setup", "jobs"}


def test_on_the_network_of_a_server_is_who_has_rights_there(services: dict[str, Any]) -> None:
    """As the lists of rights say, which the server goes by as well."""
    for network, granted in (
        ("kafka", set(kafka_access.GRANTS)),
        ("redis", set(redis_acl.rules())),
        (
            "postgres",
            {
                *role.ROLES,
                *_roles_of("pipelines/rights.sql"),
                *_roles_of("features/sql/rights.sql"),
            },
        ),
    ):
        processes = granted - {"operator", "reader", "flink", "analyst"}
        others = {network} | OPERATORS
        if "flink" in granted:
            others |= FLINK
        if "analyst" in granted:
            others |= {"grafana", "pgbouncer"}
        if network == "redis":
            others -= {"jobs"}
        assert _on(services, network) == processes | others, network
    assert _on(services, "qdrant") == {"qdrant", "serving"}
    assert _on(services, "pgbouncer") == {"pgbouncer", "lms"}
    assert _on(services, "flink") == {*FLINK, "jobs", "monitor"}
    assert _on(services, "api") == {"lms", "serving", "dashboards"}


def _roles_of(file: str) -> set[str]:
    """Whom a file of rights names, of the principals."""
    text = (REPOSITORY / file).read_text(encoding="utf-8")
    return {name for name in principals.PRINCIPALS if re.search(rf"\b{name}\b", text)}


def test_the_edge_alone_leads_outside(networks: dict[str, Any], services: dict[str, Any]) -> None:
    assert {name for name, one in networks.items() if not one.get("internal")} == {"edge"}
    servers = {"kafka", "postgres", "redis", "qdrant", "pgbouncer", *FLINK}
    assert _on(services, "edge").isdisjoint(servers)


def test_a_service_knows_its_own_password_and_no_other(services: dict[str, Any]) -> None:
    known = {
        name: {
            variable.removeprefix("LMS_SECRET_PRINCIPAL_").lower()
            for variable in service.get("environment", {})
            if variable.startswith("LMS_SECRET_PRINCIPAL_")
        }
        for name, service in services.items()
    }
    everybody = set(principals.PRINCIPALS)
    assert known.pop("setup") == everybody
    assert known.pop("users") == everybody
    assert known.pop("jobs") == {"operator", "flink"}
    for name in FLINK:
        assert known.pop(name) == {"flink"}
    for name, secrets in known.items():
        assert secrets == ({name} & everybody), name
    text = json.dumps({name: services[name] for name in known})
    for name in known.keys() & everybody:
        elsewhere = {
            other for other in known if f"PRINCIPAL_{name.upper()}" in json.dumps(services[other])
        }
        assert elsewhere <= {name, *({"pgbouncer"} if name == "lms" else ())}, name
    assert "PRINCIPAL_OPERATOR" not in text.replace(json.dumps(services["postgres"]), "")


def test_a_process_is_the_principal_of_its_name(services: dict[str, Any]) -> None:
    for process in PROCESSES:
        assert services[process.name]["environment"]["LMS_PRINCIPAL"] == process.name


def test_the_keys_of_personal_data_are_where_they_are_needed(services: dict[str, Any]) -> None:
    holding = {
        name
        for name, service in services.items()
        for volume in service.get("volumes", [])
        if volume["source"] == "secrets"
    }
    assert holding == {"setup", "lms", "inbox"}


def test_nobody_takes_pretended_money(services: dict[str, Any]) -> None:
    assert {
        service["environment"].get("LMS_PAYMENTS_PROVIDERS")
        for name, service in services.items()
        if name in ("lms", "inbox")
    } == {""}


_DOCKER = """#!/bin/sh
[ "$1 $2 $3" = "buildx imagetools inspect" ] || exit 2
case $4 in *redis*) echo sha256:%s ;; *) echo sha256:%s ;; esac
"""


def _prepare(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, folder / "docker/prepare.py", *options],
        env={"PATH": str(folder / "bin")},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What is prepared from, with a Docker that answers."""
    for name in ("docker-compose.yml", "docker/prepare.py", "core_lms/api_keys/keys.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((REPOSITORY / name).read_text())
    (tmp_path / "bin").mkdir()
    docker = tmp_path / "bin/docker"
    docker.write_text(_DOCKER % (64 * "1", 64 * "2"))
    docker.chmod(0o755)
    return tmp_path


def test_what_prepare_writes_is_enough_and_for_the_user_alone(
    compose: Path, checkout: Path
) -> None:
    done = _prepare(checkout)
    assert (done.returncode, done.stderr) == (0, "")
    env = checkout / ".env"
    assert env.stat().st_mode & 0o777 == 0o600
    assert _config(compose, env, "--quiet").returncode == 0
    values = dict(line.split("=", 1) for line in env.read_text().splitlines())
    assert sorted(values) == NEEDED
    assert len(set(values.values())) >= len(values) - sum("DIGEST" in name for name in values)
    assert values["LMS_DIGEST_REDIS"] == f"sha256:{64 * '1'}"
    assert keys.well_formed(values["LMS_SECRET_SERVICE_KEY_SERVING"])


def test_preparing_again_keeps_what_there_is_until_images_are_pinned_anew(checkout: Path) -> None:
    _prepare(checkout)
    first = (checkout / ".env").read_text()
    docker = checkout / "bin/docker"
    docker.write_text(_DOCKER % (64 * "3", 64 * "4"))
    assert _prepare(checkout).returncode == 0
    assert (checkout / ".env").read_text() == first
    assert _prepare(checkout, "--pin").returncode == 0
    again = (checkout / ".env").read_text()
    assert f"LMS_DIGEST_REDIS=sha256:{64 * '3'}" in again
    assert [line for line in again.splitlines() if "DIGEST" not in line] == [
        line for line in first.splitlines() if "DIGEST" not in line
    ]


def test_without_docker_the_passwords_are_made_and_the_images_named(checkout: Path) -> None:
    (checkout / "bin/docker").unlink()
    done = _prepare(checkout)
    assert done.returncode == 1
    assert "no digest of redis:8.0" in done.stderr
    assert "LMS_SECRET_PRINCIPAL_LMS=" in (checkout / ".env").read_text()


def test_what_keeps_data_keeps_it_in_a_volume(services: dict[str, Any]) -> None:
    for name in (
        *("kafka", "postgres", "redis", "qdrant", "grafana", "prometheus"),
        *("jobmanager", "lms", "serving", "inbox"),
    ):
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
    known |= {"LMS_PRINCIPAL", "LMS_HTTP_ALLOWED_HOSTS", "LMS_PAYMENTS_PROVIDERS"}
    known |= {"LMS_CONTENT_FOLDER", "LMS_AUDIT_HEADS"}
    given = {name for name in service["environment"] if not name.startswith("LMS_SECRET_")}
    assert given <= known
