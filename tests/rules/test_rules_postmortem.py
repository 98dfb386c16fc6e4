"""The other sides of the post-mortem rules: what is exempt, what is waived, what a draft may lack, and hostile text."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from test_rules_examples import found

from compass.model.base import Problem, Severity
from compass.rules.base import Example
from compass.rules.postmortem.base import LanguageRule, PostmortemRule
from compass.rules.postmortem.judgement import blamed
from compass.rules.postmortem.language import (
    CollectiveBlame,
    ExplanatoryCounterfactual,
    HumanError,
    IndividualBlame,
    SingleCause,
    WhyQuestion,
)
from compass.rules.postmortem.people import PERSON, WHO, marked
from compass.rules.postmortem.phrases import hindsight, single_cause, why_question
from compass.rules.postmortem.sentences import LONGEST, sentences
from compass.rules.postmortem.specimen import BODY, draft, specimen
from compass.rules.postmortem.waivers import waivers

BLAME = "The on-call engineer forgot to look."
TIMES = "times: {start: 2026-01-01T10:00:00Z, detected: 2026-01-01T10:04:00Z, mitigated: 2026-01-01T10:30:00Z, resolved: 2026-01-01T11:00:00Z}"


def of(example: Example, folder: Path, rule: str) -> list[Problem]:
    return [one for one in found(example, folder) if one.rule == rule]


def told(body: str) -> list[str]:
    return [one.text for one in sentences(body)]


def test_only_what_the_author_says_is_read() -> None:
    assert told("One. Two, e.g. this.\nThree\n\n- four\n- [ ] five\n  goes on\n1. six\n") == [
        "One.",
        "Two, e.g. this.",
        "Three",
        "four",
        "five goes on",
        "six",
    ]
    assert told("> She forgot.\nand went on\n- item\n") == ["item"]
    assert told("- > quoted in an item\n") == []
    assert told("Veska [9:41 AM]\nI forgot\nagain\n\nLater.\n") == ["Later."]
    assert told("<jorun> my bad\n") == []
    assert told("10:03 ilmari: sorry\n") == []
    assert told("10:03 UTC: The page comes.\n") == ["The page comes."]
    assert told("| a | b |\n|---|:--|\n| 10:00 | The page. |\n") == ["a", "b", "The page."]
    assert told(
        "Text.\n\n    code forgot\n    more code\n\n- item\n\n    paragraph of the item\n\nEnd.\n"
    ) == [
        "Text.",
        "item",
        "paragraph of the item",
        "End.",
    ]
    assert told("A <!-- a comment\nof two lines --> b `code` [link](https://example.com/forgot) c\n") == [
        "A b [link c"
    ]
    assert told("```\nforgot\n```\n\n---\n\n***\n") == []
    assert told("# A heading #\nText\n") == ["A heading", "Text"]
    assert [one.heading for one in sentences("## A\n> q\n# lazy\n\nB")] == [True, False, False][:2]
    assert told('He said "they forgot it all" twice.') == ["He said twice."]
    assert told("**10:05** - Later. 2026-01-01 10:00 UTC – Start") == [
        "Later.",
        "2026-01-01 10:00 UTC – Start",
    ]


def test_offsets_lead_to_the_sentence() -> None:
    body = "## Timeline\n\n| 10:00 | Fine. She forgot. |\n\n- 09:00 One. Two.\n"
    for one in sentences(body):
        assert body[one.offset :].startswith(one.text[:4])


def test_what_goes_on_without_a_full_stop_is_read_in_pieces() -> None:
    assert max(len(text) for text in told("word " * 1000)) <= LONGEST
    assert told("a" * 500) == []


def test_people_and_machines_are_told_apart() -> None:
    assert marked("The engineer ran it") == f"the {PERSON} ran it"
    assert marked("Engineer Ilse and the etcd operator") == f"{PERSON} ‹ilse› and the etcd_operator"
    assert marked("the developer, who left") == f"the {PERSON} {WHO} left"
    assert marked("the person that left") == f"the {PERSON} {WHO} left"
    assert marked("whoever left") == f"{PERSON} {WHO} left"
    assert marked("The developer portal") == "the developer_portal"
    assert marked("One of the team members and on-call") == f"one of the {PERSON} and {PERSON}"


@pytest.mark.parametrize(
    "sentence",
    [
        "The engineer did not see it, because the panel was hidden.",
        "Vault ignored the lease.",
        "Consul mistakenly marked the instance.",
        "Who forgot the flag?",
        "If an operator forgets the flag, the tool stops.",
        "The tool refuses what an engineer did not test.",
        ", ".join(["the engineer forgot"] * 20),
        "Redis forgot the keys.",
        "Frobnicator ignored the header.",
        "An engineer deployed the fix for the bad configuration.",
        "The engineers fixed a wrong timeout.",
        "Make sure that engineers cannot delete it by mistake.",
    ],
)
def test_no_person_is_judged(sentence: str) -> None:
    assert blamed(sentence) is None


@pytest.mark.parametrize(
    "sentence",
    [
        "Maria ignored the alert.",
        "An engineer pushed a bad configuration.",
        "A developer mis-typed the name.",
        "The mistake was made by the network engineer.",
        "Alice should have checked.",
        "Frobnik forgot the flag.",
        "He ran it against the wrong cluster.",
        "It was the technician's fault.",
        "Blame lies with the vendor's consultant.",
        "She didn't bother to ask.",
    ],
)
def test_a_person_is_judged(sentence: str) -> None:
    assert blamed(sentence)


def test_a_name_that_the_entry_knows_is_a_person(tmp_path: Path) -> None:
    body = "Frobnik ignored the page."
    assert blamed(body) is None
    assert of(Example("postmortem", "participants: [frobnik]", body), tmp_path, "PM020")


def test_blame_is_an_error_only_from_verified(tmp_path: Path) -> None:
    assert [one.severity for one in of(draft(BLAME), tmp_path, "PM020")] == [Severity.WARNING]
    assert [one.severity for one in of(specimen(f"{BLAME}\n\n{BODY}"), tmp_path, "PM020")] == [Severity.ERROR]
    closed = Example("postmortem", "status: withdrawn\nwithdrawn: {reason: x, at: 2026-01-01}", BLAME)
    assert of(closed, tmp_path, "PM020") == []


def test_blame_is_found_in_fields_and_headings(tmp_path: Path) -> None:
    front = """summary: The engineer forgot it.
