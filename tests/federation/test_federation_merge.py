import pytest
from federation_world import BODY, entry
from hypothesis import given, settings
from hypothesis import strategies as st

from compass.adapters.documents import parse_yaml, split
from compass.federation.merge import Conflict, _merge_mapping, merge_body, merge_entry
from compass.federation.partial import without
from compass.model.match import Condition

STEPS = "[{id: s1, text: Look, risk: read_only}, {id: s2, text: Act, risk: reversible}]"


def front(text):
    return parse_yaml(split(text).front)


def test_a_side_that_changed_nothing_gives_way_whole():
    base, other = entry(), entry("Other")
    assert merge_entry(None, None, other).text == other
    assert merge_entry(base, base, other).text == other
    assert merge_entry(base, other, base).text == other
    assert merge_entry(None, other, other).text == other


def test_different_fields_of_the_two_sides_are_both_kept_with_comments_and_quotes_of_the_target():
    ours = entry("'Quoted'").replace("status: draft", "status: draft  # not yet")
    merged = merge_entry(entry(), ours, entry(severity="high"))
    assert not merged.conflicts
    assert "title: 'Quoted'" in merged.text
    assert "status: draft  # not yet" in merged.text
    assert front(merged.text)["severity"] == "high"


def test_adjacent_lines_changed_by_both_sides_do_not_conflict():
    merged = merge_entry(entry(), entry(status="verified"), entry(created="2026-03-02"))
    assert not merged.conflicts


def test_a_field_removed_by_one_side_goes_and_a_field_removed_by_one_and_changed_by_the_other_conflicts():
    base = entry(severity="high")
    assert "severity" not in front(merge_entry(base, entry("New", severity="high"), entry()).text)
    merged = merge_entry(base, entry("New", severity="low"), entry())
    assert [(one.field, one.base, one.ours, one.theirs) for one in merged.conflicts] == [
        ("severity", "high", "low", "")
    ]
    assert front(merged.text)["severity"] == "low"


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "expected"),
    [
        ("[a:b, c:d]", "[a:b, c:d, e:f]", "[c:d, g:h]", ["c:d", "e:f", "g:h"]),
        ("", "[a:b]", "[c:d]", ["a:b", "c:d"]),
        ("[a:b]", "[c:d]", "[a:b, c:d]", ["c:d"]),
    ],
)
def test_lists_of_words_merge_as_sets(base, ours, theirs, expected):
    merged = merge_entry(entry(tags=base), entry("X", tags=ours), entry(tags=theirs))
    assert (front(merged.text)["tags"], merged.conflicts) == (expected, ())


def test_items_with_ids_merge_one_by_one():
    ours = STEPS.replace("text: Act", "text: Act now").replace(
        "}]", "}, {id: s4, text: Rest, risk: read_only}]"
    )
    theirs = STEPS.replace("text: Look", "text: Look well").replace(
        "}]", "}, {id: s3, text: Tell, risk: read_only}]"
    )
    merged = merge_entry(entry(steps=STEPS), entry("X", steps=ours), entry(steps=theirs))
    steps = {step["id"]: step["text"] for step in front(merged.text)["steps"]}
    assert steps == {"s1": "Look well", "s2": "Act now", "s3": "Tell", "s4": "Rest"}
    assert not merged.conflicts
    clash = merge_entry(entry(steps=STEPS), entry(steps=ours), entry(steps=STEPS.replace("Act", "Wait")))
    assert [one.field for one in clash.conflicts] == ["steps.s2.text"]


def test_links_are_a_set_even_when_two_name_the_same_entry():
    one, two = "{type: similar, id: pat-0000000002}", "{type: caused_by, id: pat-0000000002}"
    merged = merge_entry(entry(), entry(related=f"[{one}, {two}]"), entry(related=f"[{two}]"))
    assert front(merged.text)["related"] == [
        {"type": "similar", "id": "pat-0000000002"},
        {"type": "caused_by", "id": "pat-0000000002"},
    ]


def test_sentences_added_by_both_sides_are_kept_and_sentences_rewritten_by_both_conflict():
    base, ours, theirs = (
        "['Nightly job.']",
        "['Nightly job.', Load test.]",
        "['Nightly job.', Failover drill.]",
    )
    merged = merge_entry(
        entry(false_positives=base), entry(false_positives=ours), entry(false_positives=theirs)
    )
    assert front(merged.text)["false_positives"] == ["Nightly job.", "Load test.", "Failover drill."]
    merged = merge_entry(
        entry(false_positives=base),
        entry(false_positives="['A job.']"),
        entry(false_positives="['The job.']"),
    )
    assert [one.field for one in merged.conflicts] == ["false_positives"]


