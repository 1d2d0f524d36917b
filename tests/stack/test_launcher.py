"""The launcher stops at once with one sentence, and leaves nothing half-made."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from stack.profile import REPOSITORY

TOOLS = """
bash cat cut df dirname du env flock grep head id mkdir mktemp printf readlink rm sed sha256sum
sleep tail uname chmod
"""
LOCKS = ("requirements.lock", "requirements-dev.lock", "stack/uv.lock")
UNREACHABLE = {
    "PIP_INDEX_URL": "http://127.0.0.1:9/",
    "PIP_RETRIES": "0",
    "PIP_NO_CACHE_DIR": "1",
    "PIP_CONFIG_FILE": "/dev/null",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout without environment, in a folder with a space in its name."""
    folder = tmp_path / "my checkout"
    (folder / "stack").mkdir(parents=True)
    for name in ("learnstream", *LOCKS):
        shutil.copy(REPOSITORY / name, folder / name)
    return folder


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A PATH with the tools of a bare Debian: neither Java nor Maven, and we are not root."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS.split():
        found = shutil.which(tool)
        if found is not None:
            (folder / tool).symlink_to(found)
    program(folder, "id", "echo 1000")
    program(folder, "python3.11", f'exec "{sys._base_executable}" "$@"')
    return folder


def program(folder: Path, name: str, script: str) -> None:
    (folder / name).unlink(missing_ok=True)
    (folder / name).write_text(f"#!/bin/bash\n{script}\n")
    (folder / name).chmod(0o755)


def launch(checkout: Path, path: Path, **env: str) -> tuple[int, str]:
    """Run it from elsewhere, without terminal and standard input."""
    keep = {name: os.environ[name] for name in ("HOME", "TMPDIR") if name in os.environ}
    done = subprocess.run(
        [checkout / "learnstream", "status"],
        cwd="/",
        env={**keep, "PATH": str(path), **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_missing_java_and_maven_become_one_command_to_type(checkout: Path, path: Path) -> None:
    status, said = launch(checkout, path)
    assert status == 1
    assert "`sudo apt-get install openjdk-17-jre-headless maven`" in said
    assert "docker compose up" in said
    assert said.count("\n") == 1
    assert not (checkout / ".learnstream" / "venv").exists()


def test_a_java_that_is_too_old_counts_as_missing(checkout: Path, path: Path) -> None:
    program(path, "java", "echo 'openjdk version \"11.0.2\" 2019-01-15' >&2")
    program(path, "mvn", "exit 0")
    status, said = launch(checkout, path)
    assert status == 1
    assert "`sudo apt-get install openjdk-17-jre-headless`" in said


ROOT_S_APT = """
echo "$@" >>"$0.said"
[[ $1 == update ]] && exit 0
here=$(dirname "$0")
printf '#!/bin/bash\\necho openjdk version \\\\"17.0.1\\\\" >&2\\n' >"$here/java"
printf '#!/bin/bash\\n' >"$here/mvn"
chmod +x "$here/java" "$here/mvn"
"""


@pytest.mark.slow
def test_root_installs_what_is_missing_and_goes_on(checkout: Path, path: Path) -> None:
    program(path, "id", "echo 0")
    program(path, "apt-get", ROOT_S_APT)
    status, said = launch(checkout, path, **UNREACHABLE)
    assert "installing openjdk-17-jre-headless maven with apt-get" in said
    assert "openjdk-17-jre-headless maven\n" in (path / "apt-get.said").read_text()
    assert "the Python packages cannot be installed" in said  # so it went on
    assert status == 1


def test_when_apt_fails_its_reason_is_told(checkout: Path, path: Path) -> None:
    program(path, "id", "echo 0")
    program(path, "apt-get", "echo 'E: Unable to locate package' >&2; exit 100")
    status, said = launch(checkout, path)
    assert status == 1
    assert "apt-get cannot install openjdk-17-jre-headless maven (E: Unable to locate" in said
    assert not (checkout / ".learnstream" / "venv").exists()


def test_another_system_is_sent_to_containers(checkout: Path, path: Path) -> None:
    program(path, "uname", "[[ $1 == -s ]] && echo Darwin || echo arm64")
    status, said = launch(checkout, path)
    assert status == 1
    assert said.startswith("learnstream: Darwin on arm64 is not supported")
    assert "docker compose up" in said
    assert not (checkout / ".learnstream").exists()


def test_a_full_disk_is_named_with_its_folder(checkout: Path, path: Path) -> None:
    program(path, "df", "printf 'Avail\\n  100\\n'")
    status, said = launch(checkout, path)
    assert status == 1
    assert "only 100 MB are free in" in said
    assert "LMS_LOCAL_ROOT" in said


def test_a_folder_that_cannot_be_written_is_named(checkout: Path, path: Path) -> None:
    status, said = launch(checkout, path, LMS_LOCAL_ROOT="/proc/nowhere")
    assert status == 1
    assert said.startswith("learnstream: /proc/nowhere cannot be written")


@pytest.mark.slow
def test_without_network_nothing_half_made_stays(checkout: Path, path: Path) -> None:
    program(path, "java", "echo 'openjdk version \"17.0.1\" 2021-10-19' >&2")
    program(path, "mvn", "exit 0")
    status, said = launch(checkout, path, **UNREACHABLE)
    assert status == 1
    assert "the Python packages cannot be installed" in said
    assert "check the network" in said
    assert not (checkout / ".learnstream" / "venv").exists()


def test_what_python_compiles_is_kept_beside_the_environment_whatever_the_caller_does(
    checkout: Path, path: Path
) -> None:
    root = checkout / ".learnstream"
    (root / "venv" / "bin").mkdir(parents=True)
    program(root / "venv" / "bin", "python", "exec env")
    locks = [(checkout / name).read_bytes() for name in LOCKS]
    made = sha256(b"".join([*locks, str(root / "venv").encode()])).hexdigest()
    (root / "venv" / ".made-from").write_text(f"{made}  -\n")
    status, said = launch(checkout, path, PYTHONDONTWRITEBYTECODE="1")
    assert status == 0, said
    assert f"PYTHONPYCACHEPREFIX={root}/bytecode" in said.splitlines()
    assert "PYTHONDONTWRITEBYTECODE" not in said


@pytest.mark.slow
def test_the_callers_folder_lends_no_modules(tmp_path: Path) -> None:
    (tmp_path / "stack").mkdir()
    (tmp_path / "stack" / "__init__.py").write_text("raise SystemExit('the wrong stack')")
    done = subprocess.run(
        [REPOSITORY / "learnstream", "help"],
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "usage: learnstream COMMAND" in done.stdout
