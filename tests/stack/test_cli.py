"""The command: found by file, explained by docstring, wrong use named."""

from __future__ import annotations

import ast

import pytest

from contracts.errors import Misconfigured
from stack import cli

EVERY_COMMAND = pytest.mark.parametrize("name", sorted(cli.commands()))


@EVERY_COMMAND
def test_every_command_says_what_it_does_in_one_line(name: str) -> None:
    doc = ast.get_docstring(ast.parse(cli.commands()[name].read_text(encoding="utf-8")))
    assert doc
    assert 10 <= len(doc.splitlines()[0]) <= 110


@EVERY_COMMAND
def test_every_command_explains_its_options(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.call(name, "--help")
    assert ended.value.code == 0
    assert f"learnstream {name}" in capsys.readouterr().out


def test_without_a_command_the_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    printed = capsys.readouterr().out
    assert all(name in printed for name in cli.commands())


def test_an_unknown_command_is_named_and_the_known_ones_listed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["fly"]) == 2
    assert "there is no command 'fly'" in capsys.readouterr().err


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
