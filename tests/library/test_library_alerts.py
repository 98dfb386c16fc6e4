"""Rule files are read with the line of each alert, and no file holds up whoever reads it."""

from __future__ import annotations

import time

import pytest

from compass.library.alerts import alerts_in, read_alerts


def test_alerts_of_one_name_stand_each_on_its_own_line() -> None:
    text = "groups:\n- rules:\n  - alert: A   \n    expr: up\n\n  - alert: 'B c'\n  - alert: A\n"
    found = read_alerts("rules.yaml", text)
    assert not isinstance(found, str)
    assert [(one.name, one.line) for one in found] == [("A", 3), ("B c", 6), ("A", 7)]


@pytest.mark.parametrize(
    "text",
    ["alert: x" + " " * 200_000 + "y", "alert:" + " " * 200_000, "  - alert: a\n" * 100_000],
    ids=["spaces in a name", "spaces and no name", "one name again and again"],
)
def test_the_lines_of_any_rule_file_are_found_quickly(text: str) -> None:
    rules = [{"alert": "a"}] * text.count("\n")
    start = time.process_time()
    found = list(alerts_in("rules.yaml", text, [{"groups": [{"rules": rules}]}]))
    assert time.process_time() - start < 5
    assert [one.line for one in found] == list(range(1, len(rules) + 1))