def test_nested_fields_merge_key_by_key_also_when_the_base_has_none():
    merged = merge_entry(entry(), entry("X", x="{a: 1}"), entry(x="{b: 2}"))
    assert front(merged.text)["x"] == {"a": 1, "b": 2}
    merged = merge_entry(entry(), entry("X", x="{a: 1}"), entry(x="[b]"))
    assert [one.field for one in merged.conflicts] == ["x"]


def test_without_a_common_text_every_difference_is_a_conflict():
    merged = merge_entry(None, entry("Ours"), entry("Theirs", body=BODY + "\nMore.\n"))
    assert {one.field for one in merged.conflicts} == {"title", "body"}
    assert "title: Ours" in merged.text
    assert "More." not in merged.text


def test_bodies_merge_by_paragraph_and_keep_the_target_where_both_changed_the_same():
    found: list[Conflict] = []
    ours = BODY.replace("and then fail", "and fail").replace("smaller", "much smaller")
    theirs = BODY.replace("Make the pool larger", "Make it larger").replace("smaller", "far smaller")
    merged = merge_body(BODY, ours, theirs, found)
    assert "Make it larger" in merged
    assert "and fail" in merged
    assert "much smaller" in merged
    assert [one.field for one in found] == ["body"]


def test_bodies_changed_in_different_places_merge_without_a_conflict():
    found: list[Conflict] = []
    ours, theirs = (
        BODY.replace("and then fail", "and fail"),
        BODY.replace("Make the pool larger", "Make it larger"),
    )
    assert merge_body(BODY, ours, theirs, found) == ours.replace("Make the pool larger", "Make it larger")
    assert not found


def test_a_body_that_git_calls_binary_is_a_conflict_and_stays():
    found: list[Conflict] = []
    assert merge_body("a", "b\0", "c\0", found) == "b\0"
    assert len(found) == 1


LINES = st.lists(st.sampled_from(["one", "two", "three", ""]), max_size=6).map("\n".join)


@settings(max_examples=25, deadline=None)
@given(LINES, LINES)
def test_a_change_of_one_side_alone_never_conflicts_and_is_taken_whole(base, changed):
    found: list[Conflict] = []
    assert merge_body(base, changed, base, found) == changed
    assert merge_body(base, base, changed, found) == changed
    assert merge_body(base, changed, changed, found) == changed
    assert not found


VALUES = st.recursive(
    st.none() | st.integers(0, 3) | st.sampled_from(["a", "b c"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@given(FIELDS, FIELDS, FIELDS)
def test_merging_fields_never_fails_and_agrees_with_the_side_that_alone_changed(base, ours, theirs):
    found: list[Conflict] = []
    _merge_mapping((), [base, ours, theirs], found)
    assert _merge_mapping((), [base, ours, base], []) == ours
    assert _merge_mapping((), [base, base, theirs], []) == {
        key: theirs[key] for key in [*base, *theirs] if key in theirs
    }
    swapped: list[Conflict] = []
    _merge_mapping((), [base, theirs, ours], swapped)
    assert {one.field for one in found} == {one.field for one in swapped}


@pytest.mark.parametrize(
    ("condition", "dropped", "expected"),
    [
        ("slow and (pool or full)", {"full"}, "slow and pool"),
        ("slow and (pool or full)", {"slow"}, "pool or full"),
        ("slow and (pool or full)", {"roll"}, "slow and (pool or full)"),
        ("slow or pool and full", {"slow"}, "pool and full"),
        ("not (slow or pool) and full", set(), "not (slow or pool) and full"),
        ("not (slow or pool) and full", {"slow"}, "not pool and full"),
        ("not not slow", {"pool"}, "not not slow"),
        ("not slow and pool", {"slow"}, "pool"),
        ("slow", {"slow"}, None),
        ("(slow and pool) or not full", {"slow", "pool", "full"}, None),
    ],
)
def test_a_condition_without_some_signals_is_what_is_left_of_it(condition, dropped, expected):
    found = without(condition, dropped)
    assert found == expected
    if found:
        Condition.parse(found)
