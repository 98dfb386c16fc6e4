from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from compass.cli import main
from compass.cli.serve import command


def test_serve_explains_itself() -> None:
    result = CliRunner().invoke(command, ["--help"])
    assert result.exit_code == 0
    assert "--recording" in result.output


def test_serve_refuses_a_folder_that_is_no_recording(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(["serve", "--recording", str(tmp_path)])
    assert end.value.code == 2
    assert "not a recording" in capsys.readouterr().err
