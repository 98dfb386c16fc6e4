"""Damaged and invented files through the loader: problems with a place inside the file, and never anything else.

The short run is part of every test run. The long one is for a person's evening: a million cases are
`pytest -m scale -s tests/library/test_library_fuzz.py`; FUZZ_CASES and FUZZ_SEED divide them among processes,
FUZZ_INVENTED says how many of hypothesis' own there are, FUZZ_KEEP names a folder for the cases that break a law.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections import Counter
from datetime import date
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import corpus, mutated

from compass.adapters.documents import KEY_ORDER, YamlProblem, canonical, dump_entry, split
from compass.library import Library, LoadedEntry, Mount, Source, blob_id
from compass.library.cache import ParseCache
from compass.library.reading import Part, read_source
from compass.model.base import Problem
from compass.model.entry import FOLDERS, KINDS
from compass.model.scope import Level, Repository
from compass.rules.base import Context
from compass.rules.registry import all_rules
from compass.rules.runner import apply

CASES = int(os.environ.get("FUZZ_CASES", "1000000"))
INVENTED = int(os.environ.get("FUZZ_INVENTED", "50000"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
TODAY = date(2026, 6, 1)
SLOW = 1.0
_CONFIG = Repository.model_validate({"schema": 1, "level": "team", "id": "team/payments"})
_MOUNT = Mount("team/payments", Level.TEAM, Path(os.devnull), None, "0" * 40, _CONFIG, 0)
_RULES = all_rules()


def read(path: str, data: bytes) -> Part:
    """What the loader makes of one file."""
    with ParseCache(None) as cache:
        return read_source(Source(_MOUNT, None, {path: (blob_id(data), data)}), cache)


def complaints(path: str, data: bytes, *, thorough: bool) -> list[str]:
    """Which laws do not hold for this file; `thorough` writes and rules too, at thirty times the cost."""
    started = time.process_time()
    part = read(path, data)
    spent = time.process_time() - started
    started = time.process_time()
    again = read(path, data)
    spent = min(spent, time.process_time() - started)  # one of the two may have paid for a garbage collection
    wrong = [_astray(one) for one in part.problems if not inside(one, path, data)]
    if repr(part) != repr(again):  # a NaN equals not even itself
        wrong.append("a second reading differs")
    for loaded in part.entries:
        remembered = LoadedEntry(
            _MOUNT, path, loaded.blob, loaded.text, loaded.id, loaded.kind, loaded.title, loaded.status, loaded.front
        )  # fmt: skip
        if repr(remembered.entry) != repr(loaded.entry):
            wrong.append("out of the cache it is another entry")
        if thorough:
            wrong += _written(loaded)
            found = apply(_RULES, Context(Library((_MOUNT,), (loaded,)), TODAY)).problems
            wrong += [_astray(one) for one in found if not inside(one, path, data)]
    if spent > SLOW:
        wrong.append("it took more than a second")
    return wrong


def _astray(problem: Problem) -> str:
    return f"no place in the file: {problem.rule}: {problem.message[:30]!r} at {problem.location}"


def _written(loaded: LoadedEntry) -> list[str]:
    """Writing what was read and reading it again gives the same entry, in a form that stays as it is."""
    try:
        text = canonical(loaded.text)
    except YamlProblem:
        return []  # `fmt` says that it leaves such a file alone
    (after,) = read(loaded.path, text.encode()).entries or (None,)
    if (
        after is None
        or repr(after.entry) != repr(loaded.entry)
        or after.body.strip("\n") != loaded.body.strip("\n")
    ):
        return ["the canonical form is another entry"]
    return [] if canonical(text) == text else ["the canonical form has a canonical form of its own"]


def inside(problem: Problem, path: str, data: bytes) -> bool:
    """Whether a problem names this file and a line and column that it has."""
    lines = (
        data.decode("utf-8", "replace")
        .removeprefix("\ufeff")
        .replace("\r\n", "\n")
        .replace("\r", "\n")
        .split("\n")
    )
    return (
        problem.path == path
        and 1 <= problem.line <= len(lines)
        and 1 <= problem.column <= len(lines[problem.line - 1]) + 1
    )


def run(count: int, seed: int, every: int) -> Counter[str]:
    """So many damaged files; what went wrong, counted, the first case of each kept in FUZZ_KEEP."""
    random, files, wrong = Random(seed), corpus(), Counter[str]()
    for number in range(count):
        path, data = mutated(files, random)
        try:
            found = complaints(path, data, thorough=number % every == 0)
        except Exception as error:  # noqa: BLE001  # the point: no exception may come through
            found = [
                f"{type(error).__name__} in {traceback.extract_tb(error.__traceback__)[-1].name}: {error!s:.80}"
            ]
        for one in found:
            sort = one[:70]
            wrong[sort] += 1
            if wrong[sort] == 1 and "FUZZ_KEEP" in os.environ:
                name = f"{abs(hash(sort)):x}-{Path(path).name}"
                Path(os.environ["FUZZ_KEEP"], name).write_bytes(data)
                sys.stderr.write(f"\n{name}: {path}: {one}\n")
        if number % 50_000 == 49_999:
            sys.stderr.write(f"{number + 1:,} cases of seed {seed}, {sum(wrong.values())} complaints\n")
    return wrong


def test_a_thousand_damaged_entries_are_problems_with_a_place() -> None:
    assert run(1000, seed=1, every=20) == Counter()


@pytest.mark.scale
def test_a_million_damaged_entries_are_problems_with_a_place() -> None:
    started = time.process_time()
    wrong = run(CASES, SEED, every=10)
    sys.stderr.write(f"\n{CASES:,} cases of seed {SEED} in {time.process_time() - started:.0f} s CPU\n")
    assert wrong == Counter()


_PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30)
_ID = st.text("0123456789abcdefghjkmnpqrstvwxyz", min_size=10, max_size=10)
_SCALAR = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    _PLAIN,
    st.dates().map(str),
    st.datetimes().map(lambda time: f"{time.isoformat()}Z"),
    st.sampled_from(["draft", "verified", "group:default/payments", "15m", "read_only", "alert", "slow and pool"]),
)  # fmt: skip
_KEYS = st.sampled_from([
    *KEY_ORDER, "id", "type", "text", "from", "to", "window", "signals", "condition", "matchers", "name", "query",
    "observed", "sha256", "risk", "command", "level", "reason", "at", "slow", "drafted_by",
])  # fmt: skip
_ANY = st.recursive(
    _SCALAR,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=10,
)
_BLOCK = st.one_of(
    _PLAIN.map(lambda text: f"## {text}"),
    st.sampled_from([
        "# Title", "## Timeline", "- 10:04 The page comes.[^e1]", "```promql\nup == 0\n```", "~~~", "````", "---",
        "[[pat-0123456789]]", "[[run-0123456789]] [[x]]", "[^e1]: Log lines.", "<script>alert(1)</script>", "|a|b|\n|-|-|",
        "> quoted", "1. one\n   - two", "![x](javascript:alert(1))", "`a``b`", "    indented", "Set\n===", "&amp; &#x202e;",
    ]),
    _PLAIN,
)  # fmt: skip


@st.composite
def entries(draw: st.DrawFn) -> tuple[str, bytes]:
    """A file of any kind whose frame is right, with fields of any shape and a body of Markdown blocks."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    prefix = {"pattern": "pat", "runbook": "run", "postmortem": "pm"}[kind]
    fields = draw(st.dictionaries(st.sampled_from(KEY_ORDER), _ANY, max_size=3))
    frame = {
        "schema": 1,
        "kind": kind,
        "id": f"{prefix}-{draw(_ID)}",
        "title": draw(_PLAIN),
        "status": draw(st.sampled_from(["draft", "verified", "stable", "withdrawn", "deprecated"])),
        "created": "2026-01-01",
    }
    extra = {"x": draw(st.dictionaries(_KEYS, _ANY, max_size=2))} if draw(st.booleans()) else {}
    body = "\n\n".join(draw(st.lists(_BLOCK, max_size=6)))
    data = {**frame, **{key: value for key, value in fields.items() if key not in frame}, **extra}
    front = "\n".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in data.items())
    text = f"---\n{front}\n---\n\n{body}\n"
    return f"{FOLDERS[kind]}/{'2026/' if kind == 'postmortem' else ''}entry.md", text.encode(
        "utf-8", "replace"
    )


@given(entries())
def test_an_invented_entry_is_valid_or_a_problem_with_a_place(case: tuple[str, bytes]) -> None:
    assert complaints(*case, thorough=True) == []


@pytest.mark.scale
@settings(
    max_examples=INVENTED,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(entries())
def test_fifty_thousand_invented_entries_are_valid_or_problems_with_a_place(case: tuple[str, bytes]) -> None:
    assert complaints(*case, thorough=False) == []


def test_loading_what_was_dumped_is_the_identity_for_the_entries_of_the_example_organization() -> None:
    for path, data in corpus():
        for loaded in read(path, data).entries:
            front = loaded.entry.model_dump(mode="json", by_alias=True, exclude_defaults=True) | {
                "kind": loaded.kind
            }
            (after,) = read(path, dump_entry(front, loaded.body).encode()).entries
            assert after.entry == loaded.entry
            assert after.body == loaded.body
            assert split(after.text).body == split(loaded.text).body
