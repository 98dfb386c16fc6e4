from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compass.model.entry import KINDS
from compass.model.ids import ENTRY_ID, INVESTIGATION_ID, LINK, new_id, slug


@given(st.integers(0, 2**32))
def test_ids_have_the_form_that_the_format_promises(seed: int) -> None:
    for kind in KINDS:
        assert ENTRY_ID.fullmatch(new_id(kind, Random(seed)))
    assert INVESTIGATION_ID.fullmatch(new_id("investigation", Random(seed)))


def test_ten_thousand_ids_do_not_collide() -> None:
    random = Random(7)
    assert len({new_id("pattern", random) for _ in range(10_000)}) == 10_000


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("KubePodCrashLooping", "kube-pod-crash-looping"),
        ("Über Änderungen: 5xx!", "uber-anderungen-5xx"),
        ("../../etc/passwd", "etc-passwd"),
        ("日本語", "entry"),
        ("", "entry"),
        ("word " * 40, "-".join(["word"] * 12)),
        ("x" * 100, "x" * 60),
    ],
)
def test_slugs_are_readable_and_safe(title: str, expected: str) -> None:
    assert slug(title) == expected


@given(st.text(max_size=200))
def test_a_slug_is_always_a_plain_file_name(title: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", slug(title))
    assert len(slug(title)) <= 60


def test_links_are_found_in_text() -> None:
    assert LINK.findall("see [[pat-7k3x9q2m4t]] and [[ x ]] but not [[]] or [[a\nb]]") == [
        "pat-7k3x9q2m4t",
        " x ",
    ]
