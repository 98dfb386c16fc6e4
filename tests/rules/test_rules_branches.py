"""What the examples of the rules do not reach: the other side of each rule, and text that tries to mislead."""

from __future__ import annotations

import time
from datetime import date
from pathlib import Path

import pytest
from conftest import commit_all
from full_entries import write_repository

from compass.library import load
from compass.model.base import Problem
from compass.rules.base import Context, Example, Rule, nearest
from compass.rules.facts import Facts, facts_of
from compass.rules.hints import with_hint
from compass.rules.links import SelfLink
from compass.rules.registry import all_rules
from compass.rules.runner import MOST, apply
from compass.rules.samples import files, text
from compass.rules.text import citations, headings, prose

TODAY = date(2026, 6, 1)
SEEN = "evidence: [{id: e1, type: log, redacted: true}]\n"


def found(example: Example, folder: Path) -> list[Problem]:
    for path, content in files(example).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content, encoding="utf-8")
    library = load(folder, revision=None, parents=True)
    return list(apply(all_rules(), Context(library, TODAY)).problems)


@pytest.mark.parametrize(
    ("rule", "example", "count"),
    [
        ("misplaced-file", Example("runbook", path="patterns/a.md"), 1),
        ("misplaced-file", Example("postmortem", path="postmortems/latest/a.md"), 1),
        ("schema-comment", Example("postmortem", raw=text(Example("postmortem")).replace("# yaml", "# json"), path="postmortems/2026/a.md"), 1),
        ("dangling-link", Example(body="See [[run-1]] and `[[run-0000000009]]`.\n\n```\n[[run-0000000009]]\n```"), 1),
        ("dangling-link", Example(body="if [[ -f x ]]; then [[not an id]]"), 0),
        ("dangling-link", Example(front="superseded_by: pat-0000000009\nstatus: deprecated"), 1),
        ("dangling-link", Example(front="mitigations: [run-0000000009]"), 1),
        ("dangling-link", Example("postmortem", "patterns: [pat-0000000009]"), 1),
        ("link-to-withdrawn", Example(front="status: withdrawn\nwithdrawn: {reason: x, at: 2026-01-01}", body="[[pat-0000000002]]", beside=(Example(front="id: pat-0000000002\nstatus: withdrawn", path="patterns/b.md"),)), 0),
        ("link-to-withdrawn", Example(body="[[pat-0000000002]]", beside=(Example(front="id: pat-0000000002\nstatus: withdrawn", path="patterns/b.md"),)), 1),
        ("unknown-owner", Example(front="owner: group:default/zzz"), 1),
        ("stable-unconfirmed", Example(front="status: stable"), 2),
        ("stable-unconfirmed", Example(front="status: stable\nservices: ['category:database']\nconfirmed: {incidents: 4, tribes: 2}"), 0),
        ("deprecated-needs-successor", Example(front="superseded_by: pat-0000000002"), 1),
        ("withdrawn-needs-reason", Example(front="withdrawn: {reason: x, at: 2026-01-01}"), 1),
        ("missing-headings", Example("runbook", "status: verified", "# meaning #\n## Impact\n## Diagnosis\n## Mitigation\n## Rollback\n## Escalation"), 0),
        ("missing-match", Example("runbook", "status: verified"), 0),
        ("evidence-undefined", Example(body="Text.[^e1]\n\n[^e1]: Seen."), 1),
        ("evidence-undefined", Example(body="Text `[^e1]`.\n\n~~~\n[^e2]\n~~~\n"), 0),
        ("evidence-uncited", Example(front=SEEN, body="[^e1]: Only defined."), 1),
        ("evidence-twice", Example("runbook", "steps: [{id: s1, text: a, risk: read_only}, {id: s1, text: b, risk: read_only}]"), 1),
        ("evidence-digest", Example(front=SEEN), 0),
        ("evidence-without-excerpt", Example(front=SEEN), 0),
        ("dates-ordered", Example(front="last_verified: 2025-01-01"), 1),
        ("times-ordered", Example(front="evidence: [{id: e1, type: log, window: {from: 2026-01-01T10:00:00Z, to: 2026-01-01T09:00:00Z}}]"), 1),
        ("times-ordered", Example("postmortem"), 0),
        ("date-in-future", Example(front="status: withdrawn\nwithdrawn: {reason: x, at: 2062-01-01}\nlast_verified: 2062-01-01"), 2),
        ("review-overdue", Example(front="status: withdrawn\nwithdrawn: {reason: x, at: 2026-01-01}\nreview_by: 2026-01-01"), 0),
        ("alert-matcher", Example("runbook", "alerts: [{name: A, matchers: ['a=~\"(\"', 'a=~\"\\\\pL+\"', 'a=~\"x{99999999999}\"', 'a=\"(\"', 'a=~\"\\\"q\\\\d\"']}]"), 2),
        ("alert-matcher", Example(front="match: {window: 15m, signals: {a: {type: alert, matchers: ['x=~\"[\"']}, b: {type: metric, promql: up, op: eq, value: 0}}, condition: a or b, exclude: ['y!~\"*\"']}"), 2),
        ("destructive-step", Example("runbook", "steps: [{id: s1, text: a, risk: destructive}]", "## Rollback"), 1),
        ("destructive-step", Example("runbook", "steps: [{id: s1, text: a, risk: destructive}]", "## Rollback\n\nNone.\n\n## Escalation"), 0),
        ("destructive-step", Example("runbook", "steps: [{id: s1, text: a, risk: read_only}]"), 0),
        ("unknown-recording", Example(front="tests: {must_match: [pool-exhausted], must_not_match: [pool-exhausted, zzz]}"), 2),
        ("hidden-characters", Example(front='x: {a: [{b: "zero\\u200bwidth"}, 1]}'), 1),
        ("hidden-characters", Example(front='title: "a\\ttab and \\"quotes\\""'), 0),
        ("hidden-characters", Example(front="title: Ligne fran\u00e7aise"), 0),
        ("hidden-characters-in-body", Example(body="Na\u00efve retries."), 0),
        ("canonical-form", Example(raw=text(Example()).replace("title: Connection pool exhausted", "title:  Connection pool exhausted")), 0),
        ("canonical-form", Example(raw=text(Example()) + "\n\nText.\n\n\n"), 1),
    ],
)  # fmt: skip
def test_each_rule_on_its_other_side(rule: str, example: Example, count: int, tmp_path: Path) -> None:
    assert len([one for one in found(example, tmp_path) if one.rule == rule]) == count


