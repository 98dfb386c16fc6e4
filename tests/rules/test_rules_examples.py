"""Every rule's own examples, the reference page made of them, and the registry."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import date
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from conftest import ROOT, commit_all

from compass.errors import ConfigError
from compass.library import load
from compass.model.base import Problem, Severity
from compass.rules import registry
from compass.rules.base import Context, Example, Rule
from compass.rules.builtin import RULES
from compass.rules.reference import page
from compass.rules.registry import all_rules
from compass.rules.runner import apply
from compass.rules.samples import before, files
from compass.workflows.changes import base_of

TODAY = date(2026, 6, 1)


def found(example: Example, folder: Path) -> list[Problem]:
    if example.before:
        write(before(example), folder)
        commit_all(folder)
        shutil.rmtree(folder / "runbooks", ignore_errors=True)
        shutil.rmtree(folder / "patterns", ignore_errors=True)
    write(files(example), folder)
    library = load(folder, revision=None, parents=True)
    assert library.problems == ()
    base = base_of(library, "HEAD") if example.before else None
    return list(apply(all_rules(), Context(library, TODAY, base=base)).problems)


def write(texts: Mapping[str, str], folder: Path) -> None:
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8", newline="\n")


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_the_good_example_is_right(rule: Rule, tmp_path: Path) -> None:
    problems = found(rule.good, tmp_path)
    assert [one for one in problems if one.rule == rule.id or one.severity is Severity.ERROR] == []


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.id)
def test_the_bad_example_breaks_its_rule_and_no_other_with_a_place_and_a_hint(
    rule: Rule, tmp_path: Path
) -> None:
    problems = found(rule.bad, tmp_path)
    mine = [one for one in problems if one.rule == rule.id]
    assert mine
    for one in mine:
        assert one.severity is rule.severity
        assert one.line >= 1
        assert one.column >= 1
        assert one.hint
    assert [one for one in problems if one.rule != rule.id and one.severity is Severity.ERROR] == []


def test_the_reference_page_is_what_the_rules_say() -> None:
    committed = (ROOT / "site" / "docs" / "reference" / "rules.md").read_text(encoding="utf-8")
    assert committed == page(all_rules()), (
        "run: python -m compass.rules.reference > site/docs/reference/rules.md"
    )


def test_every_rule_has_a_sentence_a_reason_and_an_id_of_its_own() -> None:
    assert len({rule.id for rule in all_rules()}) == len(all_rules()) >= len(RULES)
    for rule in all_rules():
        assert rule.sentence.endswith(".")
        assert rule.__doc__


class _Foreign(Rule):
    """Somebody else's."""

    id = "foreign"
    sentence = "Foreign."


class _Copy(_Foreign):
    """It takes a name that is taken."""

    id = RULES[0].id


def test_rules_of_other_packages_are_found_and_must_not_take_our_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    foreign = EntryPoint("other", "test_rules_examples:FOREIGN", registry.GROUP)
    copy = EntryPoint("other", "test_rules_examples:COPY", registry.GROUP)
    missing = EntryPoint("other", "test_rules_examples:MISSING", registry.GROUP)
    registry.all_rules.cache_clear()
    try:
        monkeypatch.setattr(registry, "entry_points", lambda group: [registry.OURS, foreign])
        assert {"foreign", "duplicate-id"} <= {rule.id for rule in registry.all_rules()}
        for bad, message in ((copy, "two rules are called"), (missing, "cannot be loaded")):
            registry.all_rules.cache_clear()
            monkeypatch.setattr(registry, "entry_points", lambda group, bad=bad: [bad])
            with pytest.raises(ConfigError, match=message):
                registry.all_rules()
    finally:
        registry.all_rules.cache_clear()


FOREIGN = (_Foreign,)
COPY = (_Copy,)