contributing_causes: [{text: An engineer forgot it because it was late., level: organizational}]
what_surprised_us: [Nothing., He forgot it.]"""
    places = [one.line for one in of(Example("postmortem", front, f"## {BLAME}\n"), tmp_path, "PM020")]
    assert len(places) == len(set(places)) == 4
    assert of(draft("## This should have been caught\n"), tmp_path, "PM022") == []


def test_a_draft_is_never_blocked_by_form(tmp_path: Path) -> None:
    assert found(Example("postmortem"), tmp_path) == []


@pytest.mark.parametrize(
    ("body", "count"),
    [
        (f"{BLAME} <!-- compass-lint: allow PM020 the minutes, word for word -->", 0),
        (f"<!-- compass-lint: allow PM020, PM022 the minutes -->\n{BLAME}", 0),
        (f"<!-- compass-lint: allow PM020 the minutes -->\n\n{BLAME}\n\n{BLAME}", 1),
        (f"- {BLAME} <!-- compass-lint: allow PM020 the minutes -->\n- {BLAME}", 1),
        (f"<!-- compass-lint: allow PM022 another rule -->\n{BLAME}", 1),
        (f"<!-- compass-lint: allow PM020 -->\n{BLAME}", 1),
        (f"{BLAME}\n\n<!-- compass-lint: allow PM020 nothing follows -->", 1),
    ],
)
def test_a_waiver_covers_what_stands_beside_it(body: str, count: int, tmp_path: Path) -> None:
    assert len(of(draft(body), tmp_path, "PM020")) == count


def test_a_waiver_in_the_body_covers_fields(tmp_path: Path) -> None:
    body = f"{BODY}\n<!-- compass-lint: allow PM031 agreed at the next planning -->\n"
    example = specimen(
        body,
        actions="[{text: Refuse it., owner: group:default/payments, tracker: PAY-1, done_when: It is refused., strength: strong}]",
    )
    assert of(example, tmp_path, "PM031") == []
    assert of(Example("postmortem", example.front, BODY), tmp_path, "PM031")


def test_a_waiver_must_name_rules_that_it_allows(tmp_path: Path) -> None:
    problems = of(draft("<!-- compass-lint: allow everything -->"), tmp_path, "waiver-without-reason")
    assert [one.message for one in problems] == [
        "this waiver does not say which rule it allows, so it allows nothing"
    ]
    assert (
        of(Example(body="<!-- compass-lint: allow PM020 -->"), tmp_path / "other", "waiver-without-reason")
        == []
    )


@pytest.mark.parametrize(
    ("rule", "example", "count"),
    [
        ("PM001", specimen(times="{start: 2026-01-01T10:00:00Z, resolved: 2026-01-01T11:00:00Z}", roles="{facilitator: cart-lead}"), 2),
        ("PM001", specimen(without="times"), 3),
        ("PM003", Example("postmortem", body="Time to resolve: 9h"), 0),
        ("PM003", Example("postmortem", TIMES, "- **Time to repair**: 0h 30m\n- **Time to detect**: 4 minutes\n- **Duration:** 56 min\n"), 0),
        ("PM003", Example("postmortem", TIMES, "Time to repair: 5h (during support hours)\n\n```\nDuration: 9h\n```\n"), 0),
        ("PM003", Example("postmortem", TIMES, "Time to acknowledge: 9h\nTime to detect: 1h\n"), 1),
        ("PM003", Example("postmortem", TIMES, "Time to resolve: 1 day, 2 hours and 3 minutes\n"), 1),
        ("PM004", Example("postmortem", TIMES, "## Timeline\n\n10:00 a\n10:00 b\n23:50 c\n00:10 d\n\n### More\n\n00:05 e\n## End\n00:01 f"), 1),
        ("PM004", Example("postmortem", TIMES, "## Timeline\n\n- 2026-01-01 10:00 a\n- 2026-01-02 09:00 b\n- 2026-01-02 01:00 c\n- 2026-01-01 01:00 d\n"), 2),
        ("PM004", Example("postmortem", TIMES, "## Timeline\n\n- 2025-01-01 10:00 a\n- 2026-13-45 10:00 b\n- 2026-03-01 10:00 c\n"), 2),
        ("PM004", Example("postmortem", "times: {start: 2026-01-01T10:00:00Z}", "## Timeline\n\n- 2026-03-01 10:00 c\n"), 0),
        ("PM004", Example("postmortem", "times: {mitigated: 2026-01-01T10:00:00Z}", "## Timeline\n\n- 2026-03-01 10:00 c\n"), 0),
        ("PM004", Example("postmortem", "", "## Timeline\n\n- 2026-03-01 10:00 c\n- at 9:00 PM d\n- 9:00 PM e\n"), 0),
        ("PM004", specimen("## Timeline\n\n- 10:04 The page comes.\n- 10:30 See [the chat](https://example.com).\n\n## Lessons\n\n" + BODY), 1),
        ("PM004", Example("postmortem", "", "## Impact\n\n- 10:00 a\n\n## Timeline\n\n- 10:30 b\n- 10:04 c\n"), 1),
        ("PM004", Example("postmortem", "", "## Impact\n\nTimeline:\n\n- 10:30 b\n- 10:04 c\n"), 0),
        ("PM005", specimen(roles="{incident_commander: payments-lead}"), 1),
        ("PM005", Example("postmortem", "roles: {incident_commander: payments-lead}"), 0),
        ("PM006", specimen(without="participants"), 0),
        ("PM011", specimen(without="contributing_causes"), 0),
        ("PM033", specimen(actions="[{text: We look at it., done_when: x}, {text: Improving it., done_when: x}, {text: Ping it., done_when: x}]"), 2),
        ("PM034", specimen(actions="[{text: Document the limit., strength: strong}, {text: Remind them.}]"), 1),
        ("PM034", specimen(actions="[{text: Document the limit.}, {text: Remind them.}]"), 1),
        ("PM034", specimen(without="actions"), 1),
        ("PM043", specimen(patterns="[pat-0000000009]"), 0),
        ("PM044", specimen("x.[^e1] No pattern.", related="[{type: similar, id: pm-0000000009}]"), 0),
    ],
)  # fmt: skip
def test_each_rule_on_its_other_side(rule: str, example: Example, count: int, tmp_path: Path) -> None:
    assert len(of(example, tmp_path, rule)) == count


def test_counterfactuals_of_risk_and_open_causes_are_left_in_peace() -> None:
    assert hindsight("We should have caught it.")
    assert hindsight("We should have alerting on it.") is None
    assert hindsight("The longer timeout would not have prevented it.") is None
    assert single_cause("What was the root cause?") is None
    assert why_question("Why did Ilse restart it?") == "why did"
    assert why_question("Why did the pod restart?") is None


def test_what_rules_share_says_nothing_by_itself(tmp_path: Path) -> None:
    example = specimen()
    assert found(example, tmp_path) == []
    with pytest.raises(NotImplementedError):
        PostmortemRule().find(None, None)  # type: ignore[arg-type]  # it is never looked at
    with pytest.raises(NotImplementedError):
        LanguageRule().said("", {})


HOSTILE = (
    "a engineer x ", "the engineer on x of y at z was ", "Ilse Vault ", "if the engineer ", "the cause of ", "we had have ", ". . . ", '"', '"a ', "[x](", "](a",
    "<!--", "<!-- compass-lint: allow PM020 ", "<!-- compass-lint: allow PM020 x -->\n", "- ", "|", "> ", "10:00 ", "10:00-", "12:00\n", "    x\n", "Time to resolve: 1h ",
    "human error ", "why did the ", "engineer, ", "she did not ", "who ", "engineer who ", "e.g. ", "https://", "_", "*", " ", "a", "****10:00", "A.B.", "\n",
)  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_takes_linear_time(piece: str) -> None:
    rules = [
        kind()
        for kind in (
            IndividualBlame,
            CollectiveBlame,
            ExplanatoryCounterfactual,
            WhyQuestion,
            HumanError,
            SingleCause,
        )
    ]
    text = piece * (20_000 // len(piece))
    blamed("Warm forgot it.")
    started = time.process_time()
    waivers(text)
    for one in sentences(text):
        for rule in rules:
            rule.said(one.text, {"known": frozenset()})
    assert time.process_time() - started < 3