def test_a_file_that_only_looks_untidy_is_left_in_peace(tmp_path: Path) -> None:
    quoted = text(Example()).replace("created: 2026-01-01\n", 'created: 2026-01-01\nx:\n  a: "b\nid: c"\n')
    broken = text(Example(front="id: pat-0000000001")).replace(
        "created: 2026-01-01\n", "x:\n  a: x\u2028  b: y\ncreated: 2026-01-01\n"
    )
    example = Example(raw=quoted, beside=(Example(raw=broken, path="patterns/b.md"),))
    assert [one for one in found(example, tmp_path) if one.rule == "canonical-form"] == []


def test_at_a_commit_broken_entries_above_are_known_and_nobody_walks_the_folder(tmp_path: Path) -> None:
    example = Example(body="See [[pat-0000000005]].", above=(Example(front="id: pat-0000000005"),))
    for path, content in files(example).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(
            content.replace("status: draft", "status: drafft") if "above/p" in path else content
        )
    (tmp_path / "patterns" / "deep").mkdir()
    (tmp_path / "patterns" / "deep" / "a.md").write_text("")
    commit_all(tmp_path)
    library = load(tmp_path, parents=True)
    assert library.main.commit
    assert apply(all_rules(), Context(library, TODAY)).problems == ()


def test_names_that_nothing_knows_have_a_hint_of_their_own(tmp_path: Path) -> None:
    def hints() -> set[str | None]:
        library = load(tmp_path, revision=None, parents=True)
        return {one.hint for one in apply(all_rules(), Context(library, TODAY)).problems}

    found(Example(front="owner: group:default/zzz"), tmp_path)
    assert hints() == {
        "add a Group to the catalog, or use one that is there, such as 'group:default/payments'"
    }
    (tmp_path / "catalog" / "catalog-info.yaml").unlink()
    assert "no group is known" in str(hints())


