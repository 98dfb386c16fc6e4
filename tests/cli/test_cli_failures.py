"""What a failure says is shown, and steers no terminal."""

from __future__ import annotations

import click
import pytest

from compass.cli.failures import guarded
from compass.errors import OutsideError

HOSTILE = "key \x1b]8;;https://evil.example\x07wrong\x1b]8;;\x07 \x9b2J \u202egnorw\u200b"


@pytest.mark.parametrize(
    ("failure", "code"), [(OutsideError(HOSTILE, HOSTILE), 3), (ValueError(HOSTILE), 70)]
)
def test_words_of_a_server_in_an_error_are_printed_without_what_steers_a_terminal(failure, code, capsys):
    @click.command()
    def failing() -> None:
        raise failure

    assert guarded(failing, []) == code
    shown = capsys.readouterr().err
    assert "wrong" in shown
    assert all(char == "\n" or char.isprintable() for char in shown)
