"""What the site says about the search's confidence is what was measured when it was learnt."""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import pytest

from compass.retrieval.reference import page

ROOT = Path(__file__).parents[2]


def committed() -> dict[str, object]:
    return dict(
        json.loads(resources.files("compass.retrieval").joinpath("coefficients.json").read_text("utf-8"))
    )


def test_the_page_is_the_one_that_the_coefficients_make() -> None:
    found = (ROOT / "site/docs/explanation/how-sure-a-search-is.md").read_text("utf-8")
    assert found == page(committed()), (
        "run: python -m compass.retrieval.reference > site/docs/explanation/how-sure-a-search-is.md"
    )


def test_every_question_is_in_the_table_and_the_plot() -> None:
    data = committed()
    text = page(data)
    points = data["made_by"]["reliability_out_of_fold"]  # type: ignore[index]  # JSON
    assert text.count("<circle") == len(points)
    assert f"questions of {sum(count for _, _, count in points)} |" in text


def test_the_committed_confidence_is_honest_within_six_hundredths() -> None:
    scores = committed()["made_by"]["scores_out_of_fold"]  # type: ignore[index]  # JSON
    assert scores["ECE"] == pytest.approx(0, abs=0.06)
