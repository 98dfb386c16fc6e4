"""Errors that never stop are counted whatever second they began in."""

from __future__ import annotations

import pytest

from compass.investigate.logs import new_error_findings
from compass.investigate.observation import Observation, Slice
from compass.model.recording import LogLine

START = 1_777_636_800.0


def line(second: float, level: str, message: str) -> LogLine:
    return LogLine(round((START + second) * 1e9), {"service_name": "pay", "level": level}, message)


@pytest.mark.parametrize("detected", [300.0, 301.0, 302.5, 304.9])
@pytest.mark.parametrize("length", [3.0, 12.0, 300.0])
def test_an_error_in_every_stretch_of_time_is_found_wherever_the_stretches_begin(
    detected: float, length: float
) -> None:
    end = detected + length
    lines = [line(second, "INFO", "all is well") for second in range(0, 300, 2)]
    times = [detected + number * 0.5 for number in range(int(2 * length))]
    lines += [line(second, "ERROR", "no connection to the database") for second in times]
    observed = Observation(START + detected, START, START + end, Slice(logs=tuple(lines)))
    (found,) = new_error_findings(observed)
    assert found.component == "pay"
    assert "no connection to the database" in found.text


def test_errors_that_were_there_all_along_and_in_the_baseline_are_no_news() -> None:
    lines = tuple(line(second + 0.7, "ERROR", "no connection") for second in range(600))
    past = tuple(line(second - 9000.3, "ERROR", "no connection") for second in range(3000))
    observed = Observation(START + 303.3, START + 0.7, START + 600, Slice(logs=lines), Slice(logs=past))
    assert new_error_findings(observed) == []
