"""The command: found by file, explained by docstring, wrong use named."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
import redis.exceptions
from pydantic import BaseModel

from contracts.errors import Misconfigured
from stack import cli, failures
from stack.profile import REPOSITORY

EVERY_COMMAND = pytest.mark.parametrize("name", sorted(cli.commands()))


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and those of its actions."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from parsers(inner)


@EVERY_COMMAND
def test_every_command_says_what_it_does_in_one_line(name: str) -> None:
    command = cli.described(cli.commands()[name])
    assert 10 <= len(command.about) <= 84
    assert command.about.endswith(".")


@EVERY_COMMAND
def test_every_command_belongs_to_a_group(name: str) -> None:
    path = cli.commands()[name]
    assert re.search(r'^GROUP = "\w+"$', path.read_text(encoding="utf-8"), re.MULTILINE), path
    assert cli.described(path).group in cli.GROUPS


@EVERY_COMMAND
def test_every_command_explains_itself_and_its_actions_in_plain_text(name: str) -> None:
    parser, _ = cli.parser_of(name)
    for one in parsers(parser):
        text = one.format_help()
        assert f"learnstream {name}" in text
        assert "``" not in text
        assert all(action.help for action in one._actions if action.option_strings), text


@EVERY_COMMAND
def test_an_option_that_no_command_has_is_wrong_use(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([name, "--no-such-option"])
    assert ended.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_the_help_has_every_command_once_under_what_people_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["--help"]) == 0
    printed = capsys.readouterr().out
    titles = [line for line in printed.splitlines() if line in cli.GROUPS.values()]
    assert titles == list(cli.GROUPS.values())
    for name in cli.commands():
        assert len(re.findall(rf"^  {name} ", printed, re.MULTILINE)) == 1
    assert max(map(len, printed.splitlines())) <= 100


def test_without_a_command_the_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "\nStart and stop\n" in capsys.readouterr().out


def test_the_version_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"learnstream {cli.version()}\n"
    for path in REPOSITORY.glob("*/*.py"):
        assert f'"{cli.version()}"' not in path.read_text(encoding="utf-8"), path


@pytest.mark.parametrize(
    ("typed", "meant"), [("stats", "status"), ("veryfy", "verify"), ("dead-letter", "dead-letters")]
)
def test_a_misspelt_command_gets_a_suggestion(
    typed: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([typed]) == 2
    printed = capsys.readouterr().err
    assert f"there is no command {typed!r}; did you mean {meant!r}?" in printed


def test_a_command_like_no_other_gets_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["xylophone"]) == 2
    printed = capsys.readouterr().err
    assert "there is no command 'xylophone'\n" in printed
    assert "learnstream --help" in printed


@pytest.mark.parametrize(
    ("typed", "meant"), [(["jobs", "cancle"], "cancel"), (["status", "--jsn"], "--json")]
)
def test_a_misspelt_action_or_option_gets_a_suggestion(
    typed: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(typed)
    assert ended.value.code == 2
    assert f"did you mean {meant!r}?" in capsys.readouterr().err


WRONG: dict[str, list[str]] = {
    "a person who is none": ["token", "--user", "nobody"],
    "an institution that is none": ["token", "--institution", "ours"],
    "a link for a person who is none": ["sign-in", "--user", "nobody"],
    "erasing a person who is none": ["privacy", "erase", "nobody"],
    "a moment that is none": ["backfill", "--since", "yesterday"],
    "another moment that is none": ["rebuild", "course_totals", "--since", "soon"],
    "a cut-off that is none": ["train", "recommender", "--until", "now"],
    "a model that is none": ["train", "oracle"],
    "a folder that is none": ["import", "oulad", "/no/such/folder"],
    "a catalogue that is none": ["import", "catalogue", "/no/such/folder"],
    "a course that is none": ["sample-oulad", "/no/such/folder", "/tmp/none", "GGG"],
    "a job that is none": ["jobs", "submit", "no_such_job"],
    "a table that is none": ["rebuild", "no_such_table"],
    "a server that is none": ["up", "no_such_server"],
    "a benchmark that is none": ["bench", "no_such_bench"],
    "a database that is none": ["psql", "no_such_database"],
    "a head that is none": ["audit", "verify", "--head", "here"],
    "a service key's institution": ["service-keys", "list", "--institution", "ours"],
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_input_ends_in_a_sentence(case: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status: object = cli.main(WRONG[case])
    except SystemExit as ended:
        status = ended.code
    assert status in (1, 2)
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith(f"learnstream {WRONG[case][0]}"), last


@pytest.mark.parametrize(
    "typed",
    [
        ["jobs", "cancel"],
        ["jobs", "cancel", "--all", "course_metrics"],
        ["wipe"],
        ["wipe", "--yes"],
    ],
)
def test_nothing_is_destroyed_without_a_name_or_all(
    typed: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipelines import operation
    from pipelines.commands import jobs
    from stack.local import stack

    def never(*_: object) -> str:
        raise AssertionError("something was destroyed")

    monkeypatch.setattr(operation, "cancel", never)
    monkeypatch.setattr(stack, "wipe", never)
    monkeypatch.setattr(stack, "down", never)
    monkeypatch.setattr(jobs, "find", lambda name: argparse.Namespace(name=name))
    assert cli.main(typed) == 2
    assert "say --all" in capsys.readouterr().err


@pytest.mark.parametrize(("names", "again"), [(["a", "b"], "submit a b"), (["--all"], "submit")])
def test_who_cancels_is_told_what_brings_it_back(
    names: list[str],
    again: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from pipelines import operation
    from pipelines.commands import jobs

    monkeypatch.setattr(operation, "cancel", lambda names: "stopped at file:///savepoint")
    monkeypatch.setattr(jobs, "find", lambda name: argparse.Namespace(name=name))
    assert cli.main(["jobs", "cancel", *names]) == 0
    assert capsys.readouterr().out.endswith(f": ./learnstream jobs {again}\n")


def test_an_error_of_ours_is_one_sentence_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(name: str, *argv: str) -> int:
        raise Misconfigured("port 19092 is taken; set LMS_LOCAL_PORT_OFFSET")

    monkeypatch.setattr(cli, "call", fail)
    assert cli.main(["check"]) == 1
    assert capsys.readouterr().err == (
        "learnstream check: port 19092 is taken; set LMS_LOCAL_PORT_OFFSET\n"
    )


class Setting(BaseModel):
    """Like a settings class."""

    port: int


def _of(*raised: object) -> Exception:
    """The exception that calling the first with the others raises."""
    call, *arguments = raised
    assert callable(call)
    try:
        call(*arguments)
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (psycopg.OperationalError("connection refused\nIs it?"), "PostgreSQL does not answer"),
        (psycopg.errors.UndefinedTable("no relation users"), "`learnstream setup`"),
        (psycopg.errors.InvalidTextRepresentation("no uuid"), "PostgreSQL refuses a value"),
        (redis.exceptions.ConnectionError("refused"), "Redis does not answer"),
        (httpx.ConnectError("refused"), "does not answer"),
        (_of(open, "/no/such/file"), "/no/such/file: No such file or directory"),
        (_of(Path("/tmp").read_bytes), "/tmp: Is a directory"),
        (ConnectionRefusedError(111, "Connection refused"), "a server does not answer"),
        (_of(b"\xff".decode), "not UTF-8"),
        (_of(Setting.model_validate, {"port": "x"}), "Setting cannot be read: port"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_fails_outside_is_one_sentence(error: Exception, said: str) -> None:
    sentence = failures.sentence(error)
    assert sentence is not None
    assert said in sentence
    assert "\n" not in sentence


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str, *argv: str) -> int:
        raise KeyError("a bug")

    monkeypatch.setattr(cli, "call", fail)
    with pytest.raises(KeyError):
        cli.main(["check"])
