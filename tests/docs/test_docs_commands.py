from __future__ import annotations

from conftest import ROOT

from compass.cli.reference import page


def test_the_reference_of_commands_is_the_one_that_the_commands_give() -> None:
    committed = (ROOT / "site" / "docs" / "reference" / "commands.md").read_text("utf-8")
    assert committed == page(), "run `python -m compass.cli.reference > site/docs/reference/commands.md`"