def test_of_several_links_only_those_to_withdrawn_entries_are_reported(tmp_path: Path) -> None:
    gone = Example(
        front="id: pat-0000000002\nstatus: withdrawn\nwithdrawn: {reason: x, at: 2026-01-01}",
        path="patterns/b.md",
    )
    example = Example(
        body="[[pat-0000000002]] [[pat-0000000003]]",
        beside=(gone, Example(front="id: pat-0000000003", path="patterns/c.md")),
    )
    assert [one.message for one in found(example, tmp_path)] == ["pat-0000000002 was withdrawn: x"]


def test_a_self_link_in_prose_is_no_relation(tmp_path: Path) -> None:
    assert [
        one for one in found(Example(body="This is [[pat-0000000000]]."), tmp_path) if one.rule == SelfLink.id
    ] == []


def test_one_rule_says_at_most_so_much_about_one_entry(tmp_path: Path) -> None:
    body = " ".join(f"[[run-{number:010d}]]" for number in range(100))
    assert len(found(Example(body=body), tmp_path)) == MOST


def test_facts_are_the_same_out_of_the_cache(tmp_path: Path) -> None:
    write_repository(tmp_path, 12)
    for loaded in load(tmp_path, revision=None).entries:
        facts = facts_of(loaded)
        again = Facts.loaded(facts.dumped())
        assert again.dumped() == facts.dumped()
        assert len(again.links) >= 3
        assert again.owner == "group:default/payments"
        assert again.match == (loaded.kind == "pattern")
    assert Facts.loaded(Facts().dumped()).dumped() == Facts().dumped()


def test_code_is_no_prose_and_offsets_stay() -> None:
    body = "a `b` ``c ` d`` e ` f\n```sh\n# no\n`x`\n```\n# yes `code` #\n~~~\n# open fence\n"
    assert len(prose(body)) == len(body)
    assert "b" not in prose(body)
    assert "d" not in prose(body)
    assert "f" in prose(body)
    assert [name for _, name, _ in headings(body)] == ["yes"]
    assert headings("#no heading\n#\n####### seven\n   ## C# #\n## a##\n") == [
        (1, "", 12),
        (2, "C#", 28),
        (2, "a##", 39),
    ]
    assert citations("x[^e2] y[^e2]\n  [^e1]: z\n[^e3] text") == {"e2": 1, "e3": 25}
    assert citations("plain") == {}


@pytest.mark.parametrize("hostile", ["`" * 50_000, "``` " * 50_000, "# " * 50_000, "[^e1]:" * 50_000, "~~~\n" * 50_000, "# " + " " * 50_000 + "x", "[[pat-" * 50_000])  # fmt: skip
def test_hostile_text_takes_linear_time(hostile: str) -> None:
    started = time.process_time()
    prose(hostile)
    headings(hostile)
    citations(hostile)
    assert time.process_time() - started < 2


def test_what_cannot_be_read_has_a_hint_and_what_has_one_keeps_it() -> None:
    def problem(rule: str, message: str, hint: str | None = None) -> Problem:
        return Problem(rule=rule, severity="error", message=message, path="a.md", hint=hint)

    assert with_hint(problem("yaml", "the key 'a' stands here twice")).hint == "keep one of the two"
    assert str(with_hint(problem("schema", "the field 'title' is missing")).hint).startswith("add `title: …`")
    assert with_hint(problem("yaml", "x", "mine")).hint == "mine"
    assert with_hint(problem("other", "x")).hint is None


def test_a_rule_says_nothing_until_it_is_written(tmp_path: Path) -> None:
    write_repository(tmp_path, 1)
    library = load(tmp_path, revision=None)
    context = Context(library, TODAY)
    assert list(Rule().check(library.entries[0], context)) == []
    assert list(Rule().finish(context)) == []
    assert nearest("zzz", ["abc"]) is None
