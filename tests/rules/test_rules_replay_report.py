"""The replay report: every judgement, the weights of partial matches, and what changed against the base."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from compass.library import Library, load
from compass.model.replay import Change, Judgement, PatternReplay
from compass.rules.base import Example
from compass.rules.replay_report import replay_report
from compass.rules.samples import files

SEEN = "slow: {type: alert, matchers: ['alertname=\"HighLatency\"']}"
OTHER = "cpu: {type: alert, matchers: ['alertname=\"HighCpu\"']}"
DARK = "full: {type: metric, promql: db_pool_in_use, op: gte, value: 1}"
MUST = "tests: {must_match: [pool-exhausted]}"
MUST_NOT = "tests: {must_not_match: [pool-exhausted]}"


def match(condition: str, weights: str = "{slow: 0.6, cpu: 0.3, full: 0.1}") -> str:
    signals = f"{{{SEEN}, {OTHER}, {DARK}}}"
    return f"match: {{window: 15m, signals: {signals}, condition: {condition}, weights: {weights}}}"


def library(folder: Path, front: str) -> Library:
    for path, text in files(Example(front=front)).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return load(folder, revision=None)


def nothing(head: Library) -> Library:
    return replace(head, entries=())


def only(head: Library, base: Library) -> PatternReplay:
    [pattern] = replay_report(head, base).patterns
    return pattern


@pytest.mark.parametrize(
    ("condition", "tests", "judgement"),
    [
        ("slow", MUST, Judgement.RIGHTLY),
        ("slow", MUST_NOT, Judgement.WRONGLY),
        ("slow", "", Judgement.UNLISTED),
        ("slow and cpu", MUST, Judgement.MISSED),
        ("slow and cpu", MUST_NOT, Judgement.SILENT),
        ("slow and full", MUST, Judgement.UNKNOWN),
        ("slow and full", MUST_NOT, Judgement.UNKNOWN),
        ("slow and cpu", "", Judgement.NEARLY),
    ],
)
def test_each_recording_is_judged_in_the_light_of_the_tests(
    tmp_path: Path, condition: str, tests: str, judgement: Judgement
) -> None:
    head = library(tmp_path, f"{match(condition)}\n{tests}")
    [one] = only(head, nothing(head)).recordings
    assert (one.recording, one.judgement, one.share) == ("pool-exhausted", judgement, 0.6)
    assert {signal.name: signal.truth for signal in one.signals} == {"slow": True, "cpu": False, "full": None}
    assert one.change is None
    [line] = replay_report(head, nothing(head)).lines()
    assert line.startswith(f"pool-exhausted: {judgement.value.replace('_', ' ')} (")
    assert "60 % of the weight" in line or "60% of the weight" in line


@pytest.mark.parametrize(
    ("condition", "judgement", "unknown"),
    [("slow and cpu", Judgement.APART, 0), ("slow and full", Judgement.UNKNOWN, 1)],
)
def test_what_is_neither_expected_nor_near_is_counted_and_an_unknown_is_never_called_a_no(
    tmp_path: Path, condition: str, judgement: Judgement, unknown: int
) -> None:
    head = library(tmp_path, match(condition, "{slow: 0.2, cpu: 0.4, full: 0.4}"))
    [one] = only(head, nothing(head)).recordings
    assert one.judgement is judgement
    [line] = replay_report(head, nothing(head)).lines()
    assert line.endswith(f"does not match: 1, {unknown} of them unknown")


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ("slow and cpu", "slow", Change.NEWLY),
        ("slow", "slow and cpu", Change.NO_LONGER),
        ("slow", "slow and full", Change.NO_LONGER),
        ("slow and cpu", "cpu", None),
    ],
)
def test_a_changed_pattern_is_compared_with_what_it_said_at_the_base(
    tmp_path: Path, before: str, after: str, change: Change | None
) -> None:
    base = library(tmp_path / "base", match(before))
    head = library(tmp_path / "head", match(after))
    [one] = only(head, base).recordings
    assert one.change is change


def test_a_pattern_whose_text_did_not_change_is_not_in_the_report(tmp_path: Path) -> None:
    head = library(tmp_path, f"{match('slow')}\n{MUST}")
    assert replay_report(head, head).patterns == ()


def test_without_a_recording_or_a_match_there_is_nothing_to_tell(tmp_path: Path) -> None:
    head = library(tmp_path / "a", match("slow"))
    assert replay_report(replace(head, recordings={}), nothing(head)).patterns == ()
    plain = library(tmp_path / "b", "")
    assert replay_report(plain, nothing(plain)).patterns == ()
