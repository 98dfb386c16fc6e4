from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compass.adapters.documents import (
    KEY_ORDER,
    YamlProblem,
    canonical,
    dump_entry,
    edited,
    locate,
    parse_documents,
    parse_yaml,
    split,
    write_atomically,
)

ENTRY = """---
# yaml-language-server: $schema=../.compass/schema/pattern.json
schema: 1
kind: pattern
title: "quoted: it"
id: pat-7k3x9q2m4t  # stays
created: 2026-01-02
services:
- component:default/x
match:
  signals:
    slow: {type: alert, matchers: ['alertname="X"', 'severity=~"page|critical"']}
---
Body with *text*
"""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: no", {"a": "no"}),
        ("on: yes", {"on": "yes"}),
        ("a: 012", {"a": 12}),
        ("a: 0o17", {"a": 15}),
        ("a: 0x1F", {"a": 31}),
        ("a: 1:30", {"a": "1:30"}),
        ("a: 12:30:45", {"a": "12:30:45"}),
        ("a: 2026-01-02", {"a": "2026-01-02"}),
        ("a: ~", {"a": None}),
        ("a:", {"a": None}),
        ("a: .5", {"a": 0.5}),
        ("a: 1e3", {"a": 1000.0}),
        ("a: .inf", {"a": float("inf")}),
        ("a: TRUE", {"a": True}),
        ("a: 1.10", {"a": 1.1}),
        ("a: [user:default/alice, 'x']", {"a": ["user:default/alice", "x"]}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: =", {"a": "="}),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    assert parse_yaml(text) == value


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a: &x 1\nb: *x\n", (1, 4), "anchors"),
        ("a: 1\nb: *x\n", (2, 4), "anchors"),
        ("a: !!python/object:os.system x\n", (1, 4), "tags"),
        ("a: !local x\n", (1, 4), "tags"),
        ("a: 1\na: 2\n", (2, 1), "twice"),
        ("a: {b: 1, b: 2}\n", (1, 11), "twice"),
        ("<<: {a: 1}\n", (1, 1), "merge"),
        ("a: [1,\n", (2, 1), "flow"),
        ("a: 'x\n", (2, 1), "quoted scalar"),
        ("? [a]\n: b\n", (1, 3), "key must be plain"),
        ("a: \x00", (1, 4), "control"),
        ("a: 1\n\tb: 2\n", (2, 1), "tab"),
        ("a: 'x\u2028y\u0085z'\nb: 1\nb: 2\n", (3, 1), "twice"),
        ("a: \u00fc\u00fc\u00fc\nb: \x07", (2, 4), "control"),
        ("a: &x\u2028 1\n", (1, 4), "anchors"),
    ],
)
def test_what_the_format_forbids_is_named_with_its_place(
    text: str, place: tuple[int, int], message: str
) -> None:
    with pytest.raises(YamlProblem, match=message) as caught:
        parse_yaml(text)
    assert (caught.value.line, caught.value.column) == place


@pytest.mark.parametrize(
    "bomb", ["- " * 60_000, "[" * 100_000, "{a: " * 50_000, "? " * 50_000, "a: " + "9" * 100_000]
)
def test_bombs_are_problems_and_quick(bomb: str) -> None:
    with pytest.raises(YamlProblem):
        parse_yaml(bomb)


def test_one_document_is_asked_for_and_several_are_read() -> None:
    with pytest.raises(YamlProblem, match="several"):
        parse_yaml("a: 1\n---\nb: 2\n")
    assert parse_documents("a: 1\n---\nb: 2\n") == [{"a": 1}, {"b": 2}]


def test_places_are_found_in_block_and_flow_style() -> None:
    front = split(ENTRY).front
    assert locate(front, ("match", "signals", "slow", "matchers", 1)) == (11, 53)
    assert locate(front, ("id",)) == (5, 5)
    assert locate(front, ("id",), key=True) == (5, 1)
    assert locate(front, ("services", 0)) == (8, 3)
    assert locate(front, ("match", "missing")) == (9, 1)
    assert locate("a: [", ("a",)) == (1, 1)
    assert locate("a: 'x\u2029y'\nb: 1\n", ("b",)) == (2, 4)


@pytest.mark.parametrize(
    "text", ["", "no front matter", "---\na: 1\n", "---\n" + "a: " + "x" * 300_000 + "\n---\n"]
)
def test_files_without_usable_front_matter_are_problems(text: str) -> None:
    with pytest.raises(YamlProblem):
        split(text)


def test_the_parts_know_their_lines() -> None:
    parts = split(ENTRY)
    assert ENTRY.split("\n")[parts.body_line - 1] == "Body with *text*"
    assert split("---\na: 1\n---").body == ""


def test_the_canonical_form_orders_fields_keeps_comments_and_quotes_and_is_stable() -> None:
    text = canonical(ENTRY.replace("\n", "\r\n"))
    assert text == canonical(text)
    assert text.index("id: pat") < text.index("title:")
    assert "# stays" in text
    assert '"quoted: it"' in text
    assert "  - component:default/x\n" in text
    assert text.startswith("---\n# yaml-language-server")
    assert parse_yaml(split(text).front) == parse_yaml(split(ENTRY).front)


def test_new_entries_are_written_as_a_person_would() -> None:
    text = dump_entry(
        {"title": "a: b", "created": "2026-01-02", "schema": 1, "evidence": [{"observed": "one\ntwo\n"}]},
        "Body",
        "yaml-language-server: x",
    )
    assert (
        text
        == "---\n# yaml-language-server: x\nschema: 1\ntitle: 'a: b'\ncreated: 2026-01-02\nevidence:\n  - observed: |\n      one\n      two\n---\n\nBody\n"
    )


def test_editing_a_field_leaves_the_rest_as_it_was() -> None:
    text = edited(ENTRY, {"title": "new", "created": None})
    assert "# stays" in text
    assert "created" not in text
    assert parse_yaml(split(text).front)["title"] == "new"


@pytest.mark.parametrize(
    "moment",
    ["2026-02-30", "2026-02-30T10:00:00Z", "2026-06-30T23:59:60Z", "0001-01-01T00:00:00+14:00", "2026-01-02"],
)
def test_a_moment_that_no_calendar_has_is_kept_as_the_text_it_is(moment: str) -> None:
    text = ENTRY.replace("match:", f"x: {{seen: {moment}}}\nmatch:")
    assert parse_yaml(split(canonical(text)).front)["x"] == {"seen": moment}
    assert parse_yaml(split(edited(text, {"title": "new"})).front)["x"] == {"seen": moment}
    assert canonical(canonical(text)) == canonical(text)


_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda number: float(f"{number:.12g}")),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40).filter(
        lambda text: all(c in "\t\n" or c >= " " for c in text)
    ),
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abcxyz_", min_size=1, max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(KEY_ORDER), _VALUES, min_size=1, max_size=4))
def test_reading_what_was_written_gives_the_same_data(data: dict[str, object]) -> None:
    # Control characters outside tab and newline, and Unicode's line separators, are not for knowledge files.
    if any(mark in repr(data) for mark in ("\\x", "\\u", "\u2028", "\u2029", "\ufeff")):
        return
    text = dump_entry(data, "Body")
    assert parse_yaml(split(text).front) == data
    assert canonical(text) == text


def test_reading_equals_a_strict_reader_on_every_entry_of_the_example_organization() -> None:
    root = Path(__file__).resolve().parents[2] / "knowledge"
    from ruamel.yaml import YAML

    reader = YAML(typ="safe", pure=True)
    reader.version = (1, 2)
    files = sorted(root.rglob("*.md"))
    assert files
    for path in files:
        if path.name == "README.md":
            continue
        front = split(path.read_text("utf-8")).front
        strict = reader.load(front)
        assert _same(parse_yaml(front), strict), path


def _same(ours: object, strict: object) -> bool:
    """Equal, where the strict reader makes times of what stays text with us until a model reads it."""
    if isinstance(strict, dict) and isinstance(ours, dict):
        return ours.keys() == strict.keys() and all(_same(ours[key], strict[key]) for key in strict)
    if isinstance(strict, list) and isinstance(ours, list):
        return len(ours) == len(strict) and all(map(_same, ours, strict))
    if isinstance(strict, datetime):
        found = datetime.fromisoformat(str(ours))
        return found == (strict if strict.tzinfo else strict.replace(tzinfo=found.tzinfo))
    return str(ours) == str(strict) if isinstance(strict, date) else ours == strict


def test_a_file_is_replaced_whole_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.md"
    write_atomically(path, b"one")
    path.chmod(0o600)
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["b.md"]


def test_a_word_at_which_the_editing_reader_fails_is_a_problem_not_a_crash() -> None:
    with pytest.raises(YamlProblem, match="cannot be rewritten"):
        edited(ENTRY.replace("\n---\n", "\nx: {mask: 0o_}\n---\n", 1), {"title": "new"})
